package badger

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"reprise/store"

	bdg "github.com/dgraph-io/badger/v4"
)

// keepHouse sweeps away the records of dropped journals (also those an earlier
// process left behind) and collects garbage in the value log, until ctx ends.
func (s *Store) keepHouse(ctx context.Context) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		if err := s.sweepJournals(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("records of dropped journals could not be deleted; trying again later", "dir", s.dir, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.sweep:
		case <-tick.C:
			s.collect(ctx)
		}
	}
}

// sweepJournals deletes the records of all dropped journals, in pieces, so that
// commits are not kept waiting by a long one.
func (s *Store) sweepJournals(ctx context.Context) error {
	for {
		id, length, found, err := s.nextDropped()
		if err != nil || !found {
			return err
		}
		for {
			if err := s.space.refusalToDrop(); err != nil {
				return err
			}
			if length, err = s.sweepPiece(ctx, id, length); err != nil {
				return err
			}
			if length == 0 {
				break
			}
		}
	}
}

// nextDropped returns a dropped journal and how many records it still has.
func (s *Store) nextDropped() (id, length uint64, found bool, err error) {
	snap := s.snaps.acquire()
	defer s.snaps.release(snap)
	prefix := []byte{kindDropped}
	it := snap.txn.NewIterator(bdg.IteratorOptions{Prefix: prefix})
	defer it.Close()
	it.Seek(prefix)
	if !it.Valid() {
		return 0, 0, false, nil
	}
	key := it.Item().Key()
	if len(key) != 9 {
		return 0, 0, false, damaged(errForeign, "the list of dropped journals")
	}
	id = binary.BigEndian.Uint64(key[1:])
	err = itemValue(snap.txn, it.Item(), func(v []byte) error {
		length, err = parseNumber(v)
		return err
	})
	return id, length, err == nil, err
}

// sweepPiece deletes the last records of a journal, and says how many are left.
func (s *Store) sweepPiece(ctx context.Context, id, length uint64) (left uint64, err error) {
	snap := s.snaps.acquire()
	keys, left := packsBefore(snap.txn, id, length, sweepChunk)
	s.snaps.release(snap)
	r := &request{apply: func(v *view, _ *committer) (store.Committed, error) {
		for _, key := range keys {
			v.delete(key)
		}
		if left == 0 {
			v.delete(droppedKey(id))
		} else {
			v.set(droppedKey(id), number(left))
		}
		return store.Committed{}, nil
	}}
	for range keys {
		r.size.add(17, 0, s.inMemory)
	}
	r.size.add(9, 8, s.inMemory)
	_, err = s.committer.submit(ctx, r)
	return left, err
}

// collect rewrites value log files that are mostly garbage. It needs room to do
// so, and leaves it be while there is little. (Badger 4.9.6 reads the newest
// version when it begins, while its writer may be raising it. The race detector
// sees that; an older one only makes it keep more.)
func (s *Store) collect(ctx context.Context) {
	if s.inMemory || s.space.refusal() != nil {
		return
	}
	for ctx.Err() == nil {
		err := s.db.RunValueLogGC(collectRatio)
		switch {
		case err == nil:
		case errors.Is(err, bdg.ErrNoRewrite), errors.Is(err, bdg.ErrRejected):
			return
		default:
			s.log.Warn("the value log could not be tidied", "dir", s.dir, "error", err)
			return
		}
	}
}
