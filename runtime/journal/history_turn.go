package journal

import (
	"cmp"
	"fmt"
	"slices"
)

// addTurn checks that the turn can be the next one, and applies it.
func (h *History) addTurn(t *Turn) error {
	last := uint64(len(h.Turns))
	switch {
	case h.Ended != nil:
		return fmt.Errorf("%w: turn %d comes after the end", ErrDamaged, t.N)
	case t.N != last+1:
		return fmt.Errorf("%w: turn %d follows turn %d", ErrDamaged, t.N, last)
	case (t.Cause == ByBegin) != (last == 0):
		return fmt.Errorf("%w: turn 1, and only that, is the call of the handler (this is turn %d)", ErrDamaged, t.N)
	}
	if err := h.checkDelivery(t); err != nil {
		return err
	}
	if err := h.checkCalls(t); err != nil {
		return err
	}
	h.Turns, h.turnAt = append(h.Turns, t), append(h.turnAt, h.Len)
	h.CPU += t.CPU
	if t.Cause == ByOutcome {
		h.calls[t.Outcome].delivered = t.N
	}
	h.issue(t)
	for _, id := range t.Aborts {
		if s := h.calls[id]; s.aborted == 0 {
			s.aborted = t.N
		}
	}
	return nil
}

func (h *History) checkDelivery(t *Turn) error {
	if t.Cause != ByOutcome {
		return nil
	}
	s, err := h.issuedCall(t, t.Outcome)
	switch {
	case err != nil:
		return err
	case s.fact == nil:
		return fmt.Errorf("%w: turn %d delivers the outcome of call %d, which has none", ErrDamaged, t.N, t.Outcome)
	case s.delivered != 0:
		return fmt.Errorf("%w: turn %d delivers the outcome of call %d, as turn %d did", ErrDamaged, t.N, t.Outcome, s.delivered)
	case s.aborted != 0:
		return fmt.Errorf("%w: turn %d delivers the outcome of call %d, which turn %d had aborted", ErrDamaged, t.N, t.Outcome, s.aborted)
	}
	return nil
}

// checkCalls holds calls to be numbered without gaps, as the VM numbers them: a
// replay delivers an outcome by its call's number.
func (h *History) checkCalls(t *Turn) error {
	last := h.LastCall()
	for i := range t.Calls {
		if id := t.Calls[i].ID; id != last+1 {
			return fmt.Errorf("%w: turn %d issues call %d after call %d", ErrDamaged, t.N, id, last)
		}
		last++
	}
	for _, id := range t.Aborts {
		if h.calls[id] == nil && !t.issues(id) {
			return fmt.Errorf("%w: turn %d aborts call %d, which no turn has issued", ErrDamaged, t.N, id)
		}
	}
	return nil
}

// issues reports whether the turn, whose calls are in order, issued the call.
func (t *Turn) issues(id uint64) bool {
	_, found := slices.BinarySearchFunc(t.Calls, id, func(c Call, id uint64) int { return cmp.Compare(c.ID, id) })
	return found
}

func (h *History) issue(t *Turn) {
	states := make([]state, len(t.Calls))
	for i := range t.Calls {
		s := &states[i]
		s.call, s.turn, s.inOpen = &t.Calls[i], t, true
		h.calls[s.call.ID] = s
		h.issued = append(h.issued, s)
		h.open = append(h.open, s)
	}
}

// All returns all records by their numbers, void ones included.
func (h *History) All() []Record { return h.records }

// Outcome returns the fact in force about a call, or nil.
func (h *History) Outcome(call uint64) *Outcome {
	if s := h.calls[call]; s != nil {
		return s.fact
	}
	return nil
}

// IssuedBy returns the turn in force that issued a call, or nil.
func (h *History) IssuedBy(call uint64) *Turn {
	if s := h.calls[call]; s != nil {
		return s.turn
	}
	return nil
}

// Call returns a call in force, or nil.
func (h *History) Call(id uint64) *Call {
	if s := h.calls[id]; s != nil {
		return s.call
	}
	return nil
}

// Calls is how many calls the turns in force issued.
func (h *History) Calls() int { return len(h.issued) }

// LastCall is the highest number of a call in force; the next one is above it.
func (h *History) LastCall() uint64 {
	if n := len(h.issued); n > 0 {
		return h.issued[n-1].call.ID
	}
	return 0
}

// Open returns the calls that have no fact and were not aborted, in order.
func (h *History) Open() []*Call {
	h.cleanOpen()
	var list []*Call
	for _, s := range h.open {
		list = append(list, s.call)
	}
	return list
}

// Pending returns the facts that no turn has delivered, in order of arrival;
// those of aborted calls are not among them.
func (h *History) Pending() []*Outcome {
	h.cleanPending()
	var list []*Outcome
	for _, s := range h.pending {
		list = append(list, s.fact)
	}
	return list
}

// cleanOpen drops the calls that are not open from h.open.
func (h *History) cleanOpen() {
	h.open = slices.DeleteFunc(h.open, func(s *state) bool {
		s.inOpen = s.fact == nil && s.aborted == 0 && !s.gone
		return !s.inOpen
	})
}

// cleanPending drops the calls that have nothing to deliver from h.pending.
func (h *History) cleanPending() {
	h.pending = slices.DeleteFunc(h.pending, func(s *state) bool {
		s.inPending = s.fact != nil && s.delivered == 0 && s.aborted == 0 && !s.gone
		return !s.inPending
	})
}

// Tries says how often an open call was tried.
func (h *History) Tries(call uint64) Tries {
	s := h.calls[call]
	if s == nil {
		return Tries{}
	}
	return Tries{Begun: s.begun, Failed: s.failed, RetryAt: s.retryAt, InDoubt: s.trying && s.fact == nil}
}

// Generation is how often a retry had a call of this number issued again: it
// voided a real answer of it, or the turn that issued it.
func (h *History) Generation(call uint64) uint64 { return h.reborn[call] }

// Seeds returns where random draws come from: Started.Seed, then one for each
// OpReseed, by the turn after which it applies. Of two with the same turn the
// later one holds.
func (h *History) Seeds() []Seed { return h.reseeds }

// Reseeded returns what random draws come from, and what the run is called,
// once a turn has drained (with 0: before the first one), and whether that is
// new then.
func (h *History) Reseeded(after uint64) (seed Seed, ok bool) {
	for _, s := range h.reseeds[min(1, len(h.reseeds)):] {
		if s.After == after {
			seed, ok = s, true
		}
	}
	return seed, ok
}

// TakenSignals is how many signals of each name were taken by a waitFor: the
// first ones of that name in Signals.
func (h *History) TakenSignals() map[string]int { return h.taken }

// Void reports whether a retry has taken the record with this number out of
// force. The first record is 0.
func (h *History) Void(seq uint64) bool {
	word := seq / 64
	return word < uint64(len(h.void)) && h.void[word]&(1<<(seq%64)) != 0
}
