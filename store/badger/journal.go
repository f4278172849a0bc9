package badger

// How journals are kept: under a run's name its head, which says how many
// records there are, and the records in packs. A pack is what one transaction
// adds to a journal: most of what Badger does costs the same for one small
// record as for ten.

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"reprise/store"

	bdg "github.com/dgraph-io/badger/v4"
)

// pack is some records of a journal, one behind the other, as they are stored
// under the number of the first.
type pack struct {
	count uint64
	value []byte
}

// mostPacked is how long a pack gets. A longer record has one for itself.
const mostPacked = 16 << 10

// packed puts records into packs. It also returns the bytes that a stamp goes
// to, if there is one.
func packed(records [][]byte, at *store.Stamp) (packs []pack, stamped []byte) {
	for len(records) > 0 {
		n, size := 0, 1
		for n < len(records) && (n == 0 || size+binary.MaxVarintLen32+len(records[n]) <= mostPacked) {
			size += binary.MaxVarintLen32 + len(records[n])
			n++
		}
		value := append(make([]byte, 0, size), many)
		for i, r := range records[:n] {
			value = binary.AppendUvarint(value, uint64(len(r)))
			value = append(value, r...)
			if at != nil && at.Append == i {
				stamped = value[len(value)-len(r)+at.Offset:][:store.VersionDigits]
			}
		}
		if at != nil {
			at = &store.Stamp{Append: at.Append - n, Offset: at.Offset}
		}
		packs = append(packs, pack{uint64(n), value})
		records = records[n:]
	}
	return packs, stamped
}

// unpack calls fn with each record in v.
func unpack(v []byte, fn func(record []byte)) error {
	if len(v) == 0 {
		return errForeign
	}
	mark, rest := v[0], v[1:]
	if mark == plain { // as earlier versions stored each
		fn(rest)
		return nil
	}
	if mark != many {
		return errForeign
	}
	for len(rest) > 0 {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size) {
			return errForeign
		}
		fn(rest[size:][:n])
		rest = rest[size+int(n):]
	}
	return nil
}

// tail is the last pack of a journal, while it is in the pending batch and can
// be added to.
type tail struct{ id, first, count uint64 }

// fence returns the journal's head if it has the length the commit expects.
func (ch *change) fence(v *view) (head, error) {
	if len(ch.packs) == 0 {
		return head{}, nil
	}
	h, err := readHead(v.get, ch.run)
	if err != nil {
		return h, err
	}
	if h.length != ch.expect {
		return h, fmt.Errorf("%w: run %s has %d records, expected %d", store.ErrSequence, ch.run[1:], h.length, ch.expect)
	}
	if h.length > math.MaxUint64-mostRecords {
		return h, damaged(errForeign, "the head of the journal of run %s", ch.run[1:])
	}
	return h, nil
}

// mostRecords is more than fit into one commit.
const mostRecords = 1 << 32

// append writes the records behind those that are there, and the head.
func (ch *change) append(v *view, c *committer, h head) (length uint64) {
	if h.id == 0 {
		h.id = uint64(c.nextVersion())
	}
	last := v.pending.tails[string(ch.run)]
	for _, p := range ch.packs {
		last = v.addPack(last, h, p)
		h.length += p.count
	}
	// What is said here of a commit that is rolled back is believed by nobody:
	// the next append finds the journal shorter, and says something else.
	v.pending.tails[string(ch.run)] = last
	v.set(ch.run, h.encode())
	return h.length
}

// addPack adds p to the last pack if that is still pending and has room, and
// else behind it; it returns what is the last one now.
func (v *view) addPack(last tail, h head, p pack) tail {
	if last.id == h.id && last.first+last.count == h.length {
		key := recordKey(h.id, last.first)
		if w, ok := v.pending.writes[string(key)]; ok && len(w.value)+len(p.value) <= mostPacked {
			v.set(key, append(w.value, p.value[1:]...))
			last.count += p.count
			return last
		}
	}
	v.set(recordKey(h.id, h.length), p.value)
	return tail{h.id, h.length, p.count}
}

// Journal implements [store.Store].
func (s *Store) Journal(ctx context.Context, run string, from uint64) ([][]byte, error) {
	var records [][]byte
	err := s.read(ctx, journalScope(run), func(txn *bdg.Txn) error {
		find := func(key []byte, fn func([]byte) error) (bool, error) { return get(txn, key, fn) }
		h, err := readHead(find, headKey(run))
		if err != nil || h.length <= from {
			return err
		}
		seq := packOf(txn, h.id, from)
		records = make([][]byte, 0, min(h.length-from, 1024))
		r := store.Range{Start: binary.BigEndian.AppendUint64(nil, seq)}
		err = scan(ctx, txn, recordKey(h.id, 0)[:9], r, func(key []byte, item *bdg.Item) (bool, error) {
			if len(key) != 8 || binary.BigEndian.Uint64(key) != seq {
				return false, damaged(errForeign, "the journal of run %s: record %d is missing", run, seq)
			}
			err := itemValue(txn, item, func(v []byte) error {
				return unpack(v, func(record []byte) {
					if seq >= from {
						records = append(records, append([]byte{}, record...))
					}
					seq++
				})
			})
			if err != nil {
				return false, damaged(err, "record %d of the journal of run %s", seq, run)
			}
			return seq < h.length, nil
		})
		if err == nil && seq != h.length {
			err = damaged(errForeign, "the journal of run %s: it ends at record %d of %d", run, seq, h.length)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// packOf returns the number under which record seq of a journal is stored.
func packOf(txn *bdg.Txn, id, seq uint64) uint64 {
	if seq == 0 {
		return 0
	}
	it := txn.NewIterator(bdg.IteratorOptions{Reverse: true})
	defer it.Close()
	key := recordKey(id, seq)
	it.Seek(key)
	if !it.ValidForPrefix(key[:9]) || len(it.Item().Key()) != len(key) {
		return seq // it is missing, which the caller will see
	}
	return binary.BigEndian.Uint64(it.Item().Key()[9:])
}

// packsBefore returns the keys of a journal's last packs before record seq, at
// most limit, and the number of the first record in them; zero if no more are
// before that.
func packsBefore(txn *bdg.Txn, id, seq uint64, limit int) (keys [][]byte, first uint64) {
	it := txn.NewIterator(bdg.IteratorOptions{Reverse: true})
	defer it.Close()
	end := recordKey(id, seq)
	for it.Seek(end); it.ValidForPrefix(end[:9]); it.Next() {
		key := it.Item().KeyCopy(nil)
		if bytes.Equal(key, end) {
			continue
		}
		if len(keys) == limit {
			return keys, first
		}
		keys = append(keys, key)
		first = binary.BigEndian.Uint64(key[9:])
	}
	return keys, 0
}

// getter is how a value is read: from a view or from a snapshot.
type getter func(key []byte, fn func(value []byte) error) (found bool, err error)

func readHead(get getter, key []byte) (head, error) {
	var h head
	_, err := get(key, func(v []byte) error {
		var err error
		h, err = parseHead(v)
		return err
	})
	if err != nil {
		return h, damaged(err, "the head of the journal of run %s", key[1:])
	}
	return h, nil
}
