package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reprise/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a store.LogStore in memory whose failures a test can choose.
type memory struct {
	mu     sync.Mutex
	blocks []store.Block
	fail   error         // Append returns it
	hang   chan struct{} // Append waits for it
}

func (m *memory) Append(ctx context.Context, b store.Block) error {
	m.mu.Lock()
	hang := m.hang
	m.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if n := len(m.blocks); n > 0 && b.First <= m.blocks[n-1].Last {
		return fmt.Errorf("block %d-%d is out of order", b.First, b.Last)
	}
	m.blocks = append(m.blocks, b)
	return nil
}

func (m *memory) Blocks(_ context.Context, from, to uint64, reverse bool, yield func(store.Block) bool) error {
	m.mu.Lock()
	blocks := slices.Clone(m.blocks)
	m.mu.Unlock()
	if reverse {
		slices.Reverse(blocks)
	}
	for _, b := range blocks {
		if b.Last >= from && b.First <= to && !yield(b) {
			return nil
		}
	}
	return nil
}

func (m *memory) Last(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.blocks) == 0 {
		return 0, nil
	}
	return m.blocks[len(m.blocks)-1].Last, nil
}

func (m *memory) DropBefore(_ context.Context, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blocks = slices.DeleteFunc(m.blocks, func(b store.Block) bool { return b.Time.Before(t) })
	return nil
}

func (m *memory) DropOldest(_ context.Context, maxBytes int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.bytes() > maxBytes {
		m.blocks = m.blocks[1:]
	}
	return nil
}

func (m *memory) bytes() (n int64) {
	for _, b := range m.blocks {
		n += int64(len(b.Data))
	}
	return n
}

func (m *memory) set(fail error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *memory) Close() error { return nil }

func mustOpen(t testing.TB, opts Options) *Log {
	t.Helper()
	l, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // a test that cares closes itself
	return l
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func mustFilter(t testing.TB, s string) *Filter {
	t.Helper()
	f, err := ParseFilter(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func emit(l *Log, n int) {
	for i := range n {
		l.Emit(Entry{Kind: KindConsole, Level: Info, Script: "a", Msg: fmt.Sprintf("line %d", i)})
	}
}

// collect reads events until the log or subscription is closed.
func collect(t testing.TB, s *Subscription) (seqs []uint64, gaps []Gap) {
	t.Helper()
	for {
		ev, err := s.Next(t.Context())
		if errors.Is(err, ErrClosed) {
			return seqs, gaps
		}
		if err != nil {
			t.Error(err)
			return seqs, gaps
		}
		if ev.Gap != nil {
			gaps = append(gaps, *ev.Gap)
		}
		for _, r := range ev.Records {
			seqs = append(seqs, r.Entry().Seq)
		}
	}
}

// readN reads n records, and fails on a gap.
func readN(t testing.TB, s *Subscription, n int) []*Record {
	t.Helper()
	var out []*Record
	for len(out) < n {
		ev, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if ev.Gap != nil {
			t.Fatalf("gap %+v after %d records", *ev.Gap, len(out))
		}
		out = append(out, ev.Records...)
	}
	if len(out) != n {
		t.Fatalf("read %d records, want %d", len(out), n)
	}
	return out
}

// wantRun fails unless seqs are from, from+1, … to.
func wantRun(t testing.TB, seqs []uint64, from, to uint64) {
	t.Helper()
	if uint64(len(seqs)) != to-from+1 {
		t.Fatalf("%d entries, want %d (%d to %d)", len(seqs), to-from+1, from, to)
	}
	for i, s := range seqs {
		if s != from+uint64(i) {
			t.Fatalf("entry %d has seq %d, want %d", i, s, from+uint64(i))
		}
	}
}

func seqsOf(entries []Entry) []uint64 {
	var out []uint64
	for _, e := range entries {
		out = append(out, e.Seq)
	}
	return out
}
