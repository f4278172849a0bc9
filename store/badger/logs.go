package badger

// Log blocks live in a Badger directory of their own, without waiting for the
// disk: what a crash of the process leaves in the system's page cache is there
// afterwards, what a power failure takes with it is lost.
//
//	b <last> <first> <time> <size>   a block's data
//	m bytes                          how many bytes of data all blocks have
//
// The key holds everything but the data, so that blocks can be found and dropped
// without reading them. It begins with the last sequence number: the first block
// that can hold line n is the first one whose last line is n or later.

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"reprise/store"

	bdg "github.com/dgraph-io/badger/v4"
)

const kindBlock = 'b'

var totalKey = []byte{kindMeta, 'b'}

// LogStore keeps blocks of log lines. See [store.LogStore] for its contract.
type LogStore struct {
	db    *bdg.DB
	dir   string
	gate  *gate
	space *space

	mu    sync.Mutex // for writing
	last  uint64     // highest sequence number; guarded by mu
	total int64      // bytes of data; guarded by mu

	stop     context.CancelFunc
	workers  sync.WaitGroup
	closing  sync.Once
	closeErr error
}

var _ store.LogStore = (*LogStore)(nil)

// OpenLogs opens the log store in o.Dir, or makes it. The directory must not be
// that of a Store. If another process has it open, the error is a [*LockedError].
func OpenLogs(o LogOptions) (*LogStore, error) {
	log := orDiscard(o.Logger)
	engine := tuned(o.Dir, o.InMemory, logMemTable, log)
	engine.ValueLogFileSize = 1 << 20 // never used: every block stays below maxInline
	space := newSpace(o.Dir, o.InMemory, o.FreeSpace, logMemTable, log)
	db, err := open(engine, space, logFormat)
	if err != nil {
		return nil, err
	}
	l := &LogStore{db: db, dir: o.Dir, gate: newGate(), space: space}
	if err := l.recall(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the log store in %s: %w", o.Dir, err), db.Close())
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo // the store's own life, ended by Close
	l.stop = stop
	if !o.InMemory {
		l.workers.Go(func() { l.space.watch(ctx) })
	}
	return l, nil
}

// recall reads what was stored last and how much there is.
func (l *LogStore) recall() error {
	return l.db.View(func(txn *bdg.Txn) error {
		_, err := get(txn, totalKey, func(v []byte) error {
			n, err := parseNumber(v)
			l.total = int64(n)
			return err
		})
		if err != nil {
			return damaged(err, "the size of all log blocks")
		}
		l.last, err = lastLine(txn)
		return err
	})
}

func lastLine(txn *bdg.Txn) (uint64, error) {
	it := txn.NewIterator(bdg.IteratorOptions{Reverse: true})
	defer it.Close()
	it.Seek([]byte{kindBlock + 1})
	if !it.ValidForPrefix([]byte{kindBlock}) {
		return 0, nil
	}
	k, err := parseBlockKey(it.Item().Key())
	return k.last, err
}

// Close waits for what is under way and closes the directory.
func (l *LogStore) Close() error {
	l.closing.Do(func() {
		l.stop()
		l.workers.Wait()
		l.gate.close()
		if err := closeDB(l.db); err != nil {
			l.closeErr = fmt.Errorf("closing the log store in %s: %w", l.dir, err)
		}
	})
	return l.closeErr
}

// Health returns nil, ErrFull while blocks are refused, or ErrClosed.
func (l *LogStore) Health() error {
	if err := l.gate.enter(); err != nil {
		return err
	}
	defer l.gate.leave()
	return l.space.refusal()
}

// Append implements [store.LogStore].
func (l *LogStore) Append(ctx context.Context, b store.Block) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.gate.leave()
	if err := l.space.refusal(); err != nil {
		return err
	}
	if len(b.Data) >= maxInline-1 {
		return fmt.Errorf("%w: a log block of %d bytes; at most %d fit", store.ErrTooLarge, len(b.Data), maxInline-2)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.First <= l.last || b.Last < b.First {
		return fmt.Errorf("store: log block %d to %d does not follow line %d", b.First, b.Last, l.last)
	}
	k := blockKey{last: b.Last, first: b.First, at: nanos(b.Time), size: uint32(len(b.Data))}
	total := l.total + int64(len(b.Data))
	err := l.db.Update(func(txn *bdg.Txn) error {
		return errors.Join(txn.Set(k.encode(), mark(b.Data)), txn.Set(totalKey, number(uint64(total))))
	})
	if err != nil {
		return fmt.Errorf("store: writing log block %d to %d: %w", b.First, b.Last, err)
	}
	l.last, l.total = b.Last, total
	return nil
}

func (l *LogStore) enter(ctx context.Context) error {
	if err := l.gate.enter(); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		l.gate.leave()
		return err
	}
	return nil
}

// Last implements [store.LogStore].
func (l *LogStore) Last(ctx context.Context) (last uint64, err error) {
	if err := l.enter(ctx); err != nil {
		return 0, err
	}
	defer l.gate.leave()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, nil
}

// Bytes returns how many bytes of data all blocks have together.
func (l *LogStore) Bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// Blocks implements [store.LogStore]. It reads one snapshot: blocks appended
// meanwhile are not in it. Yield may use the store, but not close it; a block's
// data is its to keep.
func (l *LogStore) Blocks(ctx context.Context, from, to uint64, reverse bool, yield func(store.Block) bool) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.gate.leave()
	if from > to {
		return nil
	}
	return l.db.View(func(txn *bdg.Txn) error {
		start := seekBlock(from)
		if reverse {
			start = lastBlock(txn, to)
		}
		it := txn.NewIterator(bdg.IteratorOptions{Reverse: reverse})
		defer it.Close()
		for it.Seek(start); it.ValidForPrefix([]byte{kindBlock}); it.Next() {
			k, err := parseBlockKey(it.Item().Key())
			if err != nil {
				return err
			}
			if reverse && k.last < from || !reverse && k.first > to {
				return nil
			}
			if k.first > to { // reverse begins at the first block that ends at to or later
				continue
			}
			b := store.Block{First: k.first, Last: k.last, Time: time.Unix(0, k.at).UTC()}
			err = itemValue(txn, it.Item(), func(v []byte) error {
				var err error
				b.Data, err = unmark(v)
				return err
			})
			if err != nil {
				return damaged(err, "log block %d to %d", k.first, k.last)
			}
			if !yield(b) {
				return nil
			}
			if err := context.Cause(ctx); err != nil {
				return fmt.Errorf("store: reading was interrupted: %w", err)
			}
		}
		return nil
	})
}

// lastBlock returns the key of the last block that can hold line to.
func lastBlock(txn *bdg.Txn, to uint64) []byte {
	it := txn.NewIterator(bdg.IteratorOptions{Prefix: []byte{kindBlock}})
	defer it.Close()
	it.Seek(seekBlock(to))
	if !it.Valid() {
		return []byte{kindBlock + 1} // all blocks end before to
	}
	return it.Item().KeyCopy(nil)
}

// blockKey is what is known of a block without its data.
type blockKey struct {
	last, first uint64
	at          int64
	size        uint32
}

const blockKeyLength = 1 + 8 + 8 + 8 + 4

func (k blockKey) encode() []byte {
	b := make([]byte, 0, blockKeyLength)
	b = append(b, kindBlock)
	b = binary.BigEndian.AppendUint64(b, k.last)
	b = binary.BigEndian.AppendUint64(b, k.first)
	b = binary.BigEndian.AppendUint64(b, sortable(k.at))
	return binary.BigEndian.AppendUint32(b, k.size)
}

func parseBlockKey(b []byte) (blockKey, error) {
	if len(b) != blockKeyLength || b[0] != kindBlock {
		return blockKey{}, damaged(errForeign, "the key %x of a log block", b)
	}
	return blockKey{
		last:  binary.BigEndian.Uint64(b[1:]),
		first: binary.BigEndian.Uint64(b[9:]),
		at:    unsortable(binary.BigEndian.Uint64(b[17:])),
		size:  binary.BigEndian.Uint32(b[25:]),
	}, nil
}

// seekBlock is at or before the key of the first block that ends at n or later.
func seekBlock(n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindBlock}, n)
}
