package files

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// checkLogs looks whether the logs of the memtables hold everything that was
// acknowledged, and the value log what they point to.
//
// There is one writer, and it begins a transaction when the one before is on
// the disk. So a crash can tear the last transaction of a log, and only that: if
// there is a later one behind the place where reading ends, that place was
// damaged afterwards. Without synced, anything may be missing after a crash.
func checkLogs(dir string, synced bool) error {
	if !synced {
		return nil
	}
	var points []pointer
	for _, name := range glob(dir, "*.mem") {
		data, unmap, err := mapFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		found, err := checkMemtable(data)
		unmap()
		if err != nil {
			return &DamagedError{dir, name, err.Error()}
		}
		points = append(points, found...)
	}
	slices.SortFunc(points, func(a, b pointer) int { return int(a.file) - int(b.file) })
	for len(points) > 0 {
		file := points[0].file
		n := 0
		for n < len(points) && points[n].file == file {
			n++
		}
		if err := checkValues(dir, file, points[:n]); err != nil {
			return err
		}
		points = points[n:]
	}
	return nil
}

// pointer says where in the value log a value is.
type pointer struct{ file, length, offset uint32 }

// parsePointer reads one as Badger writes it, in the machine's own byte order.
func parsePointer(b []byte) (pointer, bool) {
	if len(b) != 12 {
		return pointer{}, false
	}
	e := binary.NativeEndian
	return pointer{e.Uint32(b), e.Uint32(b[4:]), e.Uint32(b[8:])}, true
}

// checkMemtable reads the log of a memtable and returns where in the value log
// its values are.
func checkMemtable(data []byte) (points []pointer, err error) {
	if len(data) < logHeader {
		return nil, nil // made by a crash, and Badger makes it anew
	}
	var last, open uint64 // transactions: the last whole one; the one under way, or 0
	var opened []pointer  // what it points to
	offset := logHeader
	for offset < len(data) {
		e, state := parseEntry(data[offset:])
		if state == entryCut {
			return nil, fmt.Errorf("was cut off at byte %d, in the middle of a record", len(data))
		}
		if state != entryWhole || !follows(e, open) {
			return points, noneBehind(data, offset, last, open)
		}
		offset += e.size
		if p, ok := parsePointer(e.value); ok && e.meta&metaPointer != 0 {
			opened = append(opened, p)
		}
		open = e.version
		if e.meta&metaTxn == 0 { // its end, or an entry for itself, moved here by collecting garbage
			if e.meta&metaTxnEnd != 0 {
				last = e.version
			}
			open = 0
			points = append(points, opened...)
			opened = opened[:0]
		}
	}
	if open != 0 {
		return nil, fmt.Errorf("was cut off at byte %d, in the middle of a transaction", len(data))
	}
	return points, nil
}

// follows says whether e may come next while transaction open is under way.
func follows(e entry, open uint64) bool {
	switch {
	case e.meta&metaTxn != 0:
		return open == 0 || open == e.version
	case e.meta&metaTxnEnd != 0:
		n, err := strconv.ParseUint(string(e.value), 10, 64)
		return err == nil && n == open && n == e.version
	}
	return open == 0
}

// nothing is what a log consists of behind its end.
var nothing [4096]byte

// noneBehind looks for transactions behind the one that a crash has torn at
// offset.
func noneBehind(data []byte, offset int, last, open uint64) error {
	torn := open // the number of the torn transaction, as far as it is known
	if torn == 0 && last != 0 {
		torn = last + 1
	}
	for at := offset + 1; at < len(data); at++ {
		if data[at] == 0 { // no record of a transaction begins so
			for at+len(nothing) <= len(data) && bytes.Equal(data[at:at+len(nothing)], nothing[:]) {
				at += len(nothing)
			}
			continue
		}
		e, state := parseEntry(data[at:])
		if state != entryWhole || e.meta&(metaTxn|metaTxnEnd) == 0 || e.version <= last {
			continue
		}
		if torn == 0 {
			torn = e.version
		}
		if e.version > torn {
			return fmt.Errorf("is damaged at byte %d: commits that were acknowledged lie behind that and could not be read", offset)
		}
	}
	return nil
}

// checkValues looks whether the values that the memtables point to are there.
func checkValues(dir string, file uint32, points []pointer) error {
	name := fmt.Sprintf("%06d.vlog", file)
	data, unmap, err := mapFile(filepath.Join(dir, name))
	if os.IsNotExist(err) {
		return &DamagedError{dir, name, "is missing"}
	}
	if err != nil {
		return err
	}
	defer unmap()
	for _, p := range points {
		if end := uint64(p.offset) + uint64(p.length); end > uint64(len(data)) {
			return &DamagedError{dir, name, fmt.Sprintf("was cut off: it has %d bytes, and values up to byte %d", len(data), end)}
		}
		e, state := parseEntry(data[p.offset:])
		if state != entryWhole || uint32(e.size) != p.length {
			return &DamagedError{dir, name, fmt.Sprintf("is damaged at byte %d, where a value was", p.offset)}
		}
	}
	if name != lastValues(dir) {
		return nil
	}
	need := uint32(0)
	for _, p := range points {
		need = max(need, p.offset)
	}
	return checkReadable(dir, name, data[:need])
}

// checkLastValues looks whether the last file of the value log can be read to
// its end, where an orderly end has cut it off.
func checkLastValues(dir string) error {
	name := lastValues(dir)
	if name == "" {
		return nil
	}
	data, unmap, err := mapFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer unmap()
	return checkReadable(dir, name, data)
}

// checkReadable reads a file of the value log. Badger does the same with the
// last one, and cuts it off where it can not go on.
func checkReadable(dir, name string, data []byte) error {
	for offset := logHeader; offset < len(data); {
		e, state := parseEntry(data[offset:])
		if state != entryWhole {
			return &DamagedError{dir, name, fmt.Sprintf("is damaged at byte %d, and values follow", offset)}
		}
		offset += e.size
	}
	return nil
}

// lastValues returns the value log's last file, or nothing.
func lastValues(dir string) string {
	names := glob(dir, "*.vlog")
	if len(names) == 0 {
		return ""
	}
	return slices.Max(names)
}

// What Badger's log files consist of: a header of 20 bytes, then entries.
const (
	logHeader = 20

	metaKnown   = 0xcf // all bits that mean something
	metaPointer = 1 << 1
	metaTxn     = 1 << 6
	metaTxnEnd  = 1 << 7

	leastKey  = 9 // one byte and the transaction's number
	mostKey   = 65_000 + 8
	mostValue = 1 << 30
)

// entry is one record of a log file: a header, key, value and checksum. The key
// ends in the number of its transaction.
type entry struct {
	meta    byte
	version uint64
	value   []byte
	size    int
}

type entryState int

const (
	entryWhole entryState = iota
	entryNone             // there is none: something else, or nothing
	entryCut              // there was one, and it goes on behind the end of the file
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// parseEntry reads the entry at the beginning of b.
func parseEntry(b []byte) (entry, entryState) {
	var e entry
	switch {
	case b[0]&^metaKnown != 0 || len(b) > 1 && b[1] != 0:
		return e, entryNone
	case len(b) < 2:
		return e, entryCut
	}
	e.meta = b[0]
	at := 2
	var fields [3]uint64 // length of the key, of the value; expiry
	for i := range fields {
		n, size := binary.Uvarint(b[at:])
		if size == 0 {
			return e, entryCut
		}
		if size < 0 {
			return e, entryNone
		}
		fields[i] = n
		at += size
	}
	if fields[0] < leastKey || fields[0] > mostKey || fields[1] > mostValue {
		return e, entryNone
	}
	key, value := int(fields[0]), int(fields[1])
	if at+key+value+4 > len(b) {
		return e, entryCut
	}
	e.size = at + key + value + 4
	e.value = b[at+key : at+key+value]
	e.version = math.MaxUint64 - binary.BigEndian.Uint64(b[at+key-8:])
	if crc32.Checksum(b[:e.size-4], castagnoli) != binary.BigEndian.Uint32(b[e.size-4:]) {
		return e, entryNone
	}
	return e, entryWhole
}
