package badger

// The layout of the key space. The first byte says what a key is; names of any
// bytes (namespaces, tables, runs) are preceded by their length, so that no name
// can run into another one or into the key that follows it.
//
//	m version                          how far versions are reserved
//	k <len>namespace key               version, expiry, value
//	o <len>table key                   a row
//	h run                              id and length of the run's journal
//	j <id> <seq>                       records of a journal, from number seq on
//	d <id>                             a dropped journal whose records remain
//	a <len>run <timer>                 when that timer is due
//	t <time> <len>run <timer>          the same, in order of time

import (
	"encoding/binary"
	"math"
	"time"
)

const (
	kindMeta    = 'm'
	kindKV      = 'k'
	kindRow     = 'o'
	kindHead    = 'h'
	kindRecord  = 'j'
	kindDropped = 'd'
	kindAlarm   = 'a'
	kindTimer   = 't'
)

// reserveKey holds the highest version that may have been given out.
var reserveKey = []byte{kindMeta, 'v'}

// named returns kind and name with room for extra bytes more.
func named(kind byte, name string, extra int) []byte {
	b := make([]byte, 0, 1+binary.MaxVarintLen32+len(name)+extra)
	b = append(b, kind)
	b = binary.AppendUvarint(b, uint64(len(name)))
	return append(b, name...)
}

func kvKey(namespace string, key []byte) []byte {
	return append(named(kindKV, namespace, len(key)), key...)
}

func rowKey(table, key string) []byte {
	return append(named(kindRow, table, len(key)), key...)
}

func headKey(run string) []byte { return append([]byte{kindHead}, run...) }

func recordKey(id, seq uint64) []byte {
	b := make([]byte, 0, 17)
	b = append(b, kindRecord)
	b = binary.BigEndian.AppendUint64(b, id)
	return binary.BigEndian.AppendUint64(b, seq)
}

func droppedKey(id uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindDropped}, id)
}

func alarmKey(run string, id uint64) []byte {
	return binary.BigEndian.AppendUint64(named(kindAlarm, run, 8), id)
}

func timerKey(at int64, run string, id uint64) []byte {
	b := make([]byte, 0, 1+8+binary.MaxVarintLen32+len(run)+8)
	b = append(b, kindTimer)
	b = binary.BigEndian.AppendUint64(b, sortable(at))
	b = binary.AppendUvarint(b, uint64(len(run)))
	b = append(b, run...)
	return binary.BigEndian.AppendUint64(b, id)
}

// parseTimerKey undoes timerKey; ok is false for anything else.
func parseTimerKey(key []byte) (at int64, run string, id uint64, ok bool) {
	if len(key) < 9 || key[0] != kindTimer {
		return 0, "", 0, false
	}
	at = unsortable(binary.BigEndian.Uint64(key[1:]))
	rest := key[9:]
	n, size := binary.Uvarint(rest)
	if size <= 0 || n > uint64(len(rest)) || uint64(len(rest)-size) != n+8 {
		return 0, "", 0, false
	}
	rest = rest[size:]
	return at, string(rest[:n]), binary.BigEndian.Uint64(rest[n:]), true
}

// sortable maps signed to unsigned numbers so that order is kept.
func sortable(n int64) uint64 { return uint64(n) ^ 1<<63 }

func unsortable(n uint64) int64 { return int64(n ^ 1<<63) }

// What int64 nanoseconds can say: the years 1677 to 2262.
var (
	earliest = time.Unix(0, math.MinInt64)
	latest   = time.Unix(0, math.MaxInt64)
)

// nanos returns t in nanoseconds since 1970; what is out of range becomes the
// nearest that is not.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(earliest):
		return math.MinInt64
	case t.After(latest):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// after returns the first key behind all keys that begin with prefix. Our
// prefixes begin with a letter, so there always is one.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}
