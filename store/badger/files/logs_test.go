package files

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// log builds a memtable's log, as Badger writes it.
type log []byte

func newLog() log { return make(log, logHeader) }

func (l log) entry(meta byte, key string, txn uint64, value []byte) log {
	start := len(l)
	l = append(l, meta, 0)
	l = binary.AppendUvarint(l, uint64(len(key)+8))
	l = binary.AppendUvarint(l, uint64(len(value)))
	l = binary.AppendUvarint(l, 0)
	l = append(l, key...)
	l = binary.BigEndian.AppendUint64(l, math.MaxUint64-txn)
	l = append(l, value...)
	return binary.BigEndian.AppendUint32(l, crc32.Checksum(l[start:], castagnoli))
}

func (l log) txn(number uint64, values ...string) log {
	for i, v := range values {
		l = l.entry(metaTxn, fmt.Sprint("k", i), number, []byte(v))
	}
	return l.entry(metaTxnEnd, "!badger!txn", number, fmt.Append(nil, number))
}

func (l log) zeros(n int) log { return append(l, make([]byte, n)...) }

// broken is l with its last n bytes lost.
func (l log) broken(n int) log {
	clear(l[len(l)-n:])
	return l
}

// A crash tears one transaction, the last; anything else is damage.
func TestCheckMemtable(t *testing.T) {
	moved := func(l log, txn uint64) log { return l.entry(0, "moved", txn, []byte("v")) }
	for name, tt := range map[string]struct {
		log    log
		damage string
	}{
		"nothing":                           {nil, ""},
		"no header":                         {make(log, 10), ""},
		"empty":                             {newLog().zeros(9000), ""},
		"whole":                             {newLog().txn(1, "a").txn(2, "b").zeros(9000), ""},
		"whole, and cut off there":          {newLog().txn(1, "a").txn(2, "b"), ""},
		"numbers begin anywhere":            {newLog().txn(70, "a").txn(71, "b").zeros(50), ""},
		"torn":                              {newLog().txn(1, "a").txn(2, "b", "c").broken(20).zeros(50), ""},
		"torn inside, its end is there":     {newLog().txn(1, "a").txn(2, "b").broken(30).txn(2, "c").zeros(50), ""},
		"torn, the first of all":            {newLog().zeros(30).txn(5, "b").zeros(50), ""},
		"a transaction without its end":     {newLog().txn(1, "a").entry(metaTxn, "k", 2, nil).zeros(50), ""},
		"moved ones":                        {moved(moved(newLog(), 7).txn(9, "a"), 3).zeros(50), ""},
		"torn ones that were moved":         {moved(moved(newLog().txn(1, "a"), 7).broken(10), 3).zeros(50), ""},
		"a hole, then the next":             {newLog().txn(1, "a").txn(2, "b").broken(60).txn(3, "c").zeros(50), "damaged at byte"},
		"a hole far before the next":        {newLog().txn(1, "a").zeros(50_000).txn(3, "c").zeros(50), "damaged at byte"},
		"a hole before any, then two":       {newLog().zeros(30).txn(5, "b").txn(6, "c").zeros(50), "damaged at byte"},
		"another number in the middle":      {newLog().entry(metaTxn, "k", 1, nil).txn(2, "a").zeros(50), "damaged at byte"},
		"a moved one in the middle":         {moved(newLog().entry(metaTxn, "k", 1, nil), 1).txn(2, "a").zeros(50), "damaged at byte"},
		"cut off in a record":               {newLog().txn(1, "a").txn(2, "b")[:80], "cut off at byte 80"},
		"cut off behind a record":           {newLog().entry(metaTxn, "k", 1, nil), "cut off"},
		"cut off in the head of a record":   {append(newLog().txn(1, "a"), metaTxn), "cut off"},
		"cut off in the length of a record": {append(newLog().txn(1, "a"), metaTxn, 0, 0x80), "cut off"},
	} {
		_, err := checkMemtable(tt.log)
		if (err == nil) != (tt.damage == "") || err != nil && !strings.Contains(err.Error(), tt.damage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where values are is read from whole transactions only.
func TestPointers(t *testing.T) {
	at := func(file, length, offset uint32) []byte {
		e := binary.NativeEndian
		return e.AppendUint32(e.AppendUint32(e.AppendUint32(nil, file), length), offset)
	}
	l := newLog().
		entry(metaTxn|metaPointer, "k", 1, at(1, 2, 3)).entry(metaTxnEnd, "!badger!txn", 1, []byte("1")).
		entry(metaPointer, "moved", 1, at(4, 5, 6)).
		entry(metaTxn, "k", 2, at(7, 7, 7)). // twelve bytes that are none
		entry(metaTxn|metaPointer, "k", 2, at(8, 8, 8)).
		zeros(100)
	got, err := checkMemtable(l)
	if err != nil || len(got) != 2 || got[0] != (pointer{1, 2, 3}) || got[1] != (pointer{4, 5, 6}) {
		t.Errorf("%v, %v", got, err)
	}
}

// Whatever the bytes are, reading them ends in an answer.
func FuzzCheckMemtable(f *testing.F) {
	f.Add([]byte(newLog().txn(1, "a").txn(2, "b", "c").zeros(30)))
	f.Add([]byte(newLog().txn(1, "a").broken(9).txn(2, "b")))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = checkMemtable(data)
		_, _ = parseChecksum(data)
	})
}

// The file that says how a store was closed is believed whole or not at all.
func TestClosed(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("000001.vlog", "values")
	put(manifestFile, "manifest")
	put("other", "x")
	if clean, err := checkClosed(dir); clean || err != nil {
		t.Fatal(clean, err)
	}
	if err := rememberClosed(dir); err != nil {
		t.Fatal(err)
	}
	put("other", "something else")
	put("000002.vlog", "a file more")
	if clean, err := checkClosed(dir); !clean || err != nil {
		t.Fatal(clean, err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, closedFile))
	if err != nil {
		t.Fatal(err)
	}
	put(manifestFile, "manifesT")
	if _, err := checkClosed(dir); !errors.As(err, new(*DamagedError)) {
		t.Errorf("another manifest: %v", err)
	}
	for n := range len(whole) {
		put(closedFile, string(whole[:n]))
		if clean, err := checkClosed(dir); clean || err != nil {
			t.Errorf("its first %d bytes: %v, %v", n, clean, err)
		}
	}
	for range 2 {
		if err := forgetClosed(dir); err != nil {
			t.Fatal(err)
		}
	}
}
