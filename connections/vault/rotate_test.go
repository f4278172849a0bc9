package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/store"
	"reprise/store/storetest"
)

func asKeyError(err error, target **KeyError) bool { return errors.As(err, target) }

func TestRotateFile(t *testing.T) {
	s, path := memory(t), filepath.Join(t.TempDir(), "a.key")
	h := mustOpen(t, s, OwnFile(path))
	h.mustSet(t, "A", canary)
	h.mustSet(t, "A", canary)
	h.mustSet(t, "B", "b")
	old, err := readKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := raw(t, s)
	done, err := h.Rotate(t.Context(), nil)
	if err != nil || done.Secrets != 2 || done.KeyFile != path || done.OldKeyFile != path+oldSuffix(old) {
		t.Fatalf("%+v, %v", done, err)
	}
	want := map[string]string{"A": canary, "B": "b"}
	h.wantValues(t, want)
	next := mustOpen(t, s, OwnFile(path))
	next.wantValues(t, want)
	if all, err := next.List(t.Context()); err != nil || all[0].Version != 2 || !all[0].SetAt.Equal(clock()) {
		t.Errorf("versions are not kept: %+v, %v", all, err)
	}
	if _, err := opened(t, s, Given(old, "the test"), nil); err == nil {
		t.Error("the old key still opens")
	}
	for key, record := range raw(t, s) {
		if bytes.Equal(record, before[key]) {
			t.Errorf("%s was not sealed anew", key)
		}
	}
	// The old key opens what was there before, a backup for example.
	kept, err := readKeyFile(done.OldKeyFile)
	if err != nil || *kept != *old {
		t.Errorf("the old key is not kept: %v", err)
	}
	h.mustSet(t, "C", "c") // under the new data key
	if _, err := h.Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, s, OwnFile(path)).wantValues(t, map[string]string{"A": canary, "B": "b", "C": "c"})
	if err := h.Delete(t.Context(), "C"); err != nil {
		t.Error(err)
	}
}

func TestRotateGiven(t *testing.T) {
	s, old, next := memory(t), NewKey(), NewKey()
	h := mustOpen(t, s, Given(old, "REPRISE_MASTER_KEY"))
	h.mustSet(t, "A", canary)
	_, err := h.Rotate(t.Context(), nil)
	wantCode(t, err, call.CodeConflict, "comes from REPRISE_MASTER_KEY, which the server can not change")
	_, err = h.Rotate(t.Context(), old)
	wantCode(t, err, call.CodeInvalidArgument, "already")
	done, err := h.Rotate(t.Context(), next)
	if err != nil || done.KeyFile != "" || done.Fingerprint != fingerprint(next.check()) {
		t.Fatalf("%+v, %v", done, err)
	}
	h.mustSet(t, "B", "b")
	if _, err := h.Rotate(t.Context(), NewKey()); err != nil {
		t.Errorf("it can not be rotated twice: %v", err)
	}
	if _, err := opened(t, s, Given(old, "the test"), nil); err == nil {
		t.Error("the old key still opens")
	}
}

func TestRotateWhereNothingCanBeWritten(t *testing.T) {
	// A file in a folder that is gone by now: nothing changes.
	s, dir := memory(t), filepath.Join(t.TempDir(), "keys")
	path := filepath.Join(dir, "a.key")
	h := mustOpen(t, s, OwnFile(path))
	h.mustSet(t, "A", canary)
	key, err := readKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h.o.Source = Given(key, "the test") // for find alone
	h.o.Source.path = filepath.Join(dir, "not", "there")
	_, err = h.Rotate(t.Context(), nil)
	wantCode(t, err, call.CodeConflict, "nothing was changed")
	mustOpen(t, s, File(path)).wantValues(t, map[string]string{"A": canary})
}

// crashes are the moments at which a rotation can be cut off.
var crashes = []string{"before the store changes", "after it, unheard", "after it, before the file changes", "after all"}

func TestRotateCutOff(t *testing.T) {
	for _, own := range []bool{true, false} {
		for _, moment := range crashes {
			t.Run(fmt.Sprintf("own file %v, %s", own, moment), func(t *testing.T) { rotateCutOff(t, own, moment) })
		}
	}
}

func rotateCutOff(t *testing.T, own bool, moment string) {
	path, old, next := filepath.Join(t.TempDir(), "a.key"), NewKey(), NewKey()
	source := Given(old, "the test")
	if own {
		source = OwnFile(path)
		if err := writeKeyFile(path, old, true); err != nil {
			t.Fatal(err)
		}
	}
	inner := memory(t)
	faults := storetest.NewFaults(inner)
	dying := &dying{Faults: faults}
	h := mustOpen(t, dying, source)
	h.mustSet(t, "A", canary)
	h.mustSet(t, "B", "b")
	switch moment {
	case crashes[0]:
		dying.now = true
	case crashes[1]:
		faults.Unacknowledged = true
		faults.StopAfter(faults.Commits() + 1)
	case crashes[2]:
		if own { // the rename fails, as if it was never come to
			h.o.Source.path = path
			faults.OnCommit = func(int, *store.Commit) {
				if err := os.Rename(path+nextSuffix, path+".away"); err != nil {
					t.Error(err)
				}
			}
		}
	}
	_, err := h.Rotate(t.Context(), next)
	if failed := err != nil; failed != (moment == crashes[0] || moment == crashes[1]) {
		t.Fatalf("Rotate: %v", err)
	}
	if own && moment == crashes[2] {
		if err := os.Rename(path+".away", path+nextSuffix); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path + nextSuffix); own && (err == nil) != (moment != crashes[3]) {
		t.Fatalf("the next key is there: %v", err)
	}
	// The next process. It is started twice: what it mends stays mended.
	want, happened := map[string]string{"A": canary, "B": "b"}, moment != crashes[0]
	for range 2 {
		if own {
			mustOpen(t, inner, OwnFile(path)).wantValues(t, want)
			is, err := readKeyFile(path)
			if err != nil || (*is == *next) != happened {
				t.Errorf("the file has the new key: %v, %v", !happened, err)
			}
			if _, err := os.Stat(path + nextSuffix); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something is left: %v", err)
			}
			continue
		}
		right, wrong := old, next
		if happened {
			right, wrong = next, old
		}
		mustOpen(t, inner, Given(right, "the test")).wantValues(t, want)
		if _, err := opened(t, inner, Given(wrong, "the test"), nil); err == nil {
			t.Error("both keys open it")
		}
	}
}

// dying is a store whose process ends before the next commit.
type dying struct {
	*storetest.Faults
	now bool
}

func (d *dying) Commit(ctx context.Context, c store.Commit) (store.Committed, error) {
	if d.now {
		d.Stop()
	}
	return d.Faults.Commit(ctx, c)
}

// full is a store that refuses, or fails after it has written.
type full struct {
	Store
	err   error
	after bool
}

func (f *full) Commit(ctx context.Context, c store.Commit) (store.Committed, error) {
	if f.err == nil || f.after {
		done, err := f.Store.Commit(ctx, c)
		if err != nil || f.err == nil {
			return done, err
		}
	}
	return store.Committed{}, f.err
}

func TestStoreFails(t *testing.T) {
	// What a store refuses has not happened; where it leaves that open, what it has counts.
	inner, path := memory(t), filepath.Join(t.TempDir(), "a.key")
	s := &full{Store: inner}
	h := mustOpen(t, s, OwnFile(path))
	h.mustSet(t, "A", "1")
	s.err = store.ErrFull
	_, _, err := h.Set(t.Context(), "A", []byte(canary))
	wantCode(t, err, call.CodeUnavailable, "disk is nearly full")
	_, err = h.Rotate(t.Context(), nil)
	wantCode(t, err, call.CodeUnavailable, "disk is nearly full")
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	h.wantValues(t, map[string]string{"A": "1"})
	s.err, s.after = errors.New("the disk has failed"), true
	_, _, err = h.Set(t.Context(), "A", []byte("2"))
	wantCode(t, err, call.CodeStore, "the disk has failed")
	h.wantValues(t, map[string]string{"A": "2"})
	if _, err = h.Rotate(t.Context(), nil); err == nil {
		t.Error("the rotation failed silently")
	}
	s.err = nil
	h.mustSet(t, "B", "3")
	h.wantValues(t, map[string]string{"A": "2", "B": "3"})
	mustOpen(t, inner, OwnFile(path)).wantValues(t, map[string]string{"A": "2", "B": "3"})
}

func TestTwoVaults(t *testing.T) {
	// What another process has changed is not written over.
	s, source := memory(t), someKey(t)
	a, b := mustOpen(t, s, source), mustOpen(t, s, source)
	a.mustSet(t, "A", "1")
	_, _, err := b.Set(t.Context(), "B", []byte(canary))
	wantCode(t, err, call.CodeConflict, "try again")
	b.mustSet(t, "B", "2")
	b.wantValues(t, map[string]string{"A": "1", "B": "2"})
	next := NewKey()
	if _, err := b.Rotate(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if _, _, err = a.Set(t.Context(), "A", []byte("3")); err == nil {
		t.Error("something was sealed with a data key that is gone")
	}
	mustOpen(t, s, Given(next, "the test")).wantValues(t, map[string]string{"A": "1", "B": "2"})
}

func TestConcurrently(t *testing.T) {
	// Secrets are set, deleted and rotated while requests use them: what a
	// request gets is a value that was set, and what it used is scrubbed.
	h := mustOpen(t, memory(t), someKey(t))
	h.mustSet(t, "A", "value-0")
	runKey := []byte("the key of a run")
	token := connections.Token(runKey, "A")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				use := h.live.Use(runKey)
				text, err := use.Text("<" + token + ">")
				if err != nil {
					if call.CodeOf(err) != call.CodeSecretMissing {
						t.Error(err)
					}
					continue
				}
				if got := use.ScrubText("it said " + text); got != "it said <"+token+">" {
					t.Errorf("scrubbed: %s", got)
				}
			}
		})
	}
	for i := range 40 {
		h.mustSet(t, "A", fmt.Sprint("value-", i))
		h.mustSet(t, "B", "another")
		if i%4 == 0 {
			if err := h.Delete(t.Context(), "A"); err != nil {
				t.Error(err)
			}
		}
		if i%10 == 0 {
			if _, err := h.Rotate(t.Context(), NewKey()); err != nil {
				t.Error(err)
			}
		}
		if _, err := h.List(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

func FuzzRecord(f *testing.F) {
	data, master := &Key{1}, &Key{2}
	f.Add(secretKind.seal(data, "A", secretHead{generation: 1, version: 1, setAt: time.UnixMilli(0)}, []byte("v")), "A")
	f.Add(wrap(master, data, 1), "A")
	f.Add([]byte{format}, "")
	f.Fuzz(func(t *testing.T, record []byte, name string) {
		if h, err := secretKind.read(record); err == nil && !bytes.Equal(h.encode(), record[:secretHeader]) {
			// Times outside of what milliseconds can say would come back as others.
			t.Errorf("the head %+v is written as %x", h, h.encode())
		}
		if h, err := readKey(record); err == nil && !bytes.Equal(h.encode(), record[:keyHeader]) {
			t.Errorf("the head %+v is written as %x", h, h.encode())
		}
		if value, err := secretKind.open(&Key{3}, name, record); err == nil {
			t.Errorf("a key that sealed nothing opens %q", value)
		}
		if _, err := unwrap(&Key{3}, record); err == nil {
			t.Error("a master key that wrapped nothing unwraps it")
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(string(NewKey().text()))
	f.Add(fmt.Sprintf("%x", NewKey()[:]))
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err != nil {
			return
		}
		if again, err := ParseKey(string(k.text())); err != nil || *again != *k {
			t.Errorf("%q is read, and then %v", text, err)
		}
	})
}
