// What runs do while the disk is full.

package runtime_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/store"
	"reprise/store/badger"
)

// fullStore refuses commits while it is full.
type fullStore struct {
	store.Store
	full    atomic.Bool
	refused chan struct{} // one for each refusal, as far as there is room
}

func (s *fullStore) Commit(ctx context.Context, c store.Commit) (store.Committed, error) {
	if s.full.Load() {
		select {
		case s.refused <- struct{}{}:
		default:
		}
		return store.Committed{}, store.ErrFull
	}
	return s.Store.Commit(ctx, c)
}

func TestAFullDisk(t *testing.T) {
	// Starts are refused in a sentence. A run that is under way stands still, in
	// the middle of whatever it is, and goes on when there is room.
	inner, err := badger.Open(badger.Options{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	s := &fullStore{Store: inner, refused: make(chan struct{}, 100)}
	r := newRigOn(t, s, `async (input) => { const big = await read("big"); await write(1); await timer({ ms: 1 }); const kid = await put(2); return [big.length, kid, await write(3)]; }`)
	reading, goOn := make(chan struct{}), make(chan struct{})
	var performed atomic.Int64
	r.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
		if p.Call.Class == call.Read {
			close(reading)
			<-goOn
			return call.OK(p.Call.ID, []byte(`"`+strings.Repeat("x", call.InlineMax)+`"`)) // a blob
		}
		performed.Add(1)
		return call.OK(p.Call.ID, p.Call.Args)
	}
	run := r.start("")
	<-reading
	s.full.Store(true)
	close(goOn)
	for _, input := range []string{"1", `"` + strings.Repeat("x", call.InlineMax) + `"`} {
		_, _, err := r.Start(t.Context(), runtime.StartRequest{Script: "s", Input: []byte(input)})
		if call.CodeOf(err) != call.CodeUnavailable || !strings.Contains(err.Error(), "disk is nearly full") {
			t.Errorf("a start while the disk is full: %v", err)
		}
	}
	for range 5 { // two were ours; the run tries again and again
		<-s.refused
	}
	if performed.Load() != 0 {
		t.Error("a write was performed before its turn was on disk")
	}
	s.full.Store(false)
	run, err = r.Wait(t.Context(), run.ID, time.Minute)
	if err != nil || run.Status != runtime.Succeeded || string(run.Output) != "[65536,2,3]" {
		t.Fatalf("run = %s, %s, %v, %v", run.Status, run.Output, run.Error, err)
	}
	if performed.Load() != 2 {
		t.Errorf("%d writes were performed", performed.Load())
	}
}
