package vm_test

import (
	"testing"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

func beginHeld(v *vm.VM) vm.Turn {
	return v.Begin(vm.Start{Run: "r1", Script: "s", Handler: vm.HandlerRun, Now: epoch, HoldFailure: true})
}

// states are what a turn says of a failure.
type states struct{ Failed, Held, Unwinding, Settled, Done bool }

func expectStates(t *testing.T, turn vm.Turn, want states, message string) {
	t.Helper()
	got := states{turn.Failed, turn.Held, turn.Unwinding, turn.Settled, turn.Done}
	text := ""
	if turn.Err != nil {
		text = turn.Err.Message
	}
	if got != want || text != message {
		t.Fatalf("turn %d: %+v %q, want %+v %q", turn.N, got, text, want, message)
	}
}

func TestFailureIsToldAtOnce(t *testing.T) {
	// The turn in which the handler failed says so and why, the turns of the
	// hook say that it works, and the last one settles the run.
	v := loadHooked(t, `async () => { onFailure(async () => { await call("a"); await call("b"); }); await call("x"); throw new Error("no"); }`, nil)
	expectStates(t, begin(v, ""), states{}, "")
	expectStates(t, v.Deliver(call.OK(1, nil), epoch), states{Failed: true, Unwinding: true}, "no")
	expectStates(t, v.Deliver(call.OK(2, nil), epoch), states{Unwinding: true}, "")
	expectStates(t, v.Deliver(call.OK(3, nil), epoch), states{Settled: true, Done: true}, "no")
}

func TestFailureWithoutAHookIsFinal(t *testing.T) {
	for name, expr := range map[string]string{
		"no hook":       `async () => { throw new Error("no") }`,
		"nothing to do": `async () => { onFailure(async () => {}); throw new Error("no"); }`,
	} {
		t.Run(name, func(t *testing.T) {
			expectStates(t, begin(loadHooked(t, expr, nil), ""), states{Failed: true, Settled: true, Done: true}, "no")
		})
	}
}

func TestHeldFailure(t *testing.T) {
	// A run that holds its failures stops before the hook. Nothing reaches the
	// script then, not even timers of its own; Unwind lets it go on.
	v := loadHooked(t, `async () => { onFailure(async (e) => { await call("undo " + e.message); });
		call("late").then(() => call("never")); await call("x"); task(() => call("task")); throw new Error("no"); }`, nil)
	beginHeld(v)
	turn := v.Deliver(call.OK(2, nil), epoch)
	expectStates(t, turn, states{Failed: true, Held: true}, "no")
	calls := len(turn.Calls)
	turn = v.Deliver(call.OK(1, nil), epoch)
	expectStates(t, turn, states{Held: true}, "")
	if len(turn.Calls) != 0 || turn.Open != calls+1 {
		t.Fatalf("a held run went on: %+v", turn)
	}
	turn = v.Unwind(epoch)
	expectStates(t, turn, states{Unwinding: true}, "")
	undo := turn.Calls[len(turn.Calls)-1]
	if undo.Target == "task" {
		undo = turn.Calls[0]
	}
	if undo.Target != "undo no" {
		t.Fatalf("calls = %+v", turn.Calls)
	}
	// What was offered too early can be delivered now.
	if turn = v.Deliver(call.OK(1, nil), epoch); len(turn.Calls) != 1 || turn.Calls[0].Target != "never" {
		t.Fatalf("turn = %+v", turn)
	}
	expectStates(t, v.Deliver(call.OK(undo.ID, nil), epoch), states{Settled: true, Done: true}, "no")
}

func TestHeldFailureWithoutAHook(t *testing.T) {
	v := loadHooked(t, `async () => { throw new Error("no") }`, nil)
	expectStates(t, beginHeld(v), states{Failed: true, Held: true}, "no")
	expectStates(t, v.Unwind(epoch), states{Settled: true, Done: true}, "no")
}

func TestHeldFailureAfterTheHandlerSettled(t *testing.T) {
	// What fails after the answer is held as well: without its hook, which
	// belongs to the handler.
	v := loadHooked(t, `async (_, env, ctx) => { onFailure(() => call("undo"));
		ctx.waitUntil(call("x").then(() => { throw new Error("no") })); return 1; }`, nil)
	if turn := beginHeld(v); !turn.Settled || turn.Done || string(turn.Value) != "1" {
		t.Fatalf("turn = %+v", turn)
	}
	const why = "a promise was rejected and nobody handled it: Error: no"
	expectStates(t, v.Deliver(call.OK(1, nil), epoch), states{Failed: true, Held: true}, why)
	turn := v.Unwind(epoch)
	expectStates(t, turn, states{Settled: true, Done: true}, why)
	if len(turn.Calls) != 0 {
		t.Fatalf("calls = %+v", turn.Calls)
	}
}

func TestDeadVMsAreNotHeld(t *testing.T) {
	v := loadHooked(t, `async () => { const f = () => f() + 1; f(); }`, nil)
	turn := beginHeld(v)
	if !turn.Failed || turn.Held || !turn.Settled || !turn.Done || turn.Err.Name != "RangeError" {
		t.Fatalf("turn = %+v, %v", turn, turn.Err)
	}
}

func TestUnwindOfARunThatIsNotHeld(t *testing.T) {
	v := loadHooked(t, `async () => { await call("x"); return 1; }`, nil)
	beginHeld(v)
	expectStates(t, v.Unwind(epoch), states{}, "")
	if turn := v.Deliver(call.OK(1, nil), epoch); turn.N != 3 || string(turn.Value) != "1" {
		t.Fatalf("turn = %+v", turn)
	}
}

func TestCallsMadeWhileAnErrorIsRead(t *testing.T) {
	// Reading what was thrown may run the script's getters: what they call is
	// part of the turn.
	v := loadHooked(t, `async () => { throw { get message() { call("read"); return "no" } } }`, nil)
	turn := beginHeld(v)
	if turn.Err == nil || len(turn.Calls) == 0 || turn.Open != len(turn.Calls) {
		t.Fatalf("turn = %+v", turn)
	}
	n := len(turn.Calls)
	if turn = v.Unwind(epoch); len(turn.Calls) != 0 || turn.Open != n {
		t.Fatalf("the error was read again: %+v", turn)
	}
}

func TestReseed(t *testing.T) {
	// A fork draws as its parent did up to where they part.
	v := mustLoad(t, `async () => { const a = Math.random(); await call("x"); return [a, Math.random()]; }`)
	draw := func(seed byte) string {
		begin(v, "")
		if seed != 0 {
			v.Reseed("r", [32]byte{seed})
		}
		turn := v.Deliver(call.OK(1, nil), epoch)
		v.End()
		return string(turn.Value)
	}
	parent, again, fork, same := draw(0), draw(0), draw(1), draw(1)
	if parent != again || fork != same || parent == fork {
		t.Fatalf("parent %s, again %s, fork %s and %s", parent, again, fork, same)
	}
	var a, b [2]float64
	mustUnmarshal(t, parent, &a)
	mustUnmarshal(t, fork, &b)
	if a[0] != b[0] || a[1] == b[1] {
		t.Fatalf("%v and %v", a, b)
	}
}
