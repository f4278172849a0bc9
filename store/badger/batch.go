package badger

import (
	"reprise/store"

	bdg "github.com/dgraph-io/badger/v4"
)

// size is what something takes of a transaction, counted as Badger counts it or
// a little higher.
type size struct {
	writes    int64
	inline    int64 // bytes in the memtable
	outOfLine int64 // bytes in the value log
}

// perWrite is what Badger adds to key and value, rounded up.
const perWrite = 16

// add counts one write.
func (s *size) add(key, value int, inMemory bool) {
	s.writes++
	s.inline += int64(key) + perWrite
	if value >= valueThreshold && !inMemory {
		s.outOfLine += int64(value)
		return
	}
	s.inline += int64(value)
}

func (s size) plus(o size) size {
	return size{s.writes + o.writes, s.inline + o.inline, s.outOfLine + o.outOfLine}
}

func (s size) within(limit size) bool {
	return s.writes <= limit.writes && s.inline <= limit.inline && s.outOfLine <= limit.outOfLine
}

// limitOf returns what one transaction of db holds, less what every batch adds
// by itself (the reservation of versions, Badger's end mark).
func limitOf(db *bdg.DB) size {
	return size{
		writes:    db.MaxBatchCount() - 8,
		inline:    db.MaxBatchSize() - 8*64,
		outOfLine: maxOutOfLine,
	}
}

// write is the last thing that a batch does to a key. A nil value deletes it.
type write struct {
	value   []byte
	expires uint64 // for Badger, in seconds; zero: never
}

// batch is a group of commits that reach the disk in one transaction.
type batch struct {
	writes  map[string]write
	tails   map[string]tail // by the head's key
	size    size
	reserve store.Version // versions up to this one are reserved by it; zero: no change
	waiting []answer
	scopes  []string      // what commits wrote that were acknowledged early
	done    chan struct{} // closed when it has landed; err is set before
	err     error
}

// answer is a reply that is due when the batch has landed.
type answer struct {
	to    *request
	reply reply
}

func newBatch() *batch {
	return &batch{writes: make(map[string]write), tails: make(map[string]tail), done: make(chan struct{})}
}

// idle says that the batch needs no landing: nothing in it, nobody waits.
func (b *batch) idle() bool { return len(b.writes) == 0 && len(b.waiting) == 0 }

// fill puts the batch's writes into a transaction.
func (b *batch) fill(txn *bdg.Txn) error {
	for key, w := range b.writes {
		var err error
		if w.value == nil {
			err = txn.Delete([]byte(key))
		} else {
			err = txn.SetEntry(&bdg.Entry{Key: []byte(key), Value: w.value, ExpiresAt: w.expires})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
