package badger

// Badger writes through memory maps of sparse files. When the disk is full, such
// a write does not fail, it kills the process (SIGBUS). So we look at the free
// space every second and refuse commits while there is too little of it.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"reprise/store"
)

const (
	// leastFree is what must be free in any case.
	leastFree = 256 << 20
	// lookEvery is how often we look. What a second of writing takes is far
	// less than leastFree.
	lookEvery = time.Second
)

// space knows whether there is room to write.
type space struct {
	dir  string
	free func(dir string) (uint64, error) // nil: there is nothing to look at
	need uint64
	log  *slog.Logger
	low  atomic.Pointer[lowError] // nil: there is room
}

// lowError is an ErrFull with numbers.
type lowError struct {
	dir        string
	free, need uint64
}

func (e *lowError) Error() string {
	return fmt.Sprintf("%v: %d MiB are free where %s is, and %d MiB are needed: delete something there or move the data to a bigger disk",
		store.ErrFull, e.free>>20, e.dir, e.need>>20)
}

func (e *lowError) Unwrap() error { return store.ErrFull }

func newSpace(dir string, inMemory bool, free func(string) (uint64, error), memTable int64, log *slog.Logger) *space {
	s := &space{dir: dir, free: free, need: max(leastFree, 4*uint64(memTable)), log: log}
	if s.free == nil {
		s.free = freeSpace
	}
	if inMemory {
		s.free = nil
	}
	return s
}

// observe looks once. Where the space cannot be known, writing goes on.
func (s *space) observe() error {
	if s.free == nil {
		return nil
	}
	free, err := s.free(existing(s.dir))
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		s.low.Store(nil)
		return nil
	case err != nil:
		return fmt.Errorf("asking how much space is free where %s is: %w", s.dir, err)
	case free < s.need:
		if before := s.low.Swap(&lowError{s.dir, free, s.need}); before == nil {
			s.log.Warn("the disk is nearly full: writes are refused", "dir", s.dir, "free_mib", free>>20, "needed_mib", s.need>>20)
		}
	default:
		if before := s.low.Swap(nil); before != nil {
			s.log.Info("there is room on the disk again: writes are accepted", "dir", s.dir, "free_mib", free>>20)
		}
	}
	return nil
}

// existing returns dir or the nearest of its parents that exists.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return dir
		}
		dir = parent
	}
}

// watch looks every second until ctx ends.
func (s *space) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			err := s.observe()
			if err != nil && !failing {
				s.log.Warn("free disk space is not watched at the moment", "error", err)
			}
			failing = err != nil
		}
	}
}

// refusal returns an ErrFull while there is too little room for commits.
func (s *space) refusal() error {
	if low := s.low.Load(); low != nil {
		return low
	}
	return nil
}

// refusalToDrop is the same for small writes that make room in the end: they
// may go on for a while longer.
func (s *space) refusalToDrop() error {
	if low := s.low.Load(); low != nil && low.free < low.need/4 {
		return low
	}
	return nil
}
