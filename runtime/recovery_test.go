// What a run does when the process ends and another one begins.

package runtime_test

import (
	"context"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/store/badger"
)

func TestARunGoesOnInTheNextProcess(t *testing.T) {
	// What was answered is not asked again; what waits goes on waiting.
	s, err := badger.Open(badger.Options{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const script = `async () => { const a = await write("a"); await timer({ ms: 3000 }); const b = await read("b"); return [a, b, await put(3)]; }`
	first := newRigOn(t, s, script)
	asked := make(chan struct{}, 1)
	first.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
		asked <- struct{}{}
		return call.OK(p.Call.ID, p.Call.Args)
	}
	run := first.start("")
	<-asked
	if err := first.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	second := newRigOn(t, s, script)
	run, err = second.Wait(t.Context(), run.ID, 10*time.Second)
	if err != nil || run.Status != runtime.Succeeded || string(run.Output) != `["a","b",3]` {
		t.Fatalf("run = %+v, %v, %v, %+v", run, run.Error, err, run.Divergence)
	}
	second.binding.mu.Lock()
	defer second.binding.mu.Unlock()
	if len(second.binding.started) != 1 || second.binding.started[0] != "read b" {
		t.Errorf("performed after the restart: %q", second.binding.started)
	}
}
