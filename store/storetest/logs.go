package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"reprise/store"

	"pgregory.net/rapid"
)

// OpenLogs returns a new, empty log store, and closes it when t ends.
type OpenLogs func(t *testing.T) store.LogStore

// RunLogs runs the conformance suite of log stores.
func RunLogs(t *testing.T, open OpenLogs) {
	tests := []struct {
		name string
		test func(*testing.T, store.LogStore)
	}{
		{"an empty one has nothing", logsEmpty},
		{"Append/takes blocks in order only", logsInOrder},
		{"Append/refuses an over-large block", logsTooLarge},
		{"Blocks/finds every block with a line in the range", logsRanges},
		{"Blocks/stops when it is told to", logsStop},
		{"Blocks/lets its callback use the store", logsNested},
		{"DropBefore/goes by each block's own time", logsDropBefore},
		{"DropOldest/leaves at most so many bytes", logsDropOldest},
		{"Close/is idempotent, and everything fails afterwards", logsClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
	t.Run("any range, after any drops", func(t *testing.T) { logsModel(t, open) })
}

func block(first, last uint64, seconds int64, data string) store.Block {
	return store.Block{First: first, Last: last, Time: at(seconds), Data: []byte(data)}
}

func appendBlocks(t *testing.T, l store.LogStore, blocks ...store.Block) {
	t.Helper()
	for _, b := range blocks {
		if err := l.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func readBlocks(ctx context.Context, l store.LogStore, from, to uint64, reverse bool) (blocks []store.Block, err error) {
	err = l.Blocks(ctx, from, to, reverse, func(b store.Block) bool {
		blocks = append(blocks, b)
		return true
	})
	return blocks, err
}

func wantBlocks(t *testing.T, l store.LogStore, from, to uint64, reverse bool, want ...store.Block) {
	t.Helper()
	got, err := readBlocks(t.Context(), l, from, to, reverse)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, want)
}

func wantLast(t *testing.T, l store.LogStore, want uint64) {
	t.Helper()
	if got, err := l.Last(t.Context()); err != nil || got != want {
		t.Fatalf("Last = %d, %v; want %d", got, err, want)
	}
}

const everyLine = ^uint64(0)

func logsEmpty(t *testing.T, l store.LogStore) {
	wantLast(t, l, 0)
	wantBlocks(t, l, 0, everyLine, false)
	wantBlocks(t, l, 0, everyLine, true)
	if err := errors.Join(l.DropBefore(t.Context(), at(1e9)), l.DropOldest(t.Context(), 0)); err != nil {
		t.Fatal(err)
	}
}

func logsInOrder(t *testing.T, l store.LogStore) {
	a, b := block(1, 3, 1, "a"), block(7, 7, 2, "")
	appendBlocks(t, l, a, b)
	for _, wrong := range []store.Block{block(7, 9, 1, ""), block(3, 4, 1, ""), block(9, 8, 1, "")} {
		if err := l.Append(t.Context(), wrong); err == nil {
			t.Errorf("block %d to %d was taken after line 7", wrong.First, wrong.Last)
		}
	}
	wantLast(t, l, 7)
	wantBlocks(t, l, 0, everyLine, false, a, b)
}

func logsTooLarge(t *testing.T, l store.LogStore) {
	big := block(1, 1, 1, "")
	big.Data = make([]byte, 64<<20)
	if err := l.Append(t.Context(), big); !errors.Is(err, store.ErrTooLarge) {
		t.Fatalf("error %v", err)
	}
	wantLast(t, l, 0)
	appendBlocks(t, l, block(1, 1, 1, "x"))
}

func logsRanges(t *testing.T, l store.LogStore) {
	a, b, c := block(1, 3, 1, "a"), block(5, 5, 2, "b"), block(6, 9, 3, "c")
	appendBlocks(t, l, a, b, c)
	for _, tt := range []struct {
		from, to uint64
		want     []store.Block
	}{
		{0, everyLine, []store.Block{a, b, c}},
		{1, 9, []store.Block{a, b, c}},
		{2, 2, []store.Block{a}},
		{3, 5, []store.Block{a, b}},
		{4, 4, nil},
		{4, 6, []store.Block{b, c}},
		{9, 9, []store.Block{c}},
		{10, 20, nil},
		{0, 0, nil},
		{6, 5, nil},
	} {
		wantBlocks(t, l, tt.from, tt.to, false, tt.want...)
		var reversed []store.Block
		for _, b := range tt.want {
			reversed = append([]store.Block{b}, reversed...)
		}
		wantBlocks(t, l, tt.from, tt.to, true, reversed...)
	}
}

func logsStop(t *testing.T, l store.LogStore) {
	appendBlocks(t, l, block(1, 1, 1, "a"), block(2, 2, 1, "b"))
	n := 0
	err := l.Blocks(t.Context(), 0, everyLine, false, func(store.Block) bool { n++; return false })
	if err != nil || n != 1 {
		t.Fatalf("%d blocks came, want one (%v)", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = l.Blocks(ctx, 0, everyLine, false, func(store.Block) bool { cancel(); return true })
	wantErr(t, err, context.Canceled)
}

func logsNested(t *testing.T, l store.LogStore) {
	appendBlocks(t, l, block(1, 1, 1, "a"), block(2, 2, 1, "b"))
	n := 0
	err := l.Blocks(t.Context(), 0, everyLine, false, func(b store.Block) bool {
		n++
		appendBlocks(t, l, block(b.Last+10, b.Last+10, 1, "later"))
		return true
	})
	if err != nil || n != 2 {
		t.Fatalf("%d blocks came, want the two there were (%v)", n, err)
	}
	wantLast(t, l, 12)
}

func logsDropBefore(t *testing.T, l store.LogStore) {
	a, b, c, d := block(1, 1, 10, "a"), block(2, 2, 30, "b"), block(3, 3, 20, "c"), block(4, 4, 40, "d")
	appendBlocks(t, l, a, b, c, d)
	if err := l.DropBefore(t.Context(), at(30)); err != nil {
		t.Fatal(err)
	}
	wantBlocks(t, l, 0, everyLine, false, b, d)
	wantLast(t, l, 4)
	if err := l.DropBefore(t.Context(), at(30).Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantBlocks(t, l, 0, everyLine, true)
	wantLast(t, l, 0)
}

func logsDropOldest(t *testing.T, l store.LogStore) {
	var blocks []store.Block
	for i := range uint64(2500) { // more than one would drop at once
		blocks = append(blocks, block(i+1, i+1, int64(i), "ten bytes."))
	}
	appendBlocks(t, l, blocks...)
	for _, tt := range []struct {
		most int64
		want int
	}{{1e9, 2500}, {25_000, 2500}, {24_999, 2499}, {25, 2}, {0, 0}} {
		if err := l.DropOldest(t.Context(), tt.most); err != nil {
			t.Fatal(err)
		}
		wantBlocks(t, l, 0, everyLine, false, blocks[len(blocks)-tt.want:]...)
	}
	appendBlocks(t, l, block(9000, 9000, 1, "x"))
}

func logsClosed(t *testing.T, l store.LogStore) {
	appendBlocks(t, l, block(1, 1, 1, "a"))
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	_, lastErr := l.Last(ctx)
	_, readErr := readBlocks(ctx, l, 0, 9, false)
	for i, err := range []error{lastErr, readErr, l.Append(ctx, block(2, 2, 1, "")), l.DropBefore(ctx, at(9)), l.DropOldest(ctx, 0)} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("call %d after Close: %v", i, err)
		}
	}
}

// logsModel holds a log store against a slice.
func logsModel(t *testing.T, open OpenLogs) {
	l := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		if err := l.DropBefore(t.Context(), at(1e9)); err != nil {
			rt.Fatal(err)
		}
		var model []store.Block
		next := uint64(1)
		for range rapid.IntRange(0, 30).Draw(rt, "blocks") {
			first := next + rapid.Uint64Range(0, 2).Draw(rt, "gap")
			last := first + rapid.Uint64Range(0, 300).Draw(rt, "lines")
			b := block(first, last, rapid.Int64Range(0, 9).Draw(rt, "time"), rapid.StringN(0, 9, 9).Draw(rt, "data"))
			if err := l.Append(t.Context(), b); err != nil {
				rt.Fatal(err)
			}
			model, next = append(model, b), last+1
		}
		before := at(rapid.Int64Range(-1, 3).Draw(rt, "before"))
		most := rapid.Int64Range(0, 200).Draw(rt, "bytes")
		if err := errors.Join(l.DropBefore(t.Context(), before), l.DropOldest(t.Context(), most)); err != nil {
			rt.Fatal(err)
		}
		model = dropped(model, before, most)
		from := rapid.Uint64Range(0, next).Draw(rt, "from")
		to := rapid.Uint64Range(0, next).Draw(rt, "to")
		reverse := rapid.Bool().Draw(rt, "reverse")
		var want []store.Block
		for _, b := range model {
			if from <= to && b.Last >= from && b.First <= to {
				if reverse {
					want = append([]store.Block{b}, want...)
				} else {
					want = append(want, b)
				}
			}
		}
		got, err := readBlocks(t.Context(), l, from, to, reverse)
		same(rt, fmt.Sprintf("Blocks(%d, %d, %v)", from, to, reverse), got, want, err)
	})
}

// dropped is what DropBefore and DropOldest leave of blocks.
func dropped(blocks []store.Block, before time.Time, most int64) (left []store.Block) {
	var total int64
	for _, b := range blocks {
		if !b.Time.Before(before) {
			left = append(left, b)
			total += int64(len(b.Data))
		}
	}
	for ; total > most; left = left[1:] {
		total -= int64(len(left[0].Data))
	}
	return left
}
