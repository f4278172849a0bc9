package crashtest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/store"
	"reprise/store/storetest"
)

// rewrite replaces the records of a journal behind everybody's back.
func (m *memory) rewrite(run string, f func([][]byte) [][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var records [][]byte
	for _, r := range m.model.Journal(run, 0) {
		records = append(records, slices.Clone(r))
	}
	m.model.DropJournal(run)
	return m.model.Commit(store.Commit{Run: run, Appends: f(records)}, 0)
}

// harm damages records as damage says: a choice, a place, a bit.
func harm(damage []byte) func(records [][]byte) [][]byte {
	return func(records [][]byte) [][]byte {
		for ; len(damage) >= 4 && len(records) > 0; damage = damage[4:] {
			at := int(damage[1]) % len(records)
			where := int(binary.BigEndian.Uint16(damage[2:4]))
			switch r := records[at]; damage[0] % 5 {
			case 0: // a bit is another one
				if len(r) > 0 {
					r[where/8%len(r)] ^= 1 << (where % 8)
				}
			case 1: // a record is torn
				records[at] = r[:where%(len(r)+1)]
			case 2: // a record is missing
				records = slices.Delete(records, at, at+1)
			case 3: // the last ones are missing
				records = records[:at]
			case 4: // two have changed places
				other := where % len(records)
				records[at], records[other] = records[other], records[at]
			}
		}
		return records
	}
}

// FuzzDamage damages the journal of a run that waits, is under way, or has ended.
func FuzzDamage(f *testing.F) {
	theLab(f)
	for _, seed := range []string{"\x00\x00\x00\x05", "\x00\x02\x01\x05", "\x01\x03\x00\x02", "\x02\x01\x00\x00", "\x02\x00\x00\x00", "\x03\x00\x00\x00", "\x03\x04\x00\x00", "\x04\x01\x00\x03"} {
		for _, commits := range []uint8{3, 6, 9, 40} {
			f.Add(commits, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, commits uint8, damage []byte) {
		if len(damage) > 64 {
			return
		}
		synctest.Test(t, func(t *testing.T) { damaged(t, int(commits%50)+2, harm(damage)) })
	})
}

func TestAnyDamage(t *testing.T) {
	// A run whose journal is damaged stops, with an error that says so, and every
	// other run goes on.
	theLab(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 4 * orders {
		damage := binary.BigEndian.AppendUint32(nil, rng.Uint32())
		commits := 2 + rng.IntN(40)
		synctest.Test(t, func(t *testing.T) { damaged(t, commits, harm(damage)) })
		if t.Failed() {
			t.Fatalf("after %d commits, damage %x", commits, damage)
		}
	}
}

// damaged has a run and its neighbour crash, damages the journal of the run, and
// looks at what the next process makes of both.
func damaged(t *testing.T, commits int, f func([][]byte) [][]byte) {
	victim := scenario{name: "victim", script: "retries"}
	kept := newMemory()
	faults := storetest.NewFaults(kept)
	w := newWorld(t, &victim)
	neighbour := ""
	victim.acts = []act{func(ctx context.Context, e *runtime.Engine, _ string) (bool, error) {
		r, _, err := e.Start(ctx, runtime.StartRequest{Script: "generators", IdempotencyKey: "neighbour"})
		neighbour = r.ID
		return err == nil, err
	}}
	faults.StopAfter(commits)
	w.life(faults, nil)
	if w.run == "" {
		return
	}
	if err := kept.rewrite(w.run, f); err != nil {
		t.Fatal(err)
	}
	e, http, err := w.lab.engine(t.Context(), kept, w.up, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Run()
	ctx := t.Context()
	if neighbour != "" {
		r, err := e.Wait(ctx, neighbour, patience)
		if err == nil && r.Status != runtime.Succeeded {
			t.Errorf("the neighbour is %s: %v", r.Status, r.Error)
		}
		if err != nil && call.CodeOf(err) != call.CodeNotFound {
			t.Error(err)
		}
	}
	pause(ctx, 10*time.Minute)
	synctest.Wait()
	w.examine(e)
	if err := e.Close(context.WithoutCancel(ctx)); err != nil {
		t.Error(err)
	}
	http.Close()
}

// examine asks for everything there is about the damaged run, and does away with it.
func (w *world) examine(e *runtime.Engine) {
	ctx := w.t.Context()
	r, err := e.Get(ctx, w.run)
	if call.CodeOf(err) == call.CodeNotFound {
		return // the crash came before it was there
	}
	if err != nil {
		w.t.Fatalf("the run can not be shown: %v", err)
	}
	// A time that was altered may be far away: that is no damage one could see.
	sleeping := slices.ContainsFunc(r.Waits, func(w runtime.Wait) bool { return w.Until != nil && w.Until.After(time.Now()) })
	if r.Status == runtime.Running || r.Status == runtime.Waiting && !sleeping {
		w.t.Errorf("after ten minutes the run is %s: %+v\n%s", r.Status, r.Waits, w.standing(ctx, e))
	}
	if r.Reason == runtime.ReasonDamaged && (r.Error == nil || !strings.Contains(r.Error.Message, "can not be read")) {
		w.t.Errorf("it is paused and does not say why: %+v", r.Error)
	}
	if _, _, err := e.List(ctx, runtime.ListQuery{}); err != nil {
		w.t.Errorf("the list: %v", err)
	}
	for what, err := range map[string]error{
		"journal": second(e.Journal(ctx, w.run)),
		"replay":  second(e.Replay(ctx, w.run, runtime.ReplayRequest{})),
		"signal":  e.Signal(ctx, runtime.SignalRequest{Run: w.run, Name: "x", Value: json.RawMessage(`1`)}),
		"retry":   second(e.Retry(ctx, w.run, runtime.RetryRequest{})),
		"fork":    second(e.Fork(ctx, w.run, runtime.ForkRequest{FromTurn: 99})),
		"resume":  second(e.Resume(ctx, w.run, runtime.ResumeRequest{})),
	} {
		if code := call.CodeOf(err); err != nil && (code == "" || code == call.CodeInternal) {
			w.t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := e.Check(ctx, runtime.CheckRequest{Script: "retries"}); err != nil {
		w.t.Errorf("check: %v", err)
	}
	if _, err := e.Kill(ctx, w.run); err != nil && call.CodeOf(err) != call.CodeConflict {
		w.t.Errorf("kill: %v", err)
	}
	if _, err := e.Wait(ctx, w.run, time.Hour); err != nil {
		w.t.Error(err)
	}
	if err := e.Delete(ctx, w.run); err != nil {
		w.t.Errorf("delete: %v", err)
	}
	if _, err := e.Get(ctx, w.run); call.CodeOf(err) != call.CodeNotFound {
		w.t.Errorf("it is still there: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
