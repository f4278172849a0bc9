package runtime_test

import (
	"strings"
	"testing"

	"reprise/runtime"
)

func TestADivergenceSaysWhatDiffers(t *testing.T) {
	// The part of the arguments that is another one, not their common beginning.
	inWorld(t, func(t *testing.T, w *world) {
		const expr = `async () => { await read({ common: "` + "a long beginning that both have, and that tells nobody anything" + `", to: "Ada Lovelace" }); await waitFor("go"); }`
		w.save("s", expr)
		w.open()
		id := w.begin("s", "").ID
		w.is(id, runtime.Waiting, "")
		got, err := w.Replay(t.Context(), id, runtime.ReplayRequest{Source: strings.Replace(expr, "Ada", "Bob", 1)})
		if err != nil || got.Divergence == nil {
			t.Fatal(got, err)
		}
		if m := got.Divergence.Message; !strings.Contains(m, `with other arguments: the journal has …`) || !strings.Contains(m, `"to":"Ada Lovelace"}, and the script …`) || !strings.Contains(m, `"to":"Bob Lovelace"}`) {
			t.Error(m)
		}
	})
}
