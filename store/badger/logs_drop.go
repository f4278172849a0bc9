package badger

import (
	"context"
	"errors"
	"fmt"
	"time"

	bdg "github.com/dgraph-io/badger/v4"
)

// dropChunk is how many blocks one transaction drops.
const dropChunk = 1000

// DropBefore implements [store.LogStore]. Clocks may jump, so every block's time
// is looked at; that reads keys only.
func (l *LogStore) DropBefore(ctx context.Context, t time.Time) error {
	before := nanos(t)
	return l.drop(ctx, func(k blockKey, _ int64) (drop, more bool) { return k.at < before, true })
}

// DropOldest implements [store.LogStore].
func (l *LogStore) DropOldest(ctx context.Context, maxBytes int64) error {
	return l.drop(ctx, func(_ blockKey, total int64) (drop, more bool) {
		return total > maxBytes, total > maxBytes
	})
}

// drop drops the blocks that choose picks, going from the oldest, until it says
// that there is no more; total is what all blocks not dropped yet hold.
func (l *LogStore) drop(ctx context.Context, choose func(k blockKey, total int64) (drop, more bool)) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.gate.leave()
	if err := l.space.refusalToDrop(); err != nil {
		return err
	}
	start := []byte{kindBlock}
	for start != nil {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("store: dropping log blocks was interrupted: %w", err)
		}
		var err error
		if start, err = l.dropFrom(start, choose); err != nil {
			return fmt.Errorf("store: dropping log blocks: %w", err)
		}
	}
	return nil
}

// dropFrom does one transaction's worth of drop, beginning at start, and returns
// where to go on; nil when there is no more.
func (l *LogStore) dropFrom(start []byte, choose func(blockKey, int64) (bool, bool)) (next []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	txn := l.db.NewTransaction(true)
	defer txn.Discard()
	keys, total, next, err := l.pick(txn, start, choose)
	if err != nil || len(keys) == 0 {
		return next, err
	}
	for _, k := range keys {
		err = errors.Join(err, txn.Delete(k))
	}
	if err = errors.Join(err, txn.Set(totalKey, number(uint64(total)))); err != nil {
		return nil, err
	}
	if err := txn.Commit(); err != nil {
		return nil, err
	}
	l.total = total
	return next, l.db.View(func(txn *bdg.Txn) error {
		l.last, err = lastLine(txn)
		return err
	})
}

// pick returns the keys to drop and what all other blocks hold; l.mu is held.
func (l *LogStore) pick(txn *bdg.Txn, start []byte, choose func(blockKey, int64) (bool, bool)) (keys [][]byte, total int64, next []byte, err error) {
	total = l.total
	it := txn.NewIterator(bdg.IteratorOptions{Prefix: []byte{kindBlock}})
	defer it.Close()
	looked := 0
	for it.Seek(start); it.Valid(); it.Next() {
		key := it.Item().KeyCopy(nil)
		if looked++; looked > 10*dropChunk || len(keys) == dropChunk {
			return keys, total, key, nil
		}
		k, err := parseBlockKey(key)
		if err != nil {
			return nil, 0, nil, err
		}
		drop, more := choose(k, total)
		if drop {
			keys = append(keys, key)
			total -= int64(k.size)
		}
		if !more {
			break
		}
	}
	return keys, total, nil, nil
}
