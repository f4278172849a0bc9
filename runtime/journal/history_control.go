package journal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"reprise/runtime/call"
)

func (h *History) addControl(c *Control) error {
	if err := h.control(c); err != nil {
		return err
	}
	h.Controls = append(h.Controls, c)
	return nil
}

func (h *History) control(c *Control) error {
	switch c.Op {
	case OpCancel, OpKill:
		if h.Cancel == nil || h.Cancel.Op == OpCancel && c.Op == OpKill {
			h.Cancel = c
		}
		h.lifted = append(h.lifted, h.Len)
	case OpPause:
		h.Paused = c
		h.pauses = append(h.pauses, h.Len)
	case OpResume:
		return h.resume(c)
	case OpRetry:
		return h.retry(c)
	case OpUpgrade:
		h.Revision = c.Revision
	case OpReseed:
		h.reseeds = append(h.reseeds, Seed{After: uint64(len(h.Turns)), Key: c.Seed, Run: cmp.Or(c.Run, h.Started.Run)})
	default:
		return fmt.Errorf("%w (it has a control %q)", ErrNewer, c.Op)
	}
	return nil
}

// resume lifts the pause, and the doubt about the calls it lists.
func (h *History) resume(c *Control) error {
	for _, id := range c.Void {
		if _, err := h.issuedCall(c, id); err != nil {
			return err
		}
	}
	for _, id := range c.Void {
		h.calls[id].trying = false
	}
	h.Paused, h.pauses = nil, h.pauses[:0]
	return nil
}

// retry makes turns from c.Turn on void with all that belongs to their calls,
// and the facts about the calls of c.Void.
func (h *History) retry(c *Control) error {
	if err := h.checkRetry(c); err != nil {
		return err
	}
	raised := map[uint64]bool{} // calls that are issued again under another generation
	for _, id := range c.Void {
		s := h.calls[id]
		if s.fact != nil && (s.fact.Err == nil || s.call.Kind == call.KindInvoke) { // an attached run that failed was an answer, too
			raised[id] = true
		}
		h.forget(s)
	}
	h.unwind(max(c.Turn, 1), raised)
	for id := range raised {
		h.reborn[id]++
	}
	h.relist()
	h.lift()
	if c.Revision != "" {
		h.Revision = c.Revision
	}
	return nil
}

// LetGo reports whether somebody let go the failure that the run is held at: an
// OpResume or OpCancel in force whose Turn is the last turn.
func (h *History) LetGo() bool {
	last := uint64(len(h.Turns))
	return last > 0 && slices.ContainsFunc(h.Controls, func(c *Control) bool {
		return (c.Op == OpResume || c.Op == OpCancel) && c.Turn == last
	})
}

func (h *History) checkRetry(c *Control) error {
	if last := uint64(len(h.Turns)); c.Turn > last+1 {
		return fmt.Errorf("%w: a retry from turn %d after turn %d", ErrDamaged, c.Turn, last)
	}
	for _, id := range c.Void {
		s, err := h.issuedCall(c, id)
		if err != nil {
			return err
		}
		if s.delivered != 0 && s.delivered < c.Turn {
			return fmt.Errorf("%w: a retry voids the outcome of call %d and not turn %d, which delivered it", ErrDamaged, id, s.delivered)
		}
	}
	return nil
}

// unwind pops the turns from number first on: the last one first, as its calls
// are the last of h.issued.
func (h *History) unwind(first uint64, raised map[uint64]bool) {
	for n := len(h.Turns); n >= int(first); n-- {
		t := h.Turns[n-1]
		h.markVoid(h.turnAt[n-1])
		h.CPU -= t.CPU
		h.undoDelivery(t)
		for range t.Calls {
			last := len(h.issued) - 1
			s := h.issued[last]
			raised[s.call.ID] = true
			h.forget(s)
			s.gone = true
			delete(h.calls, s.call.ID)
			h.issued[last], h.issued = nil, h.issued[:last]
		}
		h.Turns[n-1], h.Turns, h.turnAt = nil, h.Turns[:n-1], h.turnAt[:n-1]
	}
	for i := range h.reseeds {
		h.reseeds[i].After = min(h.reseeds[i].After, first-1)
	}
}

// undoDelivery takes back what a turn did to calls of earlier ones.
func (h *History) undoDelivery(t *Turn) {
	if t.Cause == ByOutcome {
		s := h.calls[t.Outcome]
		s.delivered = 0
		h.list(s)
	}
	for _, id := range t.Aborts {
		if s := h.calls[id]; s.aborted == t.N {
			s.aborted = 0
			h.list(s)
		}
	}
}

// forget makes all records about a call void; the call stays and is open.
func (h *History) forget(s *state) {
	if s.fact != nil {
		name, _ := takenName(s.call, s.fact) // it could be read when the fact came
		h.countTaken(name, -1)
	}
	for _, seq := range s.records {
		h.markVoid(seq)
	}
	s.fact, s.factAt, s.records = nil, 0, nil
	s.begun, s.failed, s.trying, s.retryAt = 0, 0, false, time.Time{}
	h.list(s)
}

// list sees to it that a call is in the lists of calls that may be open or have
// a fact to deliver. Their readers decide whether it is.
func (h *History) list(s *state) {
	if !s.inOpen {
		s.inOpen = true
		h.open = append(h.open, s)
	}
	if !s.inPending {
		s.inPending = true
		h.pending = append(h.pending, s)
	}
}

// relist cleans both lists and brings them into their orders again.
func (h *History) relist() {
	h.cleanOpen()
	slices.SortFunc(h.open, func(a, b *state) int { return cmp.Compare(a.call.ID, b.call.ID) })
	h.cleanPending()
	slices.SortFunc(h.pending, func(a, b *state) int { return cmp.Compare(a.factAt, b.factAt) })
}

// lift takes the end, cancels and a pause out of force; what users did about
// them is over.
func (h *History) lift() {
	for _, seq := range append(h.lifted, h.pauses...) {
		h.markVoid(seq)
	}
	h.lifted, h.pauses = h.lifted[:0], h.pauses[:0]
	h.Ended, h.Cancel, h.Paused = nil, nil, nil
	h.Controls = slices.DeleteFunc(h.Controls, func(c *Control) bool {
		return c.Op != OpUpgrade && c.Op != OpReseed && c.Op != OpRetry
	})
}

func (h *History) markVoid(seq uint64) {
	word := int(seq / 64)
	if missing := word + 1 - len(h.void); missing > 0 {
		h.void = append(h.void, make([]uint64, missing)...)
	}
	h.void[word] |= 1 << (seq % 64)
}

// takenName returns the name of the signal that o says a waitFor took, or "".
func takenName(c *Call, o *Outcome) (string, error) {
	if c.Kind != call.KindWait || o.Err != nil {
		return "", nil
	}
	var args call.WaitArgs
	if err := json.Unmarshal(c.Args.Inline, &args); err != nil {
		return "", fmt.Errorf("%w: the arguments of call %d (%s) cannot be read: %w", ErrDamaged, c.ID, c.Kind, err)
	}
	return args.Name, nil
}

// countTaken counts a signal that was taken, or with -1 given back.
func (h *History) countTaken(name string, by int) {
	if name == "" {
		return
	}
	if h.taken[name] += by; h.taken[name] == 0 {
		delete(h.taken, name)
	}
}
