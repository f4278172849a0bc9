package wire_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reprise/runtime/call/wire"
)

func TestWhatIsAppendedIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "number")
		text := rapid.String().Draw(t, "text")
		texts := rapid.SliceOf(rapid.String()).Draw(t, "texts")
		numbers := rapid.SliceOf(rapid.Uint64()).Draw(t, "numbers")
		flags := rapid.SliceOfN(rapid.Bool(), 8, 8).Draw(t, "flags")
		at := time.Unix(0, rapid.Int64().Draw(t, "at")).UTC()

		b := wire.AppendNumber(nil, n)
		b = wire.AppendText(b, text)
		b = wire.AppendTexts(b, texts)
		b = wire.AppendNumbers(b, numbers)
		b = append(b, wire.Flags(flags...))
		b = wire.AppendTime(b, at)
		b = append(b, "the rest"...)

		r := wire.NewReader(b)
		if got := r.Number(); got != n {
			t.Fatal(got, n)
		}
		if got := r.Text(); got != text {
			t.Fatal(got, text)
		}
		if got := r.Texts(); !slices.Equal(got, texts) {
			t.Fatal(cmp.Diff(texts, got))
		}
		if got := r.Numbers(); !slices.Equal(got, numbers) {
			t.Fatal(cmp.Diff(numbers, got))
		}
		f := r.Flags(8)
		for i, on := range flags {
			if wire.On(f, i) != on {
				t.Fatalf("flag %d of %08b", i, f)
			}
		}
		if got := r.Time(); !got.Equal(at) && at.UnixNano() != -1<<63 {
			t.Fatal(got, at)
		}
		if got := string(r.Rest()); got != "the rest" || r.End() != nil {
			t.Fatal(got, r.End())
		}
	})
}

func TestMoments(t *testing.T) {
	// The zero time stays that; what does not fit becomes the nearest that does.
	now := time.Now()
	for _, at := range []time.Time{{}, now, now.AddDate(1000, 0, 0), now.AddDate(-1000, 0, 0)} {
		r := wire.NewReader(wire.AppendTime(nil, at))
		got := r.Time()
		if got.IsZero() != at.IsZero() || got.After(now) != at.After(now) || got.Before(now) != at.Before(now) {
			t.Errorf("%v became %v", at, got)
		}
	}
}

func TestTheFirstMistakeCounts(t *testing.T) {
	own := errors.New("my own")
	for want, read := range map[string]func(r *wire.Reader){
		"the number 5 is too large":  func(r *wire.Reader) { r.Integer(4) },
		"a record ends early":        func(r *wire.Reader) { r.Take(4) },
		"unknown flags 00000101":     func(r *wire.Reader) { r.Flags(2) },
		"a list of 5 does not fit":   func(r *wire.Reader) { r.Texts() },
		"2 bytes are left over":      func(r *wire.Reader) { r.Number() },
		"my own":                     func(r *wire.Reader) { r.Fail(own) },
		"a record ends within a num": func(r *wire.Reader) { r.Take(2); r.Number() },
	} {
		r := wire.NewReader([]byte{5, 0, 0xff})
		read(&r)
		if r.Err() != nil {
			// Nothing is read after a mistake, and it is not written over.
			if r.Number() != 0 || r.Text() != "" || r.Numbers() != nil || !r.Time().IsZero() || r.Key() != [32]byte{} || r.Len() != 0 {
				t.Errorf("%s: something was read after it", want)
			}
		}
		if err := r.End(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestWrongCountsAskForNoMemory(t *testing.T) {
	many := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0x20}
	// As many texts as there are bytes, of which the last has no end.
	texts := append([]byte{100}, append(make([]byte, 99), 0xff)...)
	for _, b := range [][]byte{many, texts} {
		allocated := testing.AllocsPerRun(10, func() {
			r := wire.NewReader(b)
			if list := r.Texts(); list != nil || r.Err() == nil {
				t.Fatalf("%q", list)
			}
			r = wire.NewReader(many)
			if list := r.Numbers(); list != nil || r.Err() == nil {
				t.Fatal(list)
			}
		})
		if allocated > 20 { // the sentences of two errors
			t.Errorf("%v allocations", allocated)
		}
	}
}
