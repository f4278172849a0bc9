package runtime_test

import (
	"encoding/json"
	"testing"
	"time"

	"reprise/runtime"
)

func TestAForkHasAnIdOfItsOwn(t *testing.T) {
	// In the turns it shares the script saw the first run's id, and sees it
	// again; behind them it sees its own, and draws other random numbers.
	r := newRig(t, `async (_, env, ctx) => { const before = [ctx.run, Math.random()]; await read(ctx.run); return { before, after: [ctx.run, Math.random()] }; }`)
	first := r.finish("")
	fork, err := r.Fork(t.Context(), first.ID, runtime.ForkRequest{FromTurn: 2})
	if err != nil {
		t.Fatal(err)
	}
	if fork, err = r.Wait(t.Context(), fork.ID, time.Minute); err != nil || fork.Status != runtime.Succeeded {
		t.Fatalf("fork = %+v, %v", fork, fork.Divergence)
	}
	var was, is struct{ Before, After []any }
	decode(t, first.Output, &was)
	decode(t, fork.Output, &is)
	if is.Before[0] != first.ID || is.Before[1] != was.Before[1] || is.After[0] != fork.ID || is.After[1] == was.After[1] {
		t.Errorf("the first run saw %v, the fork %v", was, is)
	}
	again, err := r.Fork(t.Context(), fork.ID, runtime.ForkRequest{FromTurn: 2})
	if err != nil {
		t.Fatal(err)
	}
	if again, err = r.Wait(t.Context(), again.ID, time.Minute); err != nil || again.Status != runtime.Succeeded {
		t.Fatalf("fork of a fork = %+v, %v", again, again.Divergence)
	}
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
