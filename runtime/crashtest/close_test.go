package crashtest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"reprise/runtime"
)

func TestCloseAtAnyMoment(t *testing.T) {
	// Engines that are closed while runs are in every state, in order or not,
	// leave them to the next one; in the end all have ended as they should.
	theLab(t)
	for seed := range orders / 5 {
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		synctest.Test(t, func(t *testing.T) { closeAndReopen(t, rand.New(rand.NewPCG(7, uint64(seed)))) })
	}
}

// alone are the scripts that need no client, and how they end.
var alone = map[string]runtime.Status{
	"race": runtime.Succeeded, "parallel": runtime.Succeeded, "steps": runtime.Failed, "timers": runtime.Succeeded,
	"children": runtime.Succeeded, "continue": runtime.Succeeded, "counters": runtime.Succeeded, "retries": runtime.Succeeded,
	"openwrites": runtime.Succeeded, "waituntil": runtime.Succeeded, "generators": runtime.Succeeded, "queue": runtime.Succeeded,
	"random": runtime.Succeeded, "errors": runtime.Failed, "strict": runtime.Succeeded, "onfailed": runtime.Failed,
}

func closeAndReopen(t *testing.T, rng *rand.Rand) {
	kept, up := newMemory(), newUpstream()
	l := theLab(t)
	ids := map[string]string{}
	for life := range 5 {
		e, http, err := l.engine(t.Context(), kept, up, nil)
		if err != nil {
			t.Fatal(err)
		}
		e.Run()
		for script := range alone {
			if ids[script] != "" || rng.IntN(3) == 0 && life < 3 {
				continue
			}
			input := json.RawMessage(nil)
			if script == "continue" {
				input = json.RawMessage(`{"n":0}`)
			}
			r, _, err := e.Start(t.Context(), runtime.StartRequest{Script: script, Input: input, IdempotencyKey: "once"})
			if err != nil {
				t.Fatal(err)
			}
			ids[script] = r.ID
		}
		if life == 4 {
			finishAll(t, e, ids)
		} else {
			pause(t.Context(), time.Duration(rng.IntN(12_000))*time.Millisecond)
		}
		// With little patience writes are cut off; but it is no crash.
		patience := []time.Duration{time.Millisecond, time.Second, time.Hour}[rng.IntN(3)]
		closing, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		if err := e.Close(closing); err != nil {
			t.Error(err)
		}
		cancel()
		http.Close()
	}
}

// finishAll waits for all runs and looks at how they ended.
func finishAll(t *testing.T, e *runtime.Engine, ids map[string]string) {
	for script, want := range alone {
		r, err := e.Wait(t.Context(), ids[script], patience)
		if err != nil || r.Status != want {
			t.Errorf("%s is %s (%s), not %s: %v, %v, %+v", script, r.Status, r.Reason, want, r.Error, err, r.Divergence)
		}
		report, err := e.Replay(t.Context(), ids[script], runtime.ReplayRequest{})
		if err != nil || report.Result == "diverges" {
			t.Errorf("the replay of %s: %+v, %v", script, report.Divergence, err)
		}
	}
}
