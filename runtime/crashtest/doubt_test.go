package crashtest

import (
	"context"
	"testing"
	"testing/synctest"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/store/storetest"
)

// doubtful crashes a run at every commit and calls check with how it stands in
// the life that follows: ended, or paused in doubt. It returns how often it was
// in doubt.
func doubtful(t *testing.T, script string, check func(t *testing.T, w *world, e *runtime.Engine, r runtime.Run)) (doubts int) {
	t.Helper()
	s := scenario{name: script, script: script}
	_, commits := undisturbed(t, &s)
	// Which commit is the one in question depends on what else happens meanwhile.
	for n := 1; n <= commits+1 || doubts == 0 && n < 20*commits; n++ {
		synctest.Test(t, func(t *testing.T) {
			f := storetest.NewFaults(newMemory())
			w := newWorld(t, &s)
			f.StopAfter((n-1)%(commits+1) + 1)
			if w.life(f, nil) {
				return
			}
			_, f = w.survivors(f, crash{kept: -1})
			s := *w.what
			w.what = &s
			s.acts = []act{func(ctx context.Context, e *runtime.Engine, run string) (bool, error) {
				r, err := e.Get(ctx, run)
				if err != nil {
					return false, err
				}
				inDoubt := r.Status == runtime.Paused && r.Reason == runtime.ReasonInDoubt
				if !inDoubt && !r.Status.Ended() {
					return false, nil
				}
				if inDoubt || r.Status == runtime.Succeeded && string(r.Output) == `"IN_DOUBT_ERROR"` {
					doubts++
				}
				check(t, w, e, r)
				return true, nil
			}}
			if !w.life(f, nil) {
				t.Errorf("after commit %d it did not end", n)
			}
		})
	}
	return doubts
}

func TestAWriteInDoubtPausesTheRun(t *testing.T) {
	// By default somebody has to decide, and may have it made again or fail it.
	for _, decision := range []string{"retry", "fail"} {
		doubts := doubtful(t, "doubt-pauses", func(t *testing.T, w *world, e *runtime.Engine, r runtime.Run) {
			if r.Status.Ended() {
				return
			}
			if len(r.InDoubt) != 1 || r.InDoubt[0].Target != "POST up:/a" {
				t.Errorf("in doubt is %+v", r.InDoubt)
			}
			if _, err := e.Resume(t.Context(), r.ID, runtime.ResumeRequest{InDoubt: decision}); err != nil {
				t.Error(err)
			}
			r, err := e.Wait(t.Context(), r.ID, patience)
			switch {
			case err != nil:
				t.Error(err)
			case decision == "retry" && string(r.Output) != `"/a"`:
				t.Errorf("performed again it is %s %s, %v", r.Status, r.Output, r.Error)
			case decision == "fail" && (r.Status != runtime.Failed || r.Error.Code != string(call.CodeInDoubt)):
				t.Errorf("failed it is %s, %v", r.Status, r.Error)
			}
			if got := w.up.received(); len(got) > 1 {
				t.Errorf("the upstream received %q", got)
			}
		})
		if doubts == 0 {
			t.Error("no crash left a write in doubt")
		}
	}
}

func TestAWriteInDoubtFailsTheCall(t *testing.T) {
	// With inDoubt: "fail" the script is told, and can go on.
	doubts := doubtful(t, "doubt-fails", func(t *testing.T, _ *world, _ *runtime.Engine, r runtime.Run) {
		if out := string(r.Output); out != `"fine"` && out != `"IN_DOUBT_ERROR"` {
			t.Errorf("it is %s %s %v", r.Status, out, r.Error)
		}
	})
	if doubts == 0 {
		t.Error("no crash left a write in doubt")
	}
}
