package badger

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reprise/store"
)

func TestDirectoryInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "on the way")
	openTest(t, Options{Dir: dir})
	_, err := Open(Options{Dir: dir})
	locked, ok := errors.AsType[*LockedError](err)
	if !ok || locked.Dir != dir || locked.PID != strconv.Itoa(os.Getpid()) {
		t.Fatalf("error %#v", err)
	}
	for _, part := range []string{dir, locked.PID, "another directory"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
	if _, err := OpenLogs(LogOptions{Dir: dir}); !errors.As(err, &locked) {
		t.Errorf("OpenLogs: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := Open(Options{}); err == nil || !strings.Contains(err.Error(), "Dir") {
		t.Errorf("without a directory: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: file}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file instead of a directory: %v", err)
	}
	full := func(string) (uint64, error) { return 1 << 20, nil }
	if _, err := Open(Options{Dir: t.TempDir(), FreeSpace: full}); !errors.Is(err, store.ErrFull) {
		t.Errorf("a full disk: %v", err)
	}
}

// A key is absent at its very time, for reads, checks and sums alike; and
// Badger's own clock, which is years ahead of the test's, has no say.
func TestExpiryIsExact(t *testing.T) {
	var clock atomic.Int64
	start := time.Unix(1_000_000_000, 0)
	clock.Store(start.UnixNano())
	s := openTest(t, Options{Now: func() time.Time { return time.Unix(0, clock.Load()) }})
	c := put("a", "1")
	c.KV[0].Expires = start.Add(100)
	done, err := s.Commit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		after   int64
		there   bool
		version store.Version
	}{{99, true, done.Version}, {100, false, 0}} {
		clock.Store(start.UnixNano() + tt.after)
		got, err := s.Get(t.Context(), "n", []byte("a"))
		if err != nil || (got[0].Version != 0) != tt.there || (got[0].Value != nil) != tt.there {
			t.Errorf("after %d ns Get = %v, %v", tt.after, got, err)
		}
		list, err := s.List(t.Context(), "n", store.Range{})
		if err != nil || (len(list) == 1) != tt.there {
			t.Errorf("after %d ns List = %v, %v", tt.after, list, err)
		}
		check := store.Commit{Checks: []store.Check{{Namespace: "n", Key: []byte("a"), Version: tt.version}}}
		if _, err := s.Commit(t.Context(), check); err != nil {
			t.Errorf("after %d ns: %v", tt.after, err)
		}
	}
}

// By the real clock, Badger may forget an expired key, but never too early.
func TestEngineExpiryIsNotEarly(t *testing.T) {
	for _, at := range []time.Time{time.Unix(5, 0), time.Unix(5, 1), time.Unix(5, 999_999_999), time.Now()} {
		forget := time.Unix(int64(engineExpiry(expiry(at))), 0)
		if forget.Before(at) || forget.After(at.Add(3*time.Second)) {
			t.Errorf("a key that expires at %v may be forgotten at %v", at, forget)
		}
	}
	if engineExpiry(expiry(time.Time{})) != 0 {
		t.Error("a key without expiry may be forgotten")
	}
}

// Versions rise over restarts, and relaxed commits that Close waited for are
// there afterwards.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	last := store.Version(0)
	for i := range 5 {
		s, err := Open(Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), "n", []byte("a"))
		if err != nil || (got[0].Version != last) {
			t.Fatalf("Get = %v, %v; want version %s", got, err, last)
		}
		for range 3 {
			done, err := s.Commit(t.Context(), relaxed(put("a", strconv.Itoa(i))))
			if err != nil || done.Version <= last {
				t.Fatalf("version %s after %s (%v)", done.Version, last, err)
			}
			last = done.Version
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The records of a dropped journal are deleted, also when the process that
// dropped it did not get to it.
func TestDroppedJournalsAreSwept(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	appends := make([][]byte, sweepChunk/10)
	for i := range appends {
		appends[i] = make([]byte, mostPacked/2+1) // each in a pack of its own
	}
	packs := 0
	for ; packs < 2*sweepChunk+1; packs += len(appends) {
		if _, err := s.Commit(t.Context(), store.Commit{Run: "r", ExpectSeq: uint64(packs), Appends: appends}); err != nil {
			t.Fatal(err)
		}
	}
	s.stop() // no sweeping in this process
	s.workers.Wait()
	if err := s.DropJournal(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if n := countPacks(t, s); n != packs {
		t.Fatalf("%d packs, want %d", n, packs)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir})
	if err := s.sweepJournals(t.Context()); err != nil { // as keepHouse does, at the same time
		t.Fatal(err)
	}
	if n := countPacks(t, s); n != 0 {
		t.Fatalf("%d packs are left", n)
	}
	if _, _, found, err := s.nextDropped(); err != nil || found {
		t.Fatalf("the journal is still listed as dropped (%v)", err)
	}
	s.collect(t.Context())
}

// While the disk is nearly full, commits are refused, and then they are accepted
// again; what was acknowledged stays. Things can be deleted for longer, because
// that makes room.
func TestNearlyFullDisk(t *testing.T) {
	var free atomic.Uint64
	free.Store(1 << 30)
	s := openTest(t, Options{Dir: t.TempDir(), FreeSpace: func(string) (uint64, error) { return free.Load(), nil }})
	step := func(mib uint64, commit, drop error) {
		t.Helper()
		free.Store(mib << 20)
		if err := s.space.observe(); err != nil {
			t.Fatal(err)
		}
		_, err := s.Commit(t.Context(), put("a", "1"))
		if !errors.Is(err, commit) || (err == nil) != (commit == nil) {
			t.Errorf("with %d MiB Commit: %v", mib, err)
		}
		if err := s.Health(); !errors.Is(err, commit) || (err == nil) != (commit == nil) {
			t.Errorf("with %d MiB Health: %v", mib, err)
		}
		gone := store.Commit{Rows: []store.RowOp{{Table: "t", Key: "k"}}, Timers: []store.TimerOp{{Run: "r", ID: 1}}}
		if _, err := s.Commit(t.Context(), gone); !errors.Is(err, drop) || (err == nil) != (drop == nil) {
			t.Errorf("with %d MiB deleting: %v", mib, err)
		}
		if err := s.DropJournal(t.Context(), "r"); !errors.Is(err, drop) || (err == nil) != (drop == nil) {
			t.Errorf("with %d MiB DropJournal: %v", mib, err)
		}
		if got, err := s.Get(t.Context(), "n", []byte("a")); err != nil || got[0].Version == 0 {
			t.Errorf("with %d MiB Get: %v, %v", mib, got, err)
		}
	}
	step(256, nil, nil)
	step(255, store.ErrFull, nil)
	step(63, store.ErrFull, store.ErrFull)
	step(300, nil, nil)
}

func TestSpaceIsWatchedEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var free atomic.Uint64
		var failure atomic.Pointer[error]
		free.Store(1 << 30)
		s := newSpace(t.TempDir(), false, func(string) (uint64, error) {
			if err := failure.Load(); err != nil {
				return 0, *err
			}
			return free.Load(), nil
		}, 100<<20, slog.New(slog.DiscardHandler))
		go s.watch(t.Context())
		look := func(want error) {
			t.Helper()
			<-time.After(lookEvery) // the bubble's time: takes none
			synctest.Wait()
			if err := s.refusal(); !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("with %d bytes: %v", free.Load(), err)
			}
		}
		look(nil)
		free.Store(399 << 20) // four memtables are more than 256 MiB here
		look(store.ErrFull)
		unknown := errors.New("no answer")
		failure.Store(&unknown) // not knowing does not mean that there is room
		look(store.ErrFull)
		failure.Store(nil)
		free.Store(400 << 20)
		look(nil)
	})
}

func TestFreeSpaceOfTheSystem(t *testing.T) {
	n, err := freeSpace(t.TempDir())
	if err != nil || n == 0 {
		t.Fatalf("freeSpace = %d, %v", n, err)
	}
	if got := existing(filepath.Join(t.TempDir(), "a", "b")); filepath.Base(got) == "a" {
		t.Errorf("existing = %s", got)
	}
}
