package badger

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"reprise/store"

	bdg "github.com/dgraph-io/badger/v4"
)

// read runs fn on a snapshot that holds everything acknowledged in scope.
func (s *Store) read(ctx context.Context, scope string, fn func(txn *bdg.Txn) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := s.committer.early.wait(ctx, scope); err != nil {
		return err
	}
	snap := s.snaps.acquire()
	defer s.snaps.release(snap)
	return fn(snap.txn)
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, namespace string, keys ...[]byte) ([]store.Entry, error) {
	entries := make([]store.Entry, len(keys))
	err := s.read(ctx, kvScope(namespace), func(txn *bdg.Txn) error {
		now := nanos(s.now())
		for i, key := range keys {
			e := &entries[i]
			e.Key = bytes.Clone(key)
			if e.Key == nil {
				e.Key = []byte{}
			}
			_, err := get(txn, kvKey(namespace, key), func(v []byte) error { return fillEntry(e, v, now) })
			if err != nil {
				return damaged(err, "key %x of namespace %q", key, namespace)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// fillEntry decodes v into e, which stays absent if the key has expired.
func fillEntry(e *store.Entry, v []byte, now int64) error {
	have, err := parseKV(v)
	if err != nil || have.gone(now) {
		return err
	}
	e.Value = append([]byte{}, have.data...)
	e.Version = have.version
	e.Expires = expiryTime(have.expires)
	return nil
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, namespace string, r store.Range) ([]store.Entry, error) {
	var entries []store.Entry
	err := s.read(ctx, kvScope(namespace), func(txn *bdg.Txn) error {
		now := nanos(s.now())
		limit := limitOr(r.Limit)
		return scan(ctx, txn, named(kindKV, namespace, 0), r, func(key []byte, item *bdg.Item) (bool, error) {
			e := store.Entry{Key: bytes.Clone(key)}
			err := itemValue(txn, item, func(v []byte) error { return fillEntry(&e, v, now) })
			if err != nil {
				return false, damaged(err, "key %x of namespace %q", key, namespace)
			}
			if e.Version != 0 {
				entries = append(entries, e)
			}
			return len(entries) < limit, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// Row implements [store.Store].
func (s *Store) Row(ctx context.Context, table, key string) (value []byte, ok bool, err error) {
	err = s.read(ctx, tableScope(table), func(txn *bdg.Txn) error {
		ok, err = get(txn, rowKey(table, key), func(v []byte) error {
			value, err = unmark(v)
			return err
		})
		if err != nil {
			return damaged(err, "row %q of table %q", key, table)
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	return value, ok, nil
}

// Rows implements [store.Store].
func (s *Store) Rows(ctx context.Context, table string, r store.Range) ([]store.Row, error) {
	var rows []store.Row
	err := s.read(ctx, tableScope(table), func(txn *bdg.Txn) error {
		limit := limitOr(r.Limit)
		return scan(ctx, txn, named(kindRow, table, 0), r, func(key []byte, item *bdg.Item) (bool, error) {
			row := store.Row{Key: string(key)}
			err := itemValue(txn, item, func(v []byte) error {
				var err error
				row.Value, err = unmark(v)
				return err
			})
			if err != nil {
				return false, damaged(err, "row %q of table %q", key, table)
			}
			rows = append(rows, row)
			return len(rows) < limit, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// Due implements [store.Store].
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]store.Timer, error) {
	var timers []store.Timer
	until := sortable(nanos(now))
	err := s.read(ctx, timerScope, func(txn *bdg.Txn) error {
		if limit <= 0 {
			return nil
		}
		return scan(ctx, txn, []byte{kindTimer}, store.Range{}, func(key []byte, item *bdg.Item) (bool, error) {
			at, run, id, ok := parseTimerKey(item.Key())
			if !ok {
				return false, damaged(errForeign, "timer %x", key)
			}
			if sortable(at) > until {
				return false, nil
			}
			timers = append(timers, store.Timer{Run: run, ID: id, At: time.Unix(0, at).UTC()})
			return len(timers) < limit, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return timers, nil
}

func limitOr(limit int) int {
	if limit <= 0 {
		return 100
	}
	return limit
}

// scan calls fn with the keys behind prefix that are in r, in order, until it
// returns false. Key (without the prefix) and item are valid only inside fn.
func scan(ctx context.Context, txn *bdg.Txn, prefix []byte, r store.Range, fn func(key []byte, item *bdg.Item) (bool, error)) error {
	o := bdg.IteratorOptions{Prefix: prefix}
	if r.Reverse {
		// A reverse scan begins at or behind the range's end, which may be
		// another prefix's key, and Badger would call that the end of ours.
		o = bdg.IteratorOptions{Reverse: true}
	}
	it := txn.NewIterator(o)
	defer it.Close()
	for it.Seek(firstKey(prefix, r)); it.Valid(); it.Next() {
		full := it.Item().Key()
		if r.Reverse && behind(full, prefix, r.End) {
			continue
		}
		if !bytes.HasPrefix(full, prefix) {
			return nil
		}
		key := full[len(prefix):]
		if r.Reverse && bytes.Compare(key, r.Start) < 0 || !r.Reverse && len(r.End) > 0 && bytes.Compare(key, r.End) >= 0 {
			return nil
		}
		more, err := fn(key, it.Item())
		if err != nil || !more {
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("store: reading was interrupted: %w", err)
		}
	}
	return nil
}

// firstKey is where a scan of r begins.
func firstKey(prefix []byte, r store.Range) []byte {
	switch {
	case !r.Reverse:
		return append(bytes.Clone(prefix), r.Start...)
	case len(r.End) > 0:
		return append(bytes.Clone(prefix), r.End...)
	}
	return after(prefix)
}

// behind says that a reverse scan up to end has not arrived at its first key.
func behind(full, prefix, end []byte) bool {
	if !bytes.HasPrefix(full, prefix) {
		return bytes.Compare(full, prefix) > 0
	}
	return len(end) > 0 && bytes.Compare(full[len(prefix):], end) >= 0
}
