package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

var givenUp atomic.Bool

// GiveUp gives up all rights of this process but those in keep, for all its
// threads and for good. A role calls it before it looks at anything a script
// has written.
//
// What the kernel lacks is in the report; the rest is given up all the same.
// An error says that keep makes no sense, or that it was called before; then
// nothing has changed.
func GiveUp(keep Rights) (Report, error) {
	for _, path := range slices.Concat(keep.ReadOnly, keep.ListOnly) {
		if !filepath.IsAbs(path) {
			return Report{}, fmt.Errorf("proc: the path %q that may be read is not absolute", path)
		}
		if _, err := os.Stat(path); err != nil {
			return Report{}, fmt.Errorf("proc: what may be read can not be found: %w", err)
		}
	}
	if !givenUp.CompareAndSwap(false, true) {
		return Report{}, errors.New("proc: the rights of this process were given up before")
	}
	// Some of it holds for one thread first and for the others through it.
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()

	var r Report
	r.NoNewPrivs = r.try("no_new_privs", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	r.Landlock = r.landlock(keep)
	// From here on /proc/self is closed to us, and no file can be opened.
	r.NotDumpable = r.try("PR_SET_DUMPABLE", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
	r.Limits = r.try("resource limits", limit(keep))
	r.Seccomp = r.try("seccomp", seccomp(keep.files()))
	return r, nil
}

// try notes what is missing if err is not nil.
func (r *Report) try(what string, err error) bool {
	if err != nil {
		r.Missing = append(r.Missing, fmt.Sprintf("%s: %v", what, err))
	}
	return err == nil
}

// limit sets what the process may use of the system, to be raised by nobody.
func limit(keep Rights) error {
	files := 0 // those that are open stay so
	if keep.files() {
		files = keep.Files
		if files <= 0 {
			files = defaultFiles
		}
	}
	return errors.Join(
		setLimit("RLIMIT_CORE", unix.RLIMIT_CORE, 0),
		setLimit("RLIMIT_FSIZE", unix.RLIMIT_FSIZE, 0),
		setLimit("RLIMIT_NOFILE", unix.RLIMIT_NOFILE, uint64(files)))
}

func setLimit(name string, resource int, n uint64) error {
	if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: n, Max: n}); err != nil {
		return fmt.Errorf("%s can not be set to %d: %w", name, n, err)
	}
	return nil
}
