// What serves is kept for the next process, with or without runs.

package runtime_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/worker"
	"reprise/store"
)

// watchedStore is a store that counts what is written of served scripts, and may
// refuse it.
type watchedStore struct {
	store.Store
	mu      sync.Mutex
	synced  int  // commits that were waited for; guarded by mu
	written int  // commits of what serves; guarded by mu
	full    bool // guarded by mu
}

func (s *watchedStore) Commit(ctx context.Context, c store.Commit) (store.Committed, error) {
	s.mu.Lock()
	if !c.Relaxed {
		s.synced++
	}
	served := slices.ContainsFunc(c.Rows, func(op store.RowOp) bool { return op.Table == "scripts.served" })
	if served {
		s.written++
	}
	full := s.full
	s.mu.Unlock()
	if served && full {
		return store.Committed{}, store.ErrFull
	}
	return s.Store.Commit(ctx, c)
}

func (s *watchedStore) counts() (synced, written int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced, s.written
}

func (s *watchedStore) fill(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

// serves says what serves, and returns when that is in the store.
func (w *world) serves(since time.Time, broken ...string) map[string]runtime.Served {
	now := map[string]runtime.Served{}
	for name, s := range w.current {
		now[name] = runtime.Served{Revision: s.Revision, Since: since}
	}
	for _, name := range broken {
		now[name] = runtime.Served{}
	}
	w.Serving(now)
	<-time.After(time.Second)
	return w.served()
}

func (w *world) served() map[string]runtime.Served {
	w.t.Helper()
	out, err := runtime.ReadServed(w.t.Context(), w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// hasRevision reports whether the store has a revision, which must be whole.
func (w *world) hasRevision(id string) bool {
	w.t.Helper()
	packed, err := runtime.ReadRevision(w.t.Context(), w.store, id)
	if err == nil && string(packed) != string(w.packed[id]) {
		w.t.Errorf("the revision %s is kept as %q", id, packed)
	}
	if err != nil && call.CodeOf(err) != call.CodeNotFound {
		w.t.Error(err)
	}
	return err == nil
}

func TestWhatServesIsKept(t *testing.T) {
	// As long as it serves, or did last of a script that is there; by no run.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => 1`)
		w.save("other", `async () => 2`)
		w.open()
		first, since := w.current["s"].Revision, time.Now().UTC()
		want := map[string]runtime.Served{
			"s":     {Revision: first, Since: since, Engine: worker.Engine},
			"other": {Revision: w.current["other"].Revision, Since: since, Engine: worker.Engine},
		}
		if got := w.serves(since); !maps.Equal(got, want) {
			t.Errorf("kept: %+v, want %+v", got, want)
		}
		<-time.After(time.Hour)
		sweep(t, w)
		if !w.hasRevision(first) {
			t.Fatal("what serves was swept")
		}

		// A newer one takes its place, also in the store.
		w.save("s", `async () => 3`)
		second, later := w.current["s"].Revision, time.Now().UTC()
		if got := w.serves(later); got["s"].Revision != second || !got["s"].Since.Equal(later) || got["other"] != want["other"] {
			t.Errorf("kept: %+v", got)
		}
		<-time.After(time.Hour)
		sweep(t, w)
		if w.hasRevision(first) || !w.hasRevision(second) {
			t.Errorf("the one before is kept: %v, the one that serves: %v", w.hasRevision(first), w.hasRevision(second))
		}

		// One that is broken keeps what served last, over a restart, too; one that
		// is gone does not.
		delete(w.current, "s")
		w.restart()
		if got := w.serves(time.Now().UTC(), "s"); got["s"].Revision != second || !got["s"].Since.Equal(later) {
			t.Errorf("kept of a broken script: %+v", got)
		}
		<-time.After(time.Hour)
		sweep(t, w)
		if !w.hasRevision(second) {
			t.Error("what served last was swept")
		}
		if got := w.serves(time.Now().UTC()); len(got) != 1 || got["other"] != want["other"] {
			t.Errorf("kept after a script was removed: %+v", got)
		}
		<-time.After(time.Hour)
		sweep(t, w)
		if w.hasRevision(second) {
			t.Error("the revision of a script that is gone was not swept")
		}
	})
}

func TestAStartAtWhichNothingChangedWritesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		s := &watchedStore{Store: w.store}
		w.store = s
		for name := range strings.FieldsSeq("a b c d e f g h") {
			w.save(name, `async () => "`+name+`"`)
		}
		w.open()
		before := w.serves(time.Now())
		synced, written := s.counts()
		if len(before) != 8 || written != 1 {
			t.Fatalf("%d commits for what serves: %+v", written, before)
		}
		w.stop()
		w.open()
		opened, _ := s.counts()
		if got := w.serves(time.Now()); !maps.Equal(got, before) {
			t.Errorf("kept: %+v, want %+v", got, before)
		}
		if now, again := s.counts(); again != written || now != opened {
			t.Errorf("%d commits of what serves, %d waited for (%d before)", again-written, now-opened, synced)
		}
		// What is said last before the end is kept as well.
		w.save("a", `async () => "new"`)
		w.Serving(map[string]runtime.Served{"a": {Revision: w.current["a"].Revision}})
		w.stop()
		if got := w.served(); len(got) != 1 || got["a"].Revision != w.current["a"].Revision {
			t.Errorf("kept at the end: %+v", got)
		}
	})
}

func TestAFullDiskIsTriedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		s := &watchedStore{Store: w.store}
		w.store = s
		w.save("s", `async () => 1`)
		w.open()
		s.fill(true)
		if got := w.serves(time.Now()); len(got) != 0 || !strings.Contains(w.log.text(), "which revisions serve could not be kept; trying again") {
			t.Errorf("kept on a full disk: %+v\n%s", got, w.log.text())
		}
		s.fill(false)
		<-time.After(2 * time.Minute)
		if got := w.served(); got["s"].Revision != w.current["s"].Revision {
			t.Errorf("kept: %+v", got)
		}
	})
}

func TestARevisionThatCanNotBeKept(t *testing.T) {
	// It is said, and keeps no other from it.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => 1`)
		w.save("t", `async () => 2`)
		w.open()
		w.Serving(map[string]runtime.Served{"s": {Revision: w.current["s"].Revision}, "t": {Revision: "gone"}})
		<-time.After(time.Second)
		if got := w.served(); len(got) != 1 || got["s"].Revision == "" || !strings.Contains(w.log.text(), "trying again") {
			t.Errorf("kept: %+v\n%s", got, w.log.text())
		}
	})
	// But not when another one serves by the time that it is looked for.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => 1`)
		w.open()
		var once sync.Once
		w.packing = func(id string) {
			if id == "gone" {
				once.Do(func() { w.Serving(map[string]runtime.Served{"s": {Revision: w.current["s"].Revision}}) })
			}
		}
		w.Serving(map[string]runtime.Served{"s": {Revision: "gone"}})
		<-time.After(time.Second)
		if got := w.served(); got["s"].Revision != w.current["s"].Revision || strings.Contains(w.log.text(), "trying again") {
			t.Errorf("kept: %+v\n%s", got, w.log.text())
		}
	})
}
