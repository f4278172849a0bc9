package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ErrInUse says that another process has the directory open.
var ErrInUse = errors.New("another process uses the directory")

// DamagedError says that a file is not as it was written.
type DamagedError struct {
	Dir, File string
	What      string // is wrong with it: "is missing"
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the data directory %s is damaged: %s %s. Nothing was changed. Put the directory back from a backup", e.Dir, e.File, e.What)
}

// Check looks at dir before Badger opens it, and makes ready what needs to be.
// An error is an ErrInUse, a *DamagedError, a *FormatError or the system's.
func Check(dir string, f Format) error {
	release, err := lock(dir)
	if err != nil {
		return err
	}
	defer release()
	if err := writable(dir); err != nil {
		return err
	}
	if err := f.check(dir); err != nil {
		return err
	}
	clean, err := checkClosed(dir)
	if err != nil {
		return err
	}
	if clean {
		err = checkLastValues(dir)
	} else {
		err = errors.Join(discardEmpty(dir), checkLogs(dir, f.Synced))
	}
	if err != nil {
		return err
	}
	if err := checkTables(dir); err != nil {
		return err
	}
	return forgetClosed(dir) // from now on, files change
}

// Opened is to be called when Badger has opened dir.
func Opened(dir string, f Format) error { return f.write(dir) }

// Closed is to be called when Badger has closed dir, without an error.
func Closed(dir string) error { return rememberClosed(dir) }

// writable finds out whether files can be made in dir.
func writable(dir string) error {
	name := filepath.Join(dir, ".writable")
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = errors.Join(file.Close(), os.Remove(name))
	}
	if err != nil {
		return fmt.Errorf("the data directory %s can not be written to: %w: give this user the right to write there, or use another directory", dir, err)
	}
	return nil
}

// discardEmpty removes log files without a byte in them. A crash between making
// a file and giving it its size leaves one, and Badger does not know what to do
// with it.
func discardEmpty(dir string) error {
	for _, name := range glob(dir, "*.mem", "*.vlog") {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if info.Size() == 0 {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// glob returns the names of the files in dir that match a pattern, in order.
func glob(dir string, patterns ...string) (names []string) {
	for _, p := range patterns {
		found, err := fs.Glob(os.DirFS(dir), p)
		if err != nil {
			panic(err) // only a bad pattern is an error
		}
		names = append(names, found...)
	}
	return names
}

// replace writes a file so that a crash leaves the old one or the new one.
func replace(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the list of files in dir survive a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // it does so by itself, and can not be asked to
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
