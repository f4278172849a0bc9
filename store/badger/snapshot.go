package badger

// Readers share one snapshot: a read-only Badger transaction that is replaced
// whenever a batch has landed. Badger's own way, a transaction for each reader,
// makes every reader wait while a transaction is on its way to the disk.
//
// Badger says that a transaction is to be used serially. For a read-only one its
// code (4.9.6: Txn.Get, Txn.NewIterator) only reads fields and counts iterators
// atomically; the race tests here would show a version where that has changed.

import (
	"errors"
	"sync"

	bdg "github.com/dgraph-io/badger/v4"
)

// snapshot is a consistent view of everything that had landed at its time.
type snapshot struct {
	txn  *bdg.Txn
	refs int // readers, plus one while it is the current one; guarded by snapshots.mu
}

type snapshots struct {
	mu      sync.Mutex
	current *snapshot
}

// replace makes txn the current snapshot; nil when the store closes.
func (s *snapshots) replace(txn *bdg.Txn) {
	s.mu.Lock()
	old := s.current
	s.current = nil
	if txn != nil {
		s.current = &snapshot{txn: txn, refs: 1}
	}
	s.mu.Unlock()
	if old != nil {
		s.release(old)
	}
}

// acquire returns the current snapshot; release must be called.
func (s *snapshots) acquire() *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.refs++
	return s.current
}

func (s *snapshots) release(snap *snapshot) {
	s.mu.Lock()
	snap.refs--
	last := snap.refs == 0
	s.mu.Unlock()
	if last {
		snap.txn.Discard()
	}
}

// errUnreadable: Badger could not read a value it has a pointer to.
var errUnreadable = errors.New("the value is missing in the value log")

// get calls fn with the value of key, valid only inside fn; found is false when
// there is none.
func get(txn *bdg.Txn, key []byte, fn func(v []byte) error) (found bool, err error) {
	// Between looking up a value's place and reading it there, value-log GC may
	// move it. Looking it up again finds the new place.
	const tries = 3
	for range tries {
		item, err := txn.Get(key)
		if errors.Is(err, bdg.ErrKeyNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		empty := false
		err = item.Value(func(v []byte) error {
			if empty = len(v) == 0; empty {
				return nil
			}
			return fn(v)
		})
		if err != nil || !empty {
			return true, err
		}
	}
	return true, errUnreadable
}

// itemValue is get for an item under an iterator.
func itemValue(txn *bdg.Txn, item *bdg.Item, fn func(v []byte) error) error {
	empty := false
	err := item.Value(func(v []byte) error {
		if empty = len(v) == 0; empty {
			return nil
		}
		return fn(v)
	})
	if err != nil || !empty {
		return err
	}
	_, err = get(txn, item.KeyCopy(nil), fn)
	return err
}
