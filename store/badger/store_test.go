package badger_test

import (
	"testing"
	"time"

	"reprise/store"
	"reprise/store/badger"
	"reprise/store/storetest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if writeUntilKilled() {
		return
	}
	goleak.VerifyTestMain(m)
}

func mustOpen(t testing.TB, o badger.Options) *badger.Store {
	t.Helper()
	s, err := badger.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel() // it mostly waits for the disk
	t.Run("Memory", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) store.Store { return mustOpen(t, badger.Options{InMemory: true}) })
	})
	t.Run("Disk", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) store.Store { return mustOpen(t, badger.Options{Dir: t.TempDir()}) })
	})
}

// The engine and the model agree, whatever one does to them.
func TestModel(t *testing.T) {
	t.Parallel() // it mostly waits for the disk
	t.Run("Memory", func(t *testing.T) {
		t.Parallel()
		storetest.RunModel(t, func(*testing.T) storetest.Place {
			return storetest.Place{Open: func(now func() time.Time) (store.Store, error) {
				return badger.Open(badger.Options{InMemory: true, Now: now})
			}}
		})
	})
	t.Run("Disk", func(t *testing.T) {
		t.Parallel()
		storetest.RunModel(t, func(t *testing.T) storetest.Place {
			dir := t.TempDir()
			return storetest.Place{Lasts: true, Open: func(now func() time.Time) (store.Store, error) {
				return badger.Open(badger.Options{Dir: dir, Now: now})
			}}
		})
	})
}
