// A run whose journal, or whose payloads, can not be read. It is paused by its
// row alone: nothing is appended to a journal that nobody understands, the next
// process does not try it again and again, and all other runs go on. From there
// it can be killed, cancelled and deleted; once what is missing is back, it can
// be resumed.

package runtime

import (
	"encoding/json"
	"errors"

	"reprise/runtime/blobs"
	"reprise/runtime/call"
	"reprise/runtime/journal"
)

// damage is an error that stays until somebody brings back what is missing.
type damage struct{ err *call.Error }

func (d *damage) Error() string { return d.err.Error() }
func (d *damage) Unwrap() error { return d.err }

// unreadable says that something of a run can not be read: because it is
// damaged, or because the store does not answer.
func unreadable(err error, format string, args ...any) error {
	e := call.Errorf(call.CodeStore, format+" can not be read: %v", append(args, err)...)
	for _, gone := range []error{journal.ErrDamaged, journal.ErrNewer, blobs.ErrDamaged, blobs.ErrNotFound, blobs.ErrIncomplete} {
		if errors.Is(err, gone) {
			return &damage{e}
		}
	}
	return e
}

func isDamage(err error) bool {
	_, ok := errors.AsType[*damage](err)
	return ok
}

// unread stops a run of which something can not be read: for good, or for now.
func (a *actor) unread(err error) {
	if !isDamage(err) {
		a.tryLater(err)
		return
	}
	a.run.Error = call.From(err)
	a.pausedBecause(ReasonDamaged)
	if a.broken == nil {
		a.engine.logPaused(a.run.Run, a.run.Error)
	}
}

// notJSON finds out what a run ends with that is not JSON: it came from outcomes
// that were altered in the store.
func (a *actor) notJSON(output []byte, failure *call.Error) error {
	if _, err := call.Encode(failure); err == nil && (len(output) == 0 || json.Valid(output)) {
		return nil
	}
	return &damage{call.Errorf(call.CodeStore, "what the run %s ends with can not be read: it is not JSON; its journal was altered", a.id)}
}

// adoptDamaged makes the actor know a run whose journal can not be read.
func (a *actor) adoptDamaged(row run, err error) error {
	h := &journal.History{}
	if err := h.Add(&journal.Started{Run: a.id}); err != nil {
		return err
	}
	a.adopt(row, h)
	a.damaged = err
	if !row.Status.Ended() && (row.Status != Paused || row.Reason != ReasonDamaged) {
		a.unread(err)
	}
	return nil
}
