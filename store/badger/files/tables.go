package files

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	bdg "github.com/dgraph-io/badger/v4"
)

// manifestFile lists the tables. Badger deletes those that it does not list.
const manifestFile = bdg.ManifestFilename

// checkTables looks whether each table that the manifest lists is there, and
// whether its end is as Badger wrote it: Badger reads that without a doubt, in a
// goroutine where a mistake ends the process.
func checkTables(dir string) error {
	manifest, err := os.Open(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		if len(glob(dir, "*.sst")) > 0 {
			return &DamagedError{dir, manifestFile, "is missing, and there are tables, which it lists"}
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer manifest.Close()
	listed, _, err := bdg.ReplayManifestFile(manifest, 0, bdg.DefaultOptions(dir))
	if err != nil {
		why, _, _ := strings.Cut(err.Error(), "\n")
		return &DamagedError{dir, manifestFile, "can not be read: " + why}
	}
	ids := make([]uint64, 0, len(listed.Tables))
	for id := range listed.Tables {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		name := fmt.Sprintf("%06d.sst", id)
		err := checkTable(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &DamagedError{dir, name, "is missing"}
		case errors.Is(err, errTable):
			return &DamagedError{dir, name, "was cut off or changed: " + err.Error()}
		case err != nil:
			return err
		}
	}
	return nil
}

// errTable: a table does not end as one.
var errTable = errors.New("its end is not that of a table")

// mostChecksum is longer than a checksum with its kind is.
const mostChecksum = 64

// checkTable checks the end of a table: index, its length, its checksum and the
// length of that.
func checkTable(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	tail := make([]byte, min(info.Size(), mostChecksum+8))
	if _, err := file.ReadAt(tail, info.Size()-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	rest, length, ok := cutLength(tail)
	if !ok || length == 0 || int(length) > len(rest)-4 || length > mostChecksum {
		return errTable
	}
	sum, ok := parseChecksum(rest[len(rest)-int(length):])
	if !ok {
		return errTable
	}
	rest, size, _ := cutLength(rest[:len(rest)-int(length)])
	end := info.Size() - int64(len(tail)-len(rest))
	if size == 0 || int64(size) > end {
		return errTable
	}
	hash := crc32.New(castagnoli)
	if _, err := io.Copy(hash, io.NewSectionReader(file, end-int64(size), int64(size))); err != nil {
		return err
	}
	if uint64(hash.Sum32()) != sum {
		return fmt.Errorf("%w: the index has another checksum", errTable)
	}
	return nil
}

// cutLength takes a length off the end of b.
func cutLength(b []byte) (rest []byte, length uint32, ok bool) {
	if len(b) < 4 {
		return nil, 0, false
	}
	return b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:]), true
}

// parseChecksum reads Badger's message of a CRC-32C: field 2, a varint. (Field
// 1 is the kind, and absent for this one.)
func parseChecksum(b []byte) (sum uint64, ok bool) {
	const field2Varint = 2 << 3
	if len(b) < 2 || b[0] != field2Varint {
		return 0, false
	}
	sum, n := binary.Uvarint(b[1:])
	return sum, n == len(b)-1
}
