package journal_test

import (
	"testing"

	"reprise/runtime/call"
	"reprise/runtime/journal"
)

func TestSameLooksAtWhatIsAsked(t *testing.T) {
	base := func() *journal.Call {
		return &journal.Call{
			ID: 1, Kind: "http.request", Target: "POST api/x", Class: call.Write, Args: journal.Inline([]byte(`{"a":1}`)),
			Body: journal.Body{Present: true, Payload: journal.Inline([]byte("body"))}, Pos: call.Position{File: "a.ts", Line: 1}, Scope: "s",
		}
	}
	kept := func(s string) journal.Payload { return journal.Kept(journal.HashOf([]byte(s)), int64(len(s))) }
	for name, tt := range map[string]struct {
		change func(c *journal.Call)
		same   bool
	}{
		"nothing":      {func(*journal.Call) {}, true},
		"its place":    {func(c *journal.Call) { c.ID, c.Pos, c.Scope, c.Class = 2, call.Position{}, "", call.Pure }, true},
		"args by hash": {func(c *journal.Call) { c.Args = kept(`{"a":1}`) }, true},
		"body by hash": {func(c *journal.Call) { c.Body.Payload, c.Body.Held = kept("body"), true }, true},
		"kind":         {func(c *journal.Call) { c.Kind = "http" }, false},
		"target":       {func(c *journal.Call) { c.Target = "POST api/y" }, false},
		"args":         {func(c *journal.Call) { c.Args = journal.Inline([]byte(`{"a":2}`)) }, false},
		"other hash":   {func(c *journal.Call) { c.Args = kept(`{"a":2}`) }, false},
		"body":         {func(c *journal.Call) { c.Body.Payload = journal.Inline([]byte("bodY")) }, false},
		"no body":      {func(c *journal.Call) { c.Body = journal.Body{} }, false},
		"empty body":   {func(c *journal.Call) { c.Body = journal.Body{Present: true} }, false},
	} {
		a, b := base(), base()
		tt.change(b)
		if journal.Same(a, b) != tt.same || journal.Same(b, a) != tt.same {
			t.Errorf("%s: same is %v", name, !tt.same)
		}
	}
	a, b := base(), base()
	a.Args, b.Args = kept("x"), kept("x")
	if !journal.Same(a, b) {
		t.Error("the same hash is the same")
	}
}

func TestCompareFindsTheFirstDifference(t *testing.T) {
	get := func(id uint64, target string, line int) journal.Call {
		return journal.Call{ID: id, Kind: "http.request", Target: target, Pos: call.Position{File: "a.ts", Line: line, Column: 9}}
	}
	want := &journal.Turn{N: 3, Calls: []journal.Call{get(4, "GET api/x", 1), get(5, "GET api/y", 2)}, Aborts: []uint64{2}}
	for name, tt := range map[string]struct {
		change func(got *journal.Turn)
		index  int
		text   string
	}{
		"more":           {func(g *journal.Turn) { g.Calls = append(g.Calls, get(6, "GET api/z", 3)) }, 2, "turn 3: the script called GET api/z (a.ts:3:9), and the journal has no further call"},
		"fewer":          {func(g *journal.Turn) { g.Calls = g.Calls[:1] }, 1, "turn 3: the script made no call where the journal has GET api/y (a.ts:2:9)"},
		"other":          {func(g *journal.Turn) { g.Calls[0] = get(4, "GET api/w", 7) }, 0, "turn 3: the script called GET api/w (a.ts:7:9) where the journal has GET api/x (a.ts:1:9)"},
		"arguments":      {func(g *journal.Turn) { g.Calls[1].Args = journal.Inline([]byte("1")) }, 1, "turn 3: the script called GET api/y (a.ts:2:9) where the journal has GET api/y (a.ts:2:9) (other arguments)"},
		"no abort":       {func(g *journal.Turn) { g.Aborts = nil }, 0, "turn 3: the script did not abort call 2, as the journal has it"},
		"another abort":  {func(g *journal.Turn) { g.Aborts = []uint64{2, 4} }, 1, "turn 3: the script aborted call 4, and the journal has no such abort"},
		"abort of other": {func(g *journal.Turn) { g.Aborts = []uint64{1} }, 0, "turn 3: the script aborted call 1, and the journal has an abort of call 2"},
		"failed":         {func(g *journal.Turn) { g.Failed = true }, -1, "turn 3: the handler is failed, and the journal has it running"},
		"held":           {func(g *journal.Turn) { g.Failed, g.Held = true, true }, -1, "turn 3: the handler is held, and the journal has it running"},
	} {
		got := &journal.Turn{N: 3, Calls: append([]journal.Call(nil), want.Calls...), Aborts: want.Aborts}
		if d := journal.Compare(want, got); d != nil {
			t.Fatal(d)
		}
		tt.change(got)
		d := journal.Compare(want, got)
		if d == nil || d.Index != tt.index || d.String() != tt.text {
			t.Errorf("%s: %+v\n%s", name, d, d)
		}
	}
	// How the script got there does not count.
	moved := &journal.Turn{N: 3, CPU: 7, At: start, Calls: []journal.Call{get(4, "GET api/x", 11), get(5, "GET api/y", 12)}, Aborts: want.Aborts, Unwinding: true}
	if d := journal.Compare(want, moved); d != nil {
		t.Error(d)
	}
}
