package runtime_test

import (
	"testing"

	"reprise/runtime"
)

func TestASuccessorAnswersForWhatWasInvoked(t *testing.T) {
	// The parent waits for the run that goes on, over a restart in between.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("child", `async (n) => { await sleep("1 hour"); if (n < 3) await continueAs(n + 1); return n; }`)
		w.save("s", `async () => await invoke("child", 1)`)
		w.open()
		id := w.begin("s", "").ID
		w.is(id, runtime.Waiting, "")
		w.restart()
		w.ended(id, runtime.Succeeded, "3")
	})
}

func TestCancellingReachesTheSuccessor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("child", `async (n) => { if (n < 3) await continueAs(n + 1); await waitFor("never"); }`)
		w.save("s", `async () => await invoke("child", 1)`)
		w.open()
		id := w.begin("s", "").ID
		w.is(id, runtime.Waiting, "")
		if _, err := w.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		w.end(id)
		for _, r := range listed(t, w, "child") {
			if last := r.Successor == ""; last {
				w.ended(r.ID, runtime.Cancelled, "")
			}
		}
	})
}
