// The gate decides whose turn executes next. A turn never waits for anything
// but the processor, so a few at a time keep every core busy; what matters is
// that one script's thousand requests do not stand before another's one. Each
// script has a line of its own, and the line that has used the least time goes
// first, as in a fair scheduler of an operating system: a script that had nothing
// waiting starts level with those at work and can not save up credit.

package worker

import (
	"sync"
	"time"
)

// gate lets a number of turns in at a time. It is safe for concurrent use.
type gate struct {
	slots int // how many turns execute at most
	share int // how many of one script

	mu     sync.Mutex
	inside int              // turns executing; guarded by mu
	lines  map[string]*line // of scripts with turns inside or waiting; guarded by mu
	now    time.Duration    // the used time of the line that was let in last; guarded by mu
}

// line is what the gate knows of a script.
type line struct {
	used   time.Duration // how far it is, on a scale that all lines share
	inside int
	queue  []func() // each lets a turn in
}

func newGate(slots int) *gate {
	return &gate{slots: slots, share: max(1, slots/2), lines: map[string]*line{}}
}

// enter waits until a turn of the script may execute. Every enter needs a leave.
func (g *gate) enter(script string) {
	g.mu.Lock()
	l := g.line(script)
	if g.open(l) {
		g.letIn(l)
		g.mu.Unlock()
		return
	}
	in := make(chan struct{})
	l.queue = append(l.queue, func() { close(in) })
	g.mu.Unlock()
	<-in
}

// ask has let called once a turn of the script may execute, perhaps before it
// returns. let must not block.
func (g *gate) ask(script string, let func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.line(script)
	if g.open(l) {
		g.letIn(l)
		let()
		return
	}
	l.queue = append(l.queue, let)
}

// line returns the line of a script. g.mu is held, as in what follows.
func (g *gate) line(script string) *line {
	l := g.lines[script]
	if l == nil {
		l = &line{}
		g.lines[script] = l
	}
	if len(l.queue) == 0 {
		l.used = max(l.used, g.now)
	}
	return l
}

// open reports whether a turn that comes now may execute at once.
func (g *gate) open(l *line) bool {
	return g.inside < g.slots && l.inside < g.share && len(l.queue) == 0
}

// letIn counts a turn of the line as executing.
func (g *gate) letIn(l *line) {
	g.now = max(g.now, l.used)
	l.inside++
	g.inside++
}

// leave ends a turn that took so long, and lets others in.
func (g *gate) leave(script string, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lines[script]
	l.inside--
	g.inside--
	l.used += took
	for g.inside < g.slots {
		next := g.next()
		if next == nil {
			break
		}
		let := next.queue[0]
		next.queue[0] = nil
		next.queue = next.queue[1:]
		g.letIn(next)
		let()
	}
	if l.inside == 0 && len(l.queue) == 0 {
		delete(g.lines, script)
	}
}

// next returns the line whose turn it is, or nil. There are seldom more than a
// few, so they are looked through.
func (g *gate) next() (best *line) {
	for _, l := range g.lines {
		if len(l.queue) > 0 && l.inside < g.share && (best == nil || l.used < best.used) {
			best = l
		}
	}
	return best
}
