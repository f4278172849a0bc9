package vm_test

import (
	"testing"

	"reprise/runtime/call"
)

func TestTooManyOpenCalls(t *testing.T) {
	// Ten thousand calls can be open. One more throws, which a script can catch,
	// and there is room again as answers come, but not in the turn that made
	// all of them.
	v := mustLoad(t, `async () => {
		const made = [];
		let error;
		try { for (;;) made.push(call("a").then(() => made.push(call("b")))); } catch (e) { error = e; }
		await Promise.race(made);
		return [made.length, error.name, error.limit, error.used, error.allowed];
	}`)
	turn := begin(v, "")
	if len(turn.Calls) != 10_000 || turn.Open != 10_000 || turn.Done {
		t.Fatalf("%d calls, %d open, %+v", len(turn.Calls), turn.Open, turn.Err)
	}
	turn = v.Deliver(call.OK(7, nil), epoch)
	if len(turn.Calls) != 1 || turn.Open != 10_000 || turn.Err != nil {
		t.Fatalf("after an answer: %d calls, %d open, %+v", len(turn.Calls), turn.Open, turn.Err)
	}
	if want := `[10001,"ResourceError","openCalls",10001,10000]`; string(turn.Value) != want {
		t.Errorf("it returned %s, want %s", turn.Value, want)
	}
}

func TestTooManyCallsOfATurn(t *testing.T) {
	// Calls that are aborted at once are not open, but they are sent all the same.
	v := mustLoad(t, `async () => { for (;;) aborted("a"); }`)
	turn := begin(v, "")
	if len(turn.Calls) != 10_000 || turn.Open != 0 || call.LimitOf(turn.Err) != "openCalls" {
		t.Errorf("%d calls, %d open, %+v", len(turn.Calls), turn.Open, turn.Err)
	}
}
