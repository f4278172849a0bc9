package badger_test

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"reprise/store"
	"reprise/store/badger"

	bdg "github.com/dgraph-io/badger/v4"
)

// parallel runs do from n goroutines until b has had enough, and reports how
// often it was done per second.
func parallel(b *testing.B, n int, do func(writer, i int) error) {
	b.Helper()
	b.ReportAllocs()
	work := make(chan struct{}, n)
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() {
			i := 0
			for range work {
				if err := do(w, i); err != nil {
					b.Error(err)
				}
				i++
			}
		})
	}
	start := time.Now()
	for b.Loop() {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "commits/s")
}

// BenchmarkCommit compares commits that wait for the disk: ours, which share
// transactions; a plain Badger transaction for each; and ours that do not wait.
// Each appends a record of 200 bytes to a journal behind its fence.
func BenchmarkCommit(b *testing.B) {
	record := make([]byte, 200)
	for _, n := range []int{1, 16, 64} {
		ours := func(b *testing.B, s *badger.Store, relaxed bool) {
			parallel(b, n, func(w, i int) error {
				_, err := s.Commit(b.Context(), store.Commit{
					Run: fmt.Sprint("run", w), ExpectSeq: uint64(i), Appends: [][]byte{record}, Relaxed: relaxed,
				})
				return err
			})
		}
		b.Run(fmt.Sprintf("grouped/%d", n), func(b *testing.B) {
			ours(b, mustOpen(b, badger.Options{Dir: b.TempDir()}), false)
		})
		b.Run(fmt.Sprintf("relaxed/%d", n), func(b *testing.B) {
			ours(b, mustOpen(b, badger.Options{Dir: b.TempDir()}), true)
		})
		b.Run(fmt.Sprintf("memory/%d", n), func(b *testing.B) {
			ours(b, mustOpen(b, badger.Options{InMemory: true}), false)
		})
		b.Run(fmt.Sprintf("plain/%d", n), func(b *testing.B) { plainBadger(b, n, record) })
	}
}

func plainBadger(b *testing.B, n int, record []byte) {
	db, err := bdg.Open(bdg.DefaultOptions(b.TempDir()).WithSyncWrites(true).WithLogger(nil))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	}()
	parallel(b, n, func(w, i int) error {
		return db.Update(func(txn *bdg.Txn) error {
			head := fmt.Appendf(nil, "head%d", w)
			if _, err := txn.Get(head); err != nil && i > 0 {
				return err
			}
			if err := txn.Set(head, binary.BigEndian.AppendUint64(nil, uint64(i))); err != nil {
				return err
			}
			return txn.Set(fmt.Appendf(nil, "record%d/%08d", w, i), record)
		})
	})
}

// filled returns a store with n keys of 100 bytes.
func filled(b *testing.B, n int) *badger.Store {
	b.Helper()
	s := mustOpen(b, badger.Options{Dir: b.TempDir()})
	for i := 0; i < n; i += 1000 {
		var c store.Commit
		for j := range 1000 {
			c.KV = append(c.KV, store.KVOp{Namespace: "n", Key: fmt.Appendf(nil, "%08d", i+j), Value: make([]byte, 100)})
		}
		if _, err := s.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkGet(b *testing.B) {
	s := filled(b, 100_000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		got, err := s.Get(b.Context(), "n", fmt.Appendf(nil, "%08d", i*7919%100_000))
		if err != nil || got[0].Version == 0 {
			b.Fatal(got, err)
		}
		i++
	}
}

func BenchmarkList100(b *testing.B) {
	s := filled(b, 100_000)
	for _, reverse := range []bool{false, true} {
		b.Run(fmt.Sprint("reverse=", reverse), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				got, err := s.List(b.Context(), "n", store.Range{Start: []byte("00050000"), Reverse: reverse})
				if err != nil || len(got) != 100 {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}

func BenchmarkJournal1000(b *testing.B) {
	s := mustOpen(b, badger.Options{Dir: b.TempDir()})
	appends := make([][]byte, 1000)
	for i := range appends {
		appends[i] = make([]byte, 200)
	}
	if _, err := s.Commit(b.Context(), store.Commit{Run: "r", Appends: appends}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := s.Journal(b.Context(), "r", 0); err != nil || len(got) != 1000 {
			b.Fatal(len(got), err)
		}
	}
}

// BenchmarkOpen opens and closes a directory with a little data.
func BenchmarkOpen(b *testing.B) {
	b.Run("Store", func(b *testing.B) {
		o := badger.Options{Dir: b.TempDir()}
		for i := 0; b.Loop(); i++ {
			s, err := badger.Open(o)
			if err != nil {
				b.Fatal(err)
			}
			c := store.Commit{KV: []store.KVOp{{Namespace: "n", Key: []byte("k"), Value: make([]byte, 1000)}}}
			if _, err := s.Commit(b.Context(), c); err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("LogStore", func(b *testing.B) {
		o := badger.LogOptions{Dir: b.TempDir()}
		for i := uint64(1); b.Loop(); i++ {
			l, err := badger.OpenLogs(o)
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Append(b.Context(), store.Block{First: i, Last: i, Data: make([]byte, 1000)}); err != nil {
				b.Fatal(err)
			}
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLogAppend(b *testing.B) {
	l := mustOpenLogs(b, badger.LogOptions{Dir: b.TempDir()})
	data := make([]byte, 16<<10)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for i := uint64(1); b.Loop(); i++ {
		if err := l.Append(b.Context(), store.Block{First: i, Last: i, Time: time.Now(), Data: data}); err != nil {
			b.Fatal(err)
		}
		if i%1000 == 0 {
			if err := l.DropOldest(b.Context(), 8<<20); err != nil {
				b.Fatal(err)
			}
		}
	}
}
