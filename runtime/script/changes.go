package script

import (
	"context"
	"maps"
	"slices"
	"time"
)

// look compares the project with what is known, and takes in what has held
// still since the last look.
func (w *watcher) look() {
	if w.settle != nil && len(w.pending) > 0 {
		return // a look is due within stillTime: reports of one save come in bursts
	}
	now, err := w.scan()
	if err != nil {
		w.registry.options.Logger.Warn("looking for changes: " + err.Error())
		return
	}
	if len(w.pending) == 0 {
		w.since = time.Now()
	}
	w.rewatch(now)
	still, moving := w.compare(now)
	if len(moving) > 0 && (len(still) == 0 || time.Since(w.since) < patience) {
		w.pending = moving
		maps.Copy(w.pending, still)
		w.settle = time.After(stillTime)
		return
	}
	noticed := w.since
	w.pending = moving
	if len(moving) > 0 {
		w.settle, w.since = time.After(stillTime), time.Now()
	}
	if len(still) > 0 {
		w.take(now, still, noticed)
	}
}

// compare returns the files that differ from what is known: those that look as
// they did at the last look, and the others.
func (w *watcher) compare(now *scan) (still, moving map[string]stamp) {
	still, moving = map[string]stamp{}, map[string]stamp{}
	for path, st := range now.files {
		before, seen := w.pending[path]
		old, known := w.known.files[path]
		switch {
		case w.touched[path]:
			moving[path] = st
		case seen && before == st:
			still[path] = st
		case seen || !known || old != st:
			moving[path] = st
		}
	}
	clear(w.touched)
	return still, moving
}

// take makes changes known and asks for the builds they need.
func (w *watcher) take(now *scan, changed map[string]stamp, noticed time.Time) {
	for path := range w.pending { // not yet still: not yet known
		if old, ok := w.known.files[path]; ok {
			now.files[path] = old
		} else {
			delete(now.files, path)
		}
	}
	w.known = now
	build, gone := w.affected(changed, now)
	for _, s := range build {
		if _, moving := w.pending[s.Path]; !moving {
			w.request(s, noticed)
		}
	}
	for _, name := range gone {
		if h := w.held[name]; h == nil || h.attempt != nil {
			w.hold(name, nil)
		}
	}
}

// request builds a script, or lets its build know that it is out of date.
func (w *watcher) request(s Script, noticed time.Time) {
	if b := w.builds[s.Name]; b != nil {
		b.again = &s
		return
	}
	w.builds[s.Name] = &inProgress{noticed: noticed, again: &s}
}

// launch starts the builds that are asked for.
func (w *watcher) launch(ctx context.Context) {
	for _, b := range w.builds {
		if b.again == nil || b.started {
			continue
		}
		s := *b.again
		b.again, b.started = nil, true
		w.running.Go(func() {
			a := w.registry.try(ctx, s, b.noticed)
			select {
			case w.results <- a:
			case <-ctx.Done():
			}
		})
	}
}

// built takes a build's result.
func (w *watcher) built(ctx context.Context, a *attempt) {
	if ctx.Err() != nil {
		return
	}
	name := a.script.Name
	w.depend(a)
	if b := w.builds[name]; b.again != nil {
		b.started = false // it changed meanwhile: this result is of yesterday
		return
	}
	delete(w.builds, name)
	_, there := w.known.scripts[name]
	switch {
	case !there: // it went while we built; its removal is held back already
	case a.err != nil:
		w.hold(name, a)
	default:
		delete(w.held, name)
		w.registry.commit(a)
	}
	w.arm()
}

// depend notes what an attempt depends on. Files that are new to us are known
// as the build saw them, and looked at again.
func (w *watcher) depend(a *attempt) {
	w.tried[a.script.Name] = &tried{script: a.script, inputs: a.inputs, failed: a.err != nil}
	for path, st := range a.inputs {
		if _, ok := w.known.files[path]; ok || inPackage(path) {
			continue
		}
		w.known.files[path] = st
		if w.settle == nil {
			w.settle = time.After(stillTime)
		}
	}
}

// outdated reports whether files do not look any more as bad news has it.
func (w *watcher) outdated(name string, a *attempt) bool {
	if a == nil {
		t := w.tried[name]
		return t != nil && stampOf(t.script.Path) != stamp{}
	}
	for path, st := range a.inputs {
		if !inPackage(path) && stampOf(path) != st {
			return true
		}
	}
	return false
}

// hold keeps bad news back until it has lasted. Further bad news about the same
// script does not start the wait anew.
func (w *watcher) hold(name string, a *attempt) {
	due := time.Now().Add(w.registry.options.ErrorAfter)
	if h := w.held[name]; h != nil {
		due = h.due
	}
	w.held[name] = &heldBack{due: due, attempt: a}
	w.arm()
}

// arm sets the clock for the first of what is held back.
func (w *watcher) arm() {
	var first time.Time
	for name, h := range w.held {
		if w.builds[name] == nil && (first.IsZero() || h.due.Before(first)) {
			first = h.due
		}
	}
	w.expire = nil
	if !first.IsZero() {
		w.expire = time.After(time.Until(first))
	}
}

// expired publishes what has lasted. While a script is being built its news
// waits for the result.
func (w *watcher) expired() {
	now := time.Now()
	for _, name := range slices.Sorted(maps.Keys(w.held)) {
		h := w.held[name]
		if h.due.After(now) || w.builds[name] != nil {
			continue
		}
		if !h.postponed && w.outdated(name, h.attempt) { // the report of a change is still on its way to us
			h.postponed, h.due = true, now.Add(w.registry.options.ErrorAfter)
			w.look()
			continue
		}
		delete(w.held, name)
		if h.attempt != nil {
			w.registry.commit(h.attempt)
		} else if _, back := w.known.scripts[name]; !back {
			delete(w.tried, name)
			w.registry.remove(name, h.due.Add(-w.registry.options.ErrorAfter))
		}
	}
	w.arm()
}
