package script

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// notifier says that something may have changed: by asking the system to watch
// folders, or where that is not possible, by the clock.
type notifier struct {
	fs      *fsnotify.Watcher // nil when polling
	ticker  *time.Ticker      // nil when not
	folders map[string]bool   // watched now
}

const defaultPoll = time.Second

// newNotifier returns a notifier that polls when interval is set. An error says
// why the system can not watch.
func newNotifier(interval time.Duration) (*notifier, error) {
	n := &notifier{folders: map[string]bool{}}
	if interval > 0 {
		return n, n.poll(interval)
	}
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, watchError(err)
	}
	n.fs = fs
	return n, nil
}

// poll gives up on the system's reports.
func (n *notifier) poll(interval time.Duration) error {
	var err error
	if n.fs != nil {
		err = n.fs.Close()
		n.fs = nil
	}
	n.ticker = time.NewTicker(interval)
	return err
}

func (n *notifier) close() error {
	if n.ticker != nil {
		n.ticker.Stop()
	}
	if n.fs != nil {
		return n.fs.Close()
	}
	return nil
}

// events, errors and ticks are nil, and never ready, in the other mode.
func (n *notifier) events() <-chan fsnotify.Event {
	if n.fs == nil {
		return nil
	}
	return n.fs.Events
}

func (n *notifier) errors() <-chan error {
	if n.fs == nil {
		return nil
	}
	return n.fs.Errors
}

func (n *notifier) ticks() <-chan time.Time {
	if n.ticker == nil {
		return nil
	}
	return n.ticker.C
}

// watch watches exactly these folders, as far as they exist. It reports whether
// it began to watch one: what is in it may have changed before that.
func (n *notifier) watch(folders map[string]bool) (added bool, err error) {
	if n.fs == nil {
		return false, nil
	}
	for folder := range n.folders {
		if !folders[folder] {
			delete(n.folders, folder)
			// It fails for a folder that is gone, which the system forgot by itself.
			_ = n.fs.Remove(folder)
		}
	}
	for folder := range folders {
		if n.folders[folder] {
			continue
		}
		switch err := n.fs.Add(folder); {
		case err == nil:
			n.folders[folder], added = true, true
		case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return added, watchError(fmt.Errorf("watch %s: %w", folder, err))
		}
	}
	return added, nil
}

// forget notes that a folder is gone or was replaced, and all below it, so that
// they are watched anew when they are there again.
func (n *notifier) forget(folder string) {
	if n.fs == nil {
		return
	}
	for f := range n.folders {
		if isUnder(f, folder) {
			delete(n.folders, f)
			_ = n.fs.Remove(f) // fails for a folder that is gone, as above
		}
	}
}

// watchError explains the limits of the system.
func watchError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) {
		return fmt.Errorf("%w: the system's limit for watches is reached; raise fs.inotify.max_user_watches or fs.inotify.max_user_instances", err)
	}
	return err
}

// matters reports whether an event may be about a source.
func matters(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	base := filepath.Base(e.Name)
	return !isTemporary(base) || base == "..data" // the link that a mounted ConfigMap swaps
}
