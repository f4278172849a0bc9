package badger_test

import (
	"errors"
	"testing"
	"time"

	"reprise/store"
	"reprise/store/badger"
	"reprise/store/storetest"
)

func mustOpenLogs(t testing.TB, o badger.LogOptions) *badger.LogStore {
	t.Helper()
	l, err := badger.OpenLogs(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestLogConformance(t *testing.T) {
	t.Parallel() // it mostly waits for the disk
	t.Run("Memory", func(t *testing.T) {
		t.Parallel()
		storetest.RunLogs(t, func(t *testing.T) store.LogStore { return mustOpenLogs(t, badger.LogOptions{InMemory: true}) })
	})
	t.Run("Disk", func(t *testing.T) {
		t.Parallel()
		storetest.RunLogs(t, func(t *testing.T) store.LogStore { return mustOpenLogs(t, badger.LogOptions{Dir: t.TempDir()}) })
	})
}

// What was appended, and how much it was, is known after a restart.
func TestReopenLogs(t *testing.T) {
	o := badger.LogOptions{Dir: t.TempDir()}
	for i := range uint64(3) {
		l, err := badger.OpenLogs(o)
		if err != nil {
			t.Fatal(err)
		}
		if last, err := l.Last(t.Context()); err != nil || last != i*10 || l.Bytes() != int64(i*4) {
			t.Fatalf("the last line is %d, and there are %d bytes (%v)", last, l.Bytes(), err)
		}
		b := store.Block{First: i*10 + 1, Last: i*10 + 10, Time: time.Now(), Data: []byte("data")}
		if err := l.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l := mustOpenLogs(t, o)
	if err := l.DropOldest(t.Context(), 5); err != nil || l.Bytes() != 4 {
		t.Fatalf("%d bytes are left (%v)", l.Bytes(), err)
	}
}

func TestLogsOnANearlyFullDisk(t *testing.T) {
	full := func(string) (uint64, error) { return 100 << 20, nil }
	l := mustOpenLogs(t, badger.LogOptions{Dir: t.TempDir(), FreeSpace: full})
	if err := l.Append(t.Context(), store.Block{First: 1, Last: 1}); !errors.Is(err, store.ErrFull) {
		t.Errorf("Append: %v", err)
	}
	if err := l.Health(); !errors.Is(err, store.ErrFull) {
		t.Errorf("Health: %v", err)
	}
	if err := l.DropOldest(t.Context(), 0); err != nil {
		t.Errorf("DropOldest: %v", err)
	}
}
