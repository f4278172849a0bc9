package call_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reprise/runtime/call"
)

func body(t *rapid.T) call.Body {
	switch rapid.IntRange(0, 2).Draw(t, "form") {
	case 0:
		return call.Body{}
	case 1:
		return call.Bytes(bytesOf(t, "inline"))
	}
	return call.Held(rapid.StringMatching(`[a-z0-9-]{1,20}`).Draw(t, "handle"), rapid.Int64Range(0, 1<<40).Draw(t, "size"))
}

// bytesOf draws bytes; none is nil, as a reader returns it.
func bytesOf(t *rapid.T, name string) []byte {
	b := rapid.SliceOf(rapid.Byte()).Draw(t, name)
	if len(b) == 0 {
		return nil
	}
	return b
}

func errorOf(t *rapid.T, depth int) *call.Error {
	if depth > 3 || !rapid.Bool().Draw(t, "error") {
		return nil
	}
	return &call.Error{
		Name: rapid.String().Draw(t, "name"), Message: rapid.String().Draw(t, "message"),
		Code: rapid.String().Draw(t, "code"), Stack: rapid.String().Draw(t, "stack"),
		Data: bytesOf(t, "data"), Cause: errorOf(t, depth+1), Call: rapid.Uint64().Draw(t, "stems from"),
	}
}

func TestCallSurvivesItsBinaryForm(t *testing.T) {
	// What is journaled and crosses the pipe comes back unchanged.
	rapid.Check(t, func(t *rapid.T) {
		c := call.Call{
			ID: rapid.Uint64().Draw(t, "id"), Kind: rapid.String().Draw(t, "kind"), Target: rapid.String().Draw(t, "target"),
			Class: call.Class(rapid.IntRange(0, 3).Draw(t, "class")), Args: bytesOf(t, "args"), Body: body(t),
			Pos:   call.Position{File: rapid.String().Draw(t, "file"), Line: rapid.IntRange(0, 1<<30).Draw(t, "line"), Column: rapid.IntRange(0, 1<<30).Draw(t, "column")},
			Scope: rapid.String().Draw(t, "scope"),
		}
		got, err := call.ParseCall(c.Append(nil))
		if diff := cmp.Diff(c, got); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		if c.Digest() != got.Digest() {
			t.Fatal("the digest changed")
		}
	})
}

func TestOutcomeSurvivesItsBinaryForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := call.Outcome{Call: rapid.Uint64().Draw(t, "call"), Value: bytesOf(t, "value"), Body: body(t), Err: errorOf(t, 0)}
		got, err := call.ParseOutcome(o.Append(nil))
		if diff := cmp.Diff(o, got); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

func TestErrorSurvivesWithinOtherRecords(t *testing.T) {
	// What follows an error is left for the next reader.
	e := call.Errorf(call.CodeTimeout, "late").WithCause(call.Errorf(call.CodeConnect, "refused"))
	e.Call = 7
	got, rest, err := call.ParseError(append(call.AppendError(nil, e), "rest"...))
	if diff := cmp.Diff(e, got); err != nil || diff != "" || string(rest) != "rest" {
		t.Fatal(err, diff, rest)
	}
	b := call.AppendError(nil, e)
	for n := range b {
		if _, _, err := call.ParseError(b[:n]); !errors.Is(err, call.ErrWire) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
	b[0] = 200
	if _, _, err := call.ParseError(b); !errors.Is(err, call.ErrWireNewer) {
		t.Fatal(err)
	}
}

func TestErrorOfTheFirstVersion(t *testing.T) {
	// Records of version 1 had no call in an error and can still be read.
	old := []byte{1, 3, 0, 0, 1, 1, 'N', 1, 'M', 1, 'C', 1, 'S', 0, 0}
	got, err := call.ParseOutcome(old)
	want := call.Failed(3, &call.Error{Name: "N", Message: "M", Code: "C", Stack: "S"})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
}

func TestLongChainOfCausesIsCut(t *testing.T) {
	// What was written can be read, however long the chain of causes is.
	e := &call.Error{Name: "Error"}
	for range 100 {
		e = &call.Error{Name: "Error", Cause: e}
	}
	if _, _, err := call.ParseError(call.AppendError(nil, e)); err != nil {
		t.Fatal(err)
	}
}

func TestDigestTellsPartsApart(t *testing.T) {
	// Moving bytes from one part to the next gives another digest.
	a := call.Call{Kind: "ab", Target: "c"}
	b := call.Call{Kind: "a", Target: "bc"}
	if a.Digest() == b.Digest() {
		t.Fatal("the same digest for different calls")
	}
	moved := a
	moved.ID, moved.Pos, moved.Scope = 7, call.Position{File: "x", Line: 1}, "s"
	if a.Digest() != moved.Digest() {
		t.Fatal("place and position must not count")
	}
}

func FuzzParseOutcome(f *testing.F) {
	o := call.Failed(3, call.Errorf(call.CodeTimeout, "late").WithCause(call.Errorf(call.CodeConnect, "refused")))
	f.Add(o.Append(nil))
	o = call.Outcome{Call: 1, Value: []byte(`{"a":1}`), Body: call.Held("body-1", 9)}
	f.Add(o.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := call.ParseOutcome(b)
		if err != nil {
			return
		}
		again, err := call.ParseOutcome(o.Append(nil))
		if diff := cmp.Diff(o, again); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

func FuzzParseCall(f *testing.F) {
	c := call.Call{ID: 1, Kind: "http.request", Target: "GET x", Class: call.Read, Args: []byte(`{}`), Body: call.Bytes([]byte("b"))}
	f.Add(c.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := call.ParseCall(b)
		if err != nil {
			return
		}
		again, err := call.ParseCall(c.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), c.Append(nil)) {
			t.Fatal("not stable", err)
		}
	})
}
