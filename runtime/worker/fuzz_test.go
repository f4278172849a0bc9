package worker

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/call"
)

// believed fuzzes a parser. What it believes passes the check, and is the same
// when it is written and read once more.
func believed[T any](f *testing.F, write func(b []byte, x *T) []byte, parse func(b []byte) (T, error), check func(t *testing.T, x *T), seeds ...T) {
	f.Helper()
	for _, x := range seeds {
		f.Add(write(nil, &x))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := parse(b)
		if err != nil {
			return
		}
		check(t, &x)
		again, err := parse(write(nil, &x))
		if diff := cmp.Diff(x, again); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

func FuzzParseTurn(f *testing.F) {
	believed(f, appendTurn, parseTurn, func(t *testing.T, x *Turn) {
		checkTurn(t, x)
		for _, h := range exportable {
			o := order{handler: h, turn: x.N - 1}
			_ = o.next(x, x.At) // it may well be refused
		}
	}, sampleTurns()...)
}

func FuzzParseLine(f *testing.F) {
	believed(f, appendLine, parseLine, func(t *testing.T, x *Line) {
		checkError(t, &call.Error{Message: x.Msg, Stack: x.Pos.File, Data: x.Fields})
	}, sampleLine())
}

func FuzzParseLoaded(f *testing.F) {
	believed(f, appendLoaded, parseLoaded, func(t *testing.T, x *loaded) { checkError(t, x.Err) },
		loaded{Handlers: []string{"run", "scheduled"}}, loaded{Err: errSample})
}

func FuzzParseStart(f *testing.F) {
	x := sampleStart()
	var known settings
	s, _ := known.say(&x)
	write := func(b []byte, x *Start) []byte { return appendStart(b, x, s.Number) }
	parse := func(b []byte) (Start, error) { return parseStart(b, &known) }
	believed(f, write, parse, func(*testing.T, *Start) {}, x)
}

func FuzzParseSetting(f *testing.F) {
	x := sampleStart()
	s, _ := new(settings).say(&x)
	believed(f, appendSetting, parseSetting, func(t *testing.T, x *setting) {
		var none settings
		if err := none.learn(*x); (err == nil) != (x.Number == 0) {
			t.Fatalf("the first setting is number %d (%v)", x.Number, err)
		}
	}, *s)
}

func FuzzParseRevision(f *testing.F) {
	believed(f, appendRevision, parseRevision, func(*testing.T, *Revision) {}, sampleRevision())
}
