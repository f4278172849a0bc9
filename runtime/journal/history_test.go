package journal_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/call"
	"reprise/runtime/journal"
)

var start = time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)

// at is a moment of the tests, ms after their start.
func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func begun() *journal.Started {
	return &journal.Started{Run: "run-1", Script: "orders/fulfil", File: "scripts/orders/fulfil.ts", Revision: "rev-1", Handler: "run", Engine: 1, Seed: [32]byte{1}, At: start}
}

func calls(ids ...uint64) []journal.Call {
	var list []journal.Call
	for _, id := range ids {
		list = append(list, journal.Call{ID: id, Kind: "http.request", Target: "GET api/x", Class: call.Read, Args: journal.Inline([]byte(`{"n":1}`))})
	}
	return list
}

func turn(n uint64, outcome uint64, ids ...uint64) *journal.Turn {
	t := &journal.Turn{N: n, At: at(int(n)), Calls: calls(ids...)}
	if n > 1 {
		t.Cause, t.Outcome = journal.ByOutcome, outcome
	}
	return t
}

func ok(id uint64) *journal.Outcome {
	return &journal.Outcome{Call: id, At: start, Value: journal.Inline([]byte("1"))}
}

func failed(id uint64) *journal.Outcome {
	return &journal.Outcome{Call: id, At: start, Err: call.Errorf(call.CodeTimeout, "late")}
}

func retry(turn uint64, void ...uint64) *journal.Control {
	return &journal.Control{Op: journal.OpRetry, At: start, Turn: turn, Void: void}
}

// history adds records to a new one; each must be accepted.
func history(t testing.TB, list ...journal.Record) *journal.History {
	t.Helper()
	h := &journal.History{}
	for _, r := range list {
		if err := h.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func encode(list []journal.Record) [][]byte {
	file := ""
	var out [][]byte
	for _, r := range list {
		out = append(out, journal.Append(nil, r, file))
		if s, ok := r.(*journal.Started); ok {
			file = s.File
		}
	}
	return out
}

func pendingOf(h *journal.History) []uint64 {
	var ids []uint64
	for _, o := range h.Pending() {
		ids = append(ids, o.Call)
	}
	return ids
}

func openOf(h *journal.History) []uint64 {
	var ids []uint64
	for _, c := range h.Open() {
		ids = append(ids, c.ID)
	}
	return ids
}

func equal(t testing.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestRetryRewindsToJustBeforeTheFailure(t *testing.T) {
	// Calls 1 to 3 are issued at once; 1 and 2 answer, 2 is an error, on which
	// the script issues 4 and fails. The retry voids turn 3 and the answer of 2.
	list := []journal.Record{
		begun(), turn(1, 0, 1, 2, 3), ok(1), turn(2, 1), failed(2), ok(3), turn(3, 2, 4),
		&journal.Attempt{Call: 4, N: 1}, ok(4), &journal.Ended{Status: "failed"},
	}
	h := history(t, list...)
	equal(t, "pending", []uint64{3, 4}, pendingOf(h))
	if h.Ended == nil {
		t.Fatal("the run has ended")
	}
	if err := h.Add(retry(3, 2)); err != nil {
		t.Fatal(err)
	}
	equal(t, "pending", []uint64{3}, pendingOf(h))
	equal(t, "open", []uint64{2}, openOf(h))
	equal(t, "calls", 3, h.Calls())
	equal(t, "generations", []uint64{0, 0, 0, 1}, []uint64{h.Generation(1), h.Generation(2), h.Generation(3), h.Generation(4)})
	var void []int
	for seq := range int(h.Len) {
		if h.Void(uint64(seq)) {
			void = append(void, seq)
		}
	}
	equal(t, "void", []int{4, 6, 7, 8, 9}, void)
	if h.Ended != nil || h.Outcome(2) != nil || h.Outcome(4) != nil || h.IssuedBy(4) != nil {
		t.Error("what the retry voided is still in force")
	}
	// It goes on, with the same numbers.
	for _, r := range []journal.Record{turn(3, 3, 4, 5), ok(4), ok(2), turn(4, 4), &journal.Ended{Status: "succeeded"}} {
		if err := h.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "pending", []uint64{2}, pendingOf(h))
	equal(t, "open", []uint64{5}, openOf(h))
	again, err := journal.Read(encode(append(list, retry(3, 2))), nil)
	if err != nil || again.Len != 11 {
		t.Fatal(err)
	}
}

func TestCPUOfTheTurnsInForce(t *testing.T) {
	// A retry gives back what the turns took that it voids.
	list := []journal.Record{begun(), turn(1, 0, 1), ok(1), turn(2, 1, 2), failed(2), turn(3, 2)}
	for i, cpu := range map[int]time.Duration{1: 5, 3: 20, 5: 300} {
		list[i].(*journal.Turn).CPU = cpu * time.Millisecond
	}
	h := history(t, list...)
	if h.CPU != 325*time.Millisecond {
		t.Errorf("CPU = %s", h.CPU)
	}
	if err := h.Add(retry(3, 2)); err != nil || h.CPU != 25*time.Millisecond {
		t.Errorf("CPU = %s, %v", h.CPU, err)
	}
	fork, err := h.Until(2)
	if err != nil || fork.CPU != 5*time.Millisecond {
		t.Errorf("a fork has %s, %v", fork.CPU, err)
	}
}

func TestControlsInForce(t *testing.T) {
	// A retry ends what users did about the failure before it.
	resume := &journal.Control{Op: journal.OpResume, Turn: 2}
	upgrade := &journal.Control{Op: journal.OpUpgrade, Revision: "rev-2"}
	held := turn(2, 1)
	held.Failed, held.Held = true, true
	h := history(t, begun(), turn(1, 0, 1), failed(1), held, &journal.Control{Op: journal.OpPause, Reason: "failure"}, upgrade)
	if h.LetGo() || h.Paused == nil {
		t.Error("the failure is held")
	}
	if err := h.Add(resume); err != nil || !h.LetGo() || h.Paused != nil {
		t.Error("the failure was let go", err)
	}
	again := retry(2, 1)
	for _, r := range []journal.Record{again, failed(1), held} {
		if err := h.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if h.LetGo() {
		t.Error("the second failure was not let go")
	}
	equal(t, "controls", []*journal.Control{upgrade, again}, h.Controls)
}

func TestTurnsThatCannotFollow(t *testing.T) {
	aborting := turn(2, 1)
	aborting.Aborts = []uint64{2}
	wait := turn(1, 0)
	wait.Calls = []journal.Call{{ID: 1, Kind: call.KindWait, Args: journal.Inline([]byte("{"))}}
	for name, list := range map[string][]journal.Record{
		"delivered twice":     {begun(), turn(1, 0, 1), ok(1), turn(2, 1), turn(3, 1)},
		"delivered, no fact":  {begun(), turn(1, 0, 1), turn(2, 1)},
		"late is no fact":     {begun(), turn(1, 0, 1), &journal.Outcome{Call: 1, Late: true}, turn(2, 1)},
		"delivered, aborted":  {begun(), turn(1, 0, 1, 2), ok(1), ok(2), aborting, turn(3, 2)},
		"after the end":       {begun(), turn(1, 0, 1), ok(1), &journal.Ended{}, turn(2, 1)},
		"two ends":            {begun(), &journal.Ended{}, &journal.Ended{}},
		"begins twice":        {begun(), turn(1, 0), &journal.Turn{N: 2}},
		"a number again":      {begun(), turn(1, 0, 1), ok(1), turn(2, 1, 1)},
		"numbers fall":        {begun(), turn(1, 0, 2, 1)},
		"retry of the kept":   {begun(), turn(1, 0, 1), ok(1), turn(2, 1), retry(3, 1)},
		"unreadable wait":     {begun(), wait, ok(1)},
		"nothing but a start": {begun(), begun()},
	} {
		last := len(list) - 1
		h := history(t, list[:last]...)
		if err := h.Add(list[last]); !errors.Is(err, journal.ErrDamaged) || h.Len != uint64(last) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrefixOfAFork(t *testing.T) {
	// Call 1 takes a signal, call 2 is what turn 3 delivered, call 3 has an
	// answer that comes later; attempts, controls and the rest stay behind.
	wait := turn(1, 0, 1, 2, 3)
	wait.Calls[0].Kind, wait.Calls[0].Args = call.KindWait, journal.Inline([]byte(`{"name":"a"}`))
	signal := func(name string) *journal.Signal { return &journal.Signal{Name: name} }
	upgrade := &journal.Control{Op: journal.OpUpgrade, Revision: "rev-2"}
	reseed := func(n byte) *journal.Control { return &journal.Control{Op: journal.OpReseed, Seed: [32]byte{n}} }
	attempt := func(id uint64) *journal.Attempt { return &journal.Attempt{Call: id, N: 1} }
	late := ok(1)
	late.Late = true
	a, b, third := signal("a"), reseed(1), ok(3)
	second, first, of3 := turn(2, 1), ok(1), attempt(3)
	h := history(t, begun(), reseed(9), signal("b"), a, signal("a"), wait, first, late, second, b, attempt(2), of3, ok(2), upgrade,
		&journal.Control{Op: journal.OpPause}, &journal.Control{Op: journal.OpResume}, turn(3, 2, 4), reseed(3), third, turn(4, 3), &journal.Ended{})
	same := func(what string, want, got []journal.Record) {
		t.Helper()
		if !slices.Equal(want, got) {
			t.Errorf("%s: %d records, not %d: %v", what, len(got), len(want), got)
		}
	}
	started := h.All()[1]
	same("from 1", []journal.Record{started, upgrade}, h.Prefix(1))
	same("from 3", []journal.Record{started, a, wait, first, second, b, of3, upgrade, third}, h.Prefix(3))
	all := slices.DeleteFunc(slices.Clone(h.All()), func(r journal.Record) bool {
		switch r := r.(type) {
		case *journal.Started, *journal.Ended:
			return true
		case *journal.Outcome:
			return r.Late
		case *journal.Signal:
			return r != a
		case *journal.Control:
			return r.Op == journal.OpPause || r.Op == journal.OpResume
		}
		return false
	})
	same("from 5", all, h.Prefix(5))
	if diff := cmp.Diff(map[string]int{"a": 1}, h.TakenSignals()); diff != "" {
		t.Error(diff)
	}
}
