package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Format says what is kept in a directory, and how.
type Format struct {
	// Name is what is kept: one word.
	Name string
	// Version is of how it is kept. Higher ones than this are not understood.
	Version int
	// Synced says that what is acknowledged is on the disk.
	Synced bool
}

// formatFile holds a Format's name and version.
const formatFile = "FORMAT"

// FormatError says that a directory holds something else than was asked for.
type FormatError struct {
	Dir   string
	Found string // what the directory says it holds
	Want  Format
	Newer bool // the same thing, kept as only a newer version knows
}

func (e *FormatError) Error() string {
	if e.Newer {
		return fmt.Sprintf("the data directory %s was written by a newer version of this program (it says %q; this one knows up to %q): use that version, or another directory",
			e.Dir, e.Found, e.Want)
	}
	return fmt.Sprintf("the data directory %s holds something else: its file %s says %q, and %q is wanted: use another directory", e.Dir, formatFile, e.Found, e.Want)
}

// String is what the file says.
func (f Format) String() string { return fmt.Sprintf("%s %d", f.Name, f.Version) }

// check reads the file. A directory from before there was one has none.
func (f Format) check(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, formatFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var name string
	var version int
	if _, err := fmt.Sscan(string(data), &name, &version); err != nil || name != f.Name {
		return &FormatError{Dir: dir, Found: excerpt(data), Want: f}
	}
	if version > f.Version {
		return &FormatError{Dir: dir, Found: excerpt(data), Want: f, Newer: true}
	}
	return nil
}

// write writes the file unless it says so already.
func (f Format) write(dir string) error {
	want := f.String() + "\n"
	if data, err := os.ReadFile(filepath.Join(dir, formatFile)); err == nil && string(data) == want {
		return nil
	}
	return replace(dir, formatFile, []byte(want))
}

// excerpt is the beginning of a text, for a message.
func excerpt(data []byte) string {
	const most = 40
	for i, c := range data {
		if c == '\n' || i == most {
			return string(data[:i])
		}
	}
	return string(data)
}
