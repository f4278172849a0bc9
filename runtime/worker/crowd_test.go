package worker

import (
	"testing"
	"time"

	"reprise/runtime/call"
)

func TestACrowdIsRefused(t *testing.T) {
	// A script's requests beyond its part are refused, then everybody's; what has
	// begun never is.
	var c crowd
	enter := func(script string, n int) {
		t.Helper()
		for range n {
			if err := c.enter(script, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused := func(script, of string, allowed int) {
		t.Helper()
		err := c.enter(script, true)
		data, ok := CrowdOf(call.From(err))
		if !ok || data.Script != of || data.Allowed != allowed || call.CodeOf(err) != call.CodeUnavailable {
			t.Errorf("%s: %v, %+v", script, err, data)
		}
		if err := c.enter(script, false); err != nil {
			t.Errorf("a turn that is not the first: %v", err)
		}
		c.leave(script)
	}
	for i := range maxTurns / maxScriptTurns {
		script := string(rune('a' + i))
		enter(script, maxScriptTurns)
		refused(script, script, maxScriptTurns)
	}
	refused("z", "", maxTurns)
	c.leave("a")
	enter("z", 1)
	refused("z", "", maxTurns)
	c.leave("z")
	for i := range maxTurns / maxScriptTurns {
		for n := range maxScriptTurns {
			if i > 0 || n > 0 {
				c.leave(string(rune('a' + i)))
			}
		}
	}
	if c.all != 0 || len(c.of) != 0 {
		t.Errorf("%d are left, %v", c.all, c.of)
	}
}

func TestACrowdDoesNotWaitForAProcess(t *testing.T) {
	// While there is no worker, requests wait for one; those beyond the number are
	// refused at once, and not only when one has come.
	p := NewPool(PoolOptions{Workers: 1})
	defer p.Close()
	for range maxScriptTurns {
		if err := p.crowd.enter("s", true); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	_, _, err := p.Begin("a", Start{Script: "s", Handler: HandlerFetch}, nil)
	if _, ok := CrowdOf(call.From(err)); !ok || time.Since(began) > noWorkerFor/2 {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}
