package files

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// closedFile is there while a directory is as an orderly end left it. It lists
// the files and their sizes, so that one that was lost or cut off since then, as
// by an incomplete copy, is noticed.
const closedFile = "CLOSED"

// Its first and its last line. Without both, it is as if it was not there.
const (
	closedHead = "closed 1"
	closedEnd  = "end"
)

// rememberClosed writes the file.
func rememberClosed(dir string) error {
	var list bytes.Buffer
	fmt.Fprintln(&list, closedHead)
	for _, name := range glob(dir, "*.sst", "*.vlog", "*.mem", manifestFile) {
		size, sum, err := measure(dir, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%s %d %08x\n", name, size, sum)
	}
	fmt.Fprintln(&list, closedEnd)
	// It need not survive a power cut: then everything is looked at.
	return os.WriteFile(filepath.Join(dir, closedFile), list.Bytes(), 0o600)
}

// checkClosed says whether the directory is as an orderly end left it. It is an
// error if it says so and is not true.
func checkClosed(dir string) (clean bool, err error) {
	data, err := os.ReadFile(filepath.Join(dir, closedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	lines := strings.Split(string(data), "\n")
	if n := len(lines); n < 3 || lines[0] != closedHead || lines[n-2] != closedEnd || lines[n-1] != "" {
		return false, nil
	}
	for _, line := range lines[1 : len(lines)-2] {
		var name string
		var size int64
		var sum uint32
		if _, err := fmt.Sscanf(line, "%s %d %x", &name, &size, &sum); err != nil {
			return false, nil // it says nothing that this version understands
		}
		if err := unchanged(dir, name, size, sum); err != nil {
			return false, err
		}
	}
	return true, nil
}

// unchanged says whether a file is as it was when the store was closed.
func unchanged(dir, name string, size int64, sum uint32) error {
	what := ""
	switch now, nowSum, err := measure(dir, name); {
	case errors.Is(err, fs.ErrNotExist):
		what = "is missing"
	case err != nil:
		return err
	case now != size:
		what = fmt.Sprintf("has %d bytes, and had %d when the store was closed", now, size)
	case nowSum != sum:
		what = "is not the one that was there when the store was closed"
	default:
		return nil
	}
	return &DamagedError{dir, name, what + fmt.Sprintf(" (if that is as it should be, delete the file %s there)", closedFile)}
}

// measure returns a file's size; and of the manifest, which is small and on
// which everything depends, a checksum.
func measure(dir, name string) (size int64, sum uint32, err error) {
	if name == manifestFile {
		data, err := os.ReadFile(filepath.Join(dir, name))
		return int64(len(data)), crc32.ChecksumIEEE(data), err
	}
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		return 0, 0, err
	}
	return info.Size(), 0, nil
}

// forgetClosed removes the file, for good: should a power cut bring it back, it
// would call what happened since then damage.
func forgetClosed(dir string) error {
	err := os.Remove(filepath.Join(dir, closedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}
