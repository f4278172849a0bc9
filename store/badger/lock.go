package badger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"reprise/store/badger/files"

	bdg "github.com/dgraph-io/badger/v4"
)

// LockedError says that another process has the directory open.
type LockedError struct {
	Dir string
	PID string // of that process, as it noted it; empty if unknown
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID != "" {
		who = "process " + e.PID
	}
	return fmt.Sprintf("opening the store: the data directory %s is in use by %s: stop it, or use another directory", e.Dir, who)
}

// storeFormat and logFormat say how the two kinds of directories are kept. A
// version that older ones can not read gets a higher number.
var (
	storeFormat = files.Format{Name: "reprise-store", Version: 1, Synced: true}
	logFormat   = files.Format{Name: "reprise-logs", Version: 1}
)

// DamagedError says that a file of the directory is not as it was written.
type DamagedError = files.DamagedError

// FormatError says that the directory holds something else than was asked for,
// or what only a newer version understands.
type FormatError = files.FormatError

func makeDir(o bdg.Options) error {
	if o.InMemory {
		return nil
	}
	if o.Dir == "" {
		return errors.New("opening the store: no directory is given: set Dir, or InMemory")
	}
	// Badger makes only the last element of the path.
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("opening the store: the data directory cannot be made: %w", err)
	}
	return nil
}

// explain makes sense of an error of Badger's Open. Badger has no error value
// for a locked directory, and its wrapping drops the system's one.
func explain(dir string, err error) error {
	if errors.Is(err, files.ErrInUse) {
		return &LockedError{Dir: dir, PID: lockedBy(dir)}
	}
	_, isDamaged := errors.AsType[*DamagedError](err)
	_, isOther := errors.AsType[*FormatError](err)
	if isDamaged || isOther {
		return fmt.Errorf("opening the store: %w", err)
	}
	text := err.Error()
	if strings.Contains(text, "Cannot acquire directory lock") || strings.Contains(text, "Cannot create lock file") {
		return &LockedError{Dir: dir, PID: lockedBy(dir)}
	}
	if dir == "" {
		dir = "memory"
	}
	return fmt.Errorf("opening the store in %s: %w (if a file there is damaged, put the directory back from a backup)", dir, err)
}

// lockedBy reads the process id that Badger leaves beside its lock.
func lockedBy(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "LOCK"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
