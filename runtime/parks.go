// The calls of a durable run: how each begins, and the ones that are parked.
// Parked calls are answered by time, by a signal or by another run; when no
// others are open, the run needs no VM and is put aside.

package runtime

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
)

const (
	// parkAhead is how far away the next due time must be for a run to be put
	// aside: to take it up again costs a replay.
	parkAhead = 2 * time.Second
	// parkIdle is how long a run that waits for others keeps its VM.
	parkIdle = time.Second
	// retryParked is how long a pause between two tries must be for the call to
	// count as parked.
	retryParked = 5 * time.Second
	// maxWaits is how many waits of a run its row names.
	maxWaits = 100
)

// parking is what a durable run knows of an open call.
type parking struct {
	issued time.Time // the clock of the turn that issued it
	parked bool      // nothing is being performed
	until  time.Time // when a parked call is due; zero: only others can answer it
	name   string    // of the signal it waits for
	child  string    // the run it waits for
	tries  int       // made before
	barred error     // why there must be no other try; the performing goroutine's
	kept   bool      // its outcome is recorded already
}

func isParked(kind string) bool {
	switch kind {
	case worker.KindTimer, call.KindWait, call.KindAnswer, call.KindInvoke:
		return true
	}
	return false
}

// isOwn reports whether the actor performs a call itself, in call order: what
// only the store is needed for.
func (e *Engine) isOwn(kind string) bool {
	switch kind {
	case call.KindPublish, call.KindContinue, worker.KindBodyRead:
		return true
	}
	_, commits := e.bindings[kind].binding.(Committer)
	return commits
}

// isGated reports whether a call can be seen from outside: its turn must be on
// disk first. What the engine does in its own store keeps its order anyway.
func isGated(c *openCall) bool { return isWrite(c) && !strings.HasPrefix(c.call.Kind, "run.") }

// issue carries out what a turn asked for: aborts, then calls.
func (a *actor) issue(t *worker.Turn) {
	if len(t.Aborts) > 0 {
		var given []*openCall
		for _, id := range t.Aborts {
			if c, ok := a.x.open[id]; ok {
				given = append(given, c)
			}
		}
		a.giveUp(given)
		a.facts = slices.DeleteFunc(a.facts, func(o call.Outcome) bool { return slices.Contains(t.Aborts, o.Call) })
	}
	a.x.expect(len(t.Calls))
	begin := make([]*openCall, 0, len(t.Calls))
	for i := range t.Calls {
		if c := (&openCall{call: t.Calls[i], parking: parking{issued: t.At}}); !slices.Contains(t.Aborts, c.call.ID) {
			a.x.open[c.call.ID] = c
			begin = append(begin, c)
		}
	}
	a.begin(begin)
}

// giveUp stops calls whose outcomes nobody wants any more. Those that have not
// begun must not begin because another one of them makes room.
func (a *actor) giveUp(calls []*openCall) {
	for _, c := range calls {
		delete(a.x.open, c.call.ID)
	}
	for _, c := range calls {
		a.x.release(c)
		if c.call.Kind == call.KindInvoke {
			a.abandon(childID(c.issued, c.call.ID, a.x.callKey(c.call.ID)))
		}
	}
}

// giveUpAll stops everything that is open.
func (a *actor) giveUpAll() (ids []uint64) {
	ids = a.x.openIDs()
	calls := make([]*openCall, len(ids))
	for i, id := range ids {
		calls[i] = a.x.open[id]
	}
	a.x.waiting = nil
	a.giveUp(calls)
	return ids
}

// begin has calls performed or parked. Those that write begin when their turn,
// and that they begin, is on disk; others when their turn is with the store.
// What only the actor itself deals with needs no commit of its own: the next
// one, before the actor waits for anything, has the turn in it.
func (a *actor) begin(calls []*openCall) {
	gated, seen := a.x.script.Strict, a.x.script.Strict
	var now []*openCall
	for _, c := range calls {
		seen = seen || !a.staysInside(c.call.Kind)
		switch {
		case isParked(c.call.Kind), a.engine.isOwn(c.call.Kind):
		case a.x.inFlight+len(now) >= a.x.maxInFlight():
			a.x.waiting = append(a.x.waiting, c)
			continue
		case isGated(c):
			gated = true
			if c.call.Class == call.Write {
				a.record(&journal.Attempt{Call: c.call.ID, N: c.tries + 1, At: a.now()})
			}
		}
		now = append(now, c)
	}
	if seen {
		a.flush(gated)
	}
	for _, c := range now {
		switch {
		case a.broken != nil:
			return
		case isParked(c.call.Kind):
			a.parkCall(c)
		case a.engine.isOwn(c.call.Kind):
			a.performOwn(c)
		default:
			a.x.start(c)
		}
	}
}

// staysInside reports whether beginning a call of a kind does nothing that
// anybody but the actor could see before its next commit.
func (a *actor) staysInside(kind string) bool {
	return kind != call.KindInvoke && kind != call.KindContinue && (isParked(kind) || a.engine.isOwn(kind))
}

// parkCall lets the engine own a call.
func (a *actor) parkCall(c *openCall) {
	c.parked = true
	switch c.call.Kind {
	case worker.KindTimer:
		a.parkTimer(c)
	case call.KindInvoke:
		a.parkInvoke(c)
	case call.KindWait:
		var args call.WaitArgs
		if a.parseArgs(c, &args) {
			c.name, c.until = args.Name, dueAfter(c.issued, args.TimeoutMS)
			a.match(c)
		}
	case call.KindAnswer:
		var args call.AnswerArgs
		if a.parseArgs(c, &args) {
			c.name, c.until = askName(args.Ask), dueAfter(c.issued, args.TimeoutMS)
			a.match(c)
		}
	}
}

func (a *actor) parseArgs(c *openCall, args any) bool {
	err := json.Unmarshal(c.call.Args, args)
	if err != nil {
		a.fact(&c.call, call.Failed(c.call.ID, call.Errorf(call.CodeInvalidArgument, "the arguments of %s can not be read: %v", c.call.Kind, err)))
	}
	return err == nil
}

// dueAfter is when ms milliseconds after t are over; zero when ms is.
func dueAfter(t time.Time, ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return t.Add(time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond)
}

func (a *actor) parkTimer(c *openCall) {
	var args struct {
		MS int64 `json:"ms"`
	}
	if !a.parseArgs(c, &args) {
		return
	}
	if args.MS < 0 {
		a.fact(&c.call, call.Failed(c.call.ID, call.Errorf(call.CodeInvalidArgument, "a timer needs a number of milliseconds")))
		return
	}
	if c.until = dueAfter(c.issued, args.MS); c.until.IsZero() {
		c.until = c.issued
	}
	if !a.x.silent {
		a.x.logTimer(c, args.MS)
	}
}

// match gives a waiting call the oldest signal of its name, if there is one.
func (a *actor) match(c *openCall) {
	if left := a.signals[c.name]; len(left) > 0 {
		a.signals[c.name] = left[1:]
		value, err := left[0].Bytes(a.engine.loader(a.engine.ctx))
		if err != nil {
			a.fail(err)
			return
		}
		a.fact(&c.call, call.OK(c.call.ID, value))
	}
}

// matchAll gives the signals of a name to the calls that wait for it, in call order.
func (a *actor) matchAll(name string) {
	for _, id := range a.x.openIDs() {
		if c := a.x.open[id]; c != nil && c.parked && c.name == name {
			a.match(c)
		}
	}
}

// due answers what is due by now, in the order of the times.
func (a *actor) due() {
	now := a.now()
	var due []*openCall
	for _, c := range a.x.open {
		if !c.until.IsZero() && !c.until.After(now) {
			due = append(due, c)
		}
	}
	slices.SortFunc(due, func(p, q *openCall) int {
		return cmp.Or(p.until.Compare(q.until), cmp.Compare(p.call.ID, q.call.ID))
	})
	for _, c := range due {
		a.answerDue(c)
	}
}

func (a *actor) answerDue(c *openCall) {
	id := c.call.ID
	switch c.call.Kind {
	case worker.KindTimer:
		a.fact(&c.call, call.OK(id, nil))
	case call.KindWait:
		a.fact(&c.call, call.Failed(id, call.Errorf(call.CodeTimeout, "no signal %q came within %s", c.name, c.until.Sub(c.issued))))
	case call.KindAnswer:
		a.fact(&c.call, call.Failed(id, call.Errorf(call.CodeTimeout, "nobody answered within %s", c.until.Sub(c.issued))))
	default: // the next try of a call that was put aside
		c.until = time.Time{}
		if c.parked {
			c.parked = false
			a.begin([]*openCall{c})
		}
	}
}

// nextLook is when something is due, or the run has been idle for long enough.
func (a *actor) nextLook() (at time.Time, ok bool) {
	at, ok = a.nextDue()
	if !a.idle.IsZero() && a.waitsForOthers() && a.allParked() && a.cleanup == nil {
		if t := a.idle.Add(parkIdle); t.After(a.now()) && (!ok || t.Before(at)) {
			return t, true
		}
	}
	return at, ok
}

func (a *actor) nextDue() (at time.Time, ok bool) {
	for _, c := range a.x.open {
		if !c.until.IsZero() && (!ok || c.until.Before(at)) {
			at, ok = c.until, true
		}
	}
	return at, ok
}

// allParked reports whether nothing is being performed.
func (a *actor) allParked() bool {
	for _, c := range a.x.open {
		if !c.parked && c.until.IsZero() {
			return false
		}
	}
	return true
}

// park puts the run aside if it only waits, and for long enough.
func (a *actor) park() bool {
	if !a.allParked() || a.cleanup != nil {
		return false
	}
	now := a.now()
	if a.idle.IsZero() {
		a.idle = now
	}
	at, timed := a.nextDue()
	if timed && at.Sub(now) < parkAhead || a.waitsForOthers() && now.Sub(a.idle) < parkIdle {
		return false
	}
	a.status(Waiting, "")
	a.run.Waits = a.waits()
	if !timed {
		at = time.Time{}
	}
	a.setTimer(timerWake, at)
	a.flush(false)
	if timed {
		a.engine.clock.expect(at)
	}
	return true
}

func (a *actor) waitsForOthers() bool {
	for _, c := range a.x.open {
		if c.name != "" || c.child != "" {
			return true
		}
	}
	return false
}

// waits says what the run waits for, in call order.
func (a *actor) waits() []Wait {
	var out []Wait
	for _, id := range a.x.openIDs() {
		if len(out) == maxWaits {
			break
		}
		c := a.x.open[id]
		w := Wait{Kind: "retry", Name: c.call.Target, CallRef: CallRef{Call: id, Target: c.call.Target, Src: place(c.call.Pos), Step: c.call.Scope}}
		if !c.until.IsZero() {
			until := c.until.UTC()
			w.Until = &until
		}
		switch c.call.Kind {
		case worker.KindTimer:
			w.Kind, w.Name = "timer", ""
		case call.KindWait:
			w.Kind, w.Name = "signal", c.name
		case call.KindAnswer:
			w.Kind = "ask"
			w.Name, w.URL = a.askShown(c)
		case call.KindInvoke:
			w.Kind, w.Name, w.Run = "run", strings.TrimPrefix(c.call.Target, "invoke "), c.child
		}
		out = append(out, w)
	}
	return out
}
