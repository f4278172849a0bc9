package badger_test

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"reprise/store"
	"reprise/store/badger"
)

// What the engine does to the store while many small runs are under way: each
// of their steps appends two small records and waits for nothing, and the end of
// a run waits for the disk.
const (
	stepsWriters = 64
	stepsPerRun  = 10
	stepsRecord  = 60
)

// BenchmarkJournalSteps compares the store with a plain append-only file that
// syncs for all who wait at once, doing the same appends.
func BenchmarkJournalSteps(b *testing.B) {
	var file, ours float64
	b.Run("file", func(b *testing.B) {
		l := newPlainLog(b, filepath.Join(b.TempDir(), "log"))
		file = steps(b, func(run string, first uint64, records [][]byte, wait bool) error {
			return l.append(run, first, records, wait)
		})
		l.close(b)
	})
	b.Run("store", func(b *testing.B) {
		dir := b.TempDir()
		s, err := badger.Open(badger.Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		ours = steps(b, func(run string, first uint64, records [][]byte, wait bool) error {
			_, err := s.Commit(b.Context(), store.Commit{Run: run, ExpectSeq: first, Appends: records, Relaxed: !wait})
			return err
		})
		b.StopTimer()
		used := usedAfterReopen(b, s, dir)
		b.ReportMetric(float64(used)/float64(stepsPerRun*b.N), "disk-B/step")
		if file > 0 {
			b.ReportMetric(ours/file, "×file")
		}
	})
}

// steps makes b.N runs, and returns how many steps were made per second.
func steps(b *testing.B, commit func(run string, first uint64, records [][]byte, wait bool) error) float64 {
	b.Helper()
	b.ReportAllocs()
	work := make(chan int, stepsWriters)
	var wg sync.WaitGroup
	for range stepsWriters {
		wg.Go(func() {
			records := [][]byte{make([]byte, stepsRecord), make([]byte, stepsRecord)}
			for n := range work {
				run := fmt.Sprintf("run_%020d", n)
				for i := range stepsPerRun + 1 {
					binary.BigEndian.PutUint64(records[0], uint64(n*100+i))
					if err := commit(run, uint64(2*i), records, i == stepsPerRun); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	start := time.Now()
	for n := 0; b.Loop(); n++ {
		work <- n
	}
	close(work)
	wg.Wait()
	rate := float64(stepsPerRun*b.N) / time.Since(start).Seconds()
	b.ReportMetric(rate, "steps/s")
	return rate
}

// usedAfterReopen closes and opens s, so that nothing is only in a log, and
// closes it again. It returns how many bytes of blocks the files in dir use,
// which is what a disk counts: of a file made larger than its contents only what
// was written.
func usedAfterReopen(b *testing.B, s *badger.Store, dir string) (used int64) {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	s, err := badger.Open(badger.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		used += info.Sys().(*syscall.Stat_t).Blocks * 512
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return used
}

// plainLog is an append-only file. Who waits waits for a sync that began after
// the append, together with everybody else who does.
type plainLog struct {
	file *os.File
	wake chan struct{}
	done chan struct{}

	mu      sync.Mutex
	pending []byte
	synced  chan struct{} // closed when what is pending has been synced
	err     error
}

func newPlainLog(b *testing.B, path string) *plainLog {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	l := &plainLog{file: f, wake: make(chan struct{}, 1), done: make(chan struct{}), synced: make(chan struct{})}
	go l.run()
	return l
}

func (l *plainLog) append(run string, first uint64, records [][]byte, wait bool) error {
	l.mu.Lock()
	for i, r := range records {
		l.pending = binary.AppendUvarint(l.pending, uint64(len(run)))
		l.pending = append(l.pending, run...)
		l.pending = binary.AppendUvarint(l.pending, first+uint64(i))
		l.pending = binary.AppendUvarint(l.pending, uint64(len(r)))
		l.pending = append(l.pending, r...)
	}
	synced, err := l.synced, l.err
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	if wait {
		<-synced
	}
	return err
}

func (l *plainLog) run() {
	defer close(l.done)
	var spare []byte
	for range l.wake {
		l.mu.Lock()
		batch, synced := l.pending, l.synced
		l.pending, l.synced = spare[:0], make(chan struct{})
		l.mu.Unlock()
		_, err := l.file.Write(batch)
		if err == nil {
			err = syscall.Fdatasync(int(l.file.Fd()))
		}
		if err != nil {
			l.mu.Lock()
			l.err = err
			l.mu.Unlock()
		}
		close(synced)
		spare = batch
	}
}

func (l *plainLog) close(b *testing.B) {
	b.Helper()
	close(l.wake)
	<-l.done
	if l.err != nil {
		b.Error(l.err)
	}
	if err := l.file.Close(); err != nil {
		b.Error(err)
	}
}
