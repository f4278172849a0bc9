package badger

// What is stored under the keys. No stored value is ever empty: when Badger
// cannot read a value from its value log it logs that and returns nothing
// without an error, and so we can tell.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"reprise/store"
)

// The first byte of a row's or a journal's value says what follows.
const (
	plain = 1 // the bytes themselves
	many  = 2 // records, each behind its length
)

// mark copies b behind a mark.
func mark(b []byte) []byte {
	v := make([]byte, 1+len(b))
	v[0] = plain
	copy(v[1:], b)
	return v
}

func unmark(v []byte) ([]byte, error) {
	if len(v) == 0 || v[0] != plain {
		return nil, errForeign
	}
	return append([]byte{}, v[1:]...), nil
}

// errForeign: the bytes are not what this version of the engine writes.
var errForeign = errors.New("the stored bytes have an unknown form (data of a newer version, or damaged)")

// kvHeader is version (8 bytes) and expiry (8 bytes, nanoseconds, zero: never).
const kvHeader = 16

// kvValue returns value with room for its header before it.
func kvValue(value []byte, expires int64) []byte {
	v := make([]byte, kvHeader+len(value))
	binary.BigEndian.PutUint64(v[8:], uint64(expires))
	copy(v[kvHeader:], value)
	return v
}

func stamp(v []byte, version store.Version) { binary.BigEndian.PutUint64(v, uint64(version)) }

// kv is a decoded KV value; data points into the stored bytes.
type kv struct {
	version store.Version
	expires int64
	data    []byte
}

func parseKV(v []byte) (kv, error) {
	if len(v) < kvHeader {
		return kv{}, errForeign
	}
	return kv{
		version: store.Version(binary.BigEndian.Uint64(v)),
		expires: int64(binary.BigEndian.Uint64(v[8:])),
		data:    v[kvHeader:],
	}, nil
}

// gone says whether the key has expired. It has at its very time, not after it.
func (e kv) gone(now int64) bool { return e.expires != 0 && e.expires <= now }

// expiry encodes KVOp.Expires.
func expiry(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	if n := nanos(t); n != 0 {
		return n
	}
	return 1 // 1970-01-01T00:00:00Z itself: as long gone as a nanosecond later
}

func expiryTime(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// engineExpiry is when Badger may forget the value: in whole seconds, never
// before the key has expired by our own, exact reckoning.
func engineExpiry(n int64) uint64 {
	if n <= 0 {
		return 0
	}
	return uint64(n/int64(time.Second)) + 2
}

// head says which journal a run has: an id never used before, and its length.
type head struct{ id, length uint64 }

func (h head) encode() []byte {
	v := make([]byte, 0, 17)
	v = append(v, plain)
	v = binary.BigEndian.AppendUint64(v, h.id)
	return binary.BigEndian.AppendUint64(v, h.length)
}

func parseHead(v []byte) (head, error) {
	if len(v) != 17 || v[0] != plain {
		return head{}, errForeign
	}
	return head{id: binary.BigEndian.Uint64(v[1:]), length: binary.BigEndian.Uint64(v[9:])}, nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func parseNumber(v []byte) (uint64, error) {
	if len(v) != 8 {
		return 0, errForeign
	}
	return binary.BigEndian.Uint64(v), nil
}

// damaged wraps an error about stored bytes with the place where they are.
func damaged(err error, what string, args ...any) error {
	return fmt.Errorf("store: reading %s: %w", fmt.Sprintf(what, args...), err)
}

func finite(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }
