// Watching. What the system reports only wakes the watcher; what changed is
// found by looking. So editors that write a copy and rename it, reports that
// were lost, links that were swapped and file systems that report nothing are
// all the same case.
//
// A change is built when it has held still for a moment. What fails is built
// again as soon as anything of it changes, and becomes an error for people only
// when it lasts: a save in two writes must not flash one.

package script

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// stillTime is how long size and time of a file must hold still.
	stillTime = 5 * time.Millisecond
	// errorTime is the default of Options.ErrorAfter.
	errorTime = 100 * time.Millisecond
	// patience is how long files may go on changing before those that hold
	// still are built on their own.
	patience = time.Second
)

// Watch keeps the registry current until ctx ends, and then returns nil. It
// returns an error if the project can not be read to begin with. Call it after
// Load, once.
func (r *Registry) Watch(ctx context.Context) error {
	w := newWatcher(r)
	ctx, cancel := context.WithCancel(ctx)
	defer w.running.Wait()
	defer cancel()
	if err := w.start(); err != nil {
		return err
	}
	defer func() {
		if err := w.notifier.close(); err != nil {
			r.options.Logger.Warn("stop watching: " + err.Error())
		}
	}()
	w.loop(ctx)
	return nil
}

// watcher is the state of one Watch. It belongs to that goroutine alone.
type watcher struct {
	registry *Registry
	notifier *notifier

	tried   map[string]*tried
	known   *scan            // what the builds have seen
	pending map[string]stamp // changed since, and not yet still
	touched map[string]bool  // reported as written: changed whatever the stamp says
	since   time.Time        // when the first of pending changed
	settle  <-chan time.Time // the next look at pending; nil when there is none

	builds  map[string]*inProgress
	held    map[string]*heldBack
	expire  <-chan time.Time // when the first of held becomes an event
	results chan *attempt
	running sync.WaitGroup
}

// inProgress is a build that runs.
type inProgress struct {
	noticed time.Time
	started bool
	again   *Script // what to build next: it changed meanwhile
}

// heldBack is bad news that may yet go away.
type heldBack struct {
	due       time.Time
	attempt   *attempt // nil: the script is gone
	postponed bool     // it was due, and files had changed
}

func newWatcher(r *Registry) *watcher {
	return &watcher{
		registry: r, tried: map[string]*tried{}, pending: map[string]stamp{}, touched: map[string]bool{},
		builds: map[string]*inProgress{}, held: map[string]*heldBack{}, results: make(chan *attempt),
	}
}

func (w *watcher) start() error {
	r := w.registry
	r.mu.Lock()
	for name, e := range r.entries {
		w.tried[name] = &tried{script: e.state.Script, inputs: e.inputs, failed: e.state.Err != nil}
	}
	r.mu.Unlock()
	known, err := w.scan()
	if err != nil {
		return err
	}
	w.known = known
	for _, t := range w.tried { // as Load saw it: what changed since shows at the first look
		for path, st := range t.inputs {
			if _, ok := known.files[path]; ok {
				known.files[path] = st
			}
		}
	}
	if w.notifier, err = newNotifier(r.options.Poll); err != nil {
		w.fallBack(err)
	}
	w.rewatch(known)
	r.options.OnEvent(Event{Kind: EventWatching, At: time.Now(), Message: "watching " + r.options.Project.Scripts})
	w.look()
	return nil
}

// fallBack polls from now on.
func (w *watcher) fallBack(reason error) {
	w.registry.options.Logger.Warn(fmt.Sprintf("file changes are looked for every %s: %v", defaultPoll, reason))
	if w.notifier == nil {
		w.notifier = &notifier{}
	}
	if err := w.notifier.poll(defaultPoll); err != nil {
		w.registry.options.Logger.Warn("stop watching: " + err.Error())
	}
}

// rewatch watches the folders that matter now. What happened in a folder before
// it was watched shows at another look.
func (w *watcher) rewatch(now *scan) {
	added, err := w.notifier.watch(w.watched(now))
	if err != nil {
		w.fallBack(err)
	}
	if added && w.settle == nil {
		w.settle = time.After(stillTime)
	}
}

func (w *watcher) loop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e, open := <-w.notifier.events():
			if !open {
				w.fallBack(errors.New("the system stopped reporting them"))
				continue
			}
			w.event(e)
		case err := <-w.notifier.errors():
			if err != nil && !errors.Is(err, fsnotify.ErrEventOverflow) { // lost reports: looking finds out
				w.registry.options.Logger.Warn("watching files: " + err.Error())
			}
			w.look()
		case <-w.notifier.ticks():
			w.look()
		case <-w.settle:
			w.settle = nil
			w.look()
		case a := <-w.results:
			w.built(ctx, a)
		case <-w.expire:
			w.expired()
		}
		w.launch(ctx)
	}
}

// event handles one report.
func (w *watcher) event(e fsnotify.Event) {
	if !matters(e) || w.ignored(e.Name) {
		return
	}
	if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
		w.notifier.forget(e.Name)
	}
	known := false
	for _, path := range []string{e.Name, realPath(e.Name)} {
		if _, ok := w.known.files[path]; ok {
			w.touched[path], known = true, true
		}
	}
	// A write to what nobody imports is no change; what appears or goes may be.
	if known || !e.Has(fsnotify.Write) {
		w.look()
	}
}

func (w *watcher) ignored(path string) bool {
	return slices.ContainsFunc(w.registry.options.Ignore, func(folder string) bool { return isUnder(path, folder) })
}

// realPath resolves links in the folder of a file that may be gone.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(real, filepath.Base(path))
	}
	return path
}
