package worker

import (
	"sync"
	"time"

	"reprise/runtime/call"
)

// session is a run in a VM of this process.
type session struct {
	host *Host
	rev  *revision
	slot *slot
	mu   sync.Mutex
	over bool // guarded by mu: End was called
	open int
}

// Begin implements Workers.
func (h *Host) Begin(id string, start Start, print func(Line)) (Session, Turn, error) {
	s, turn, err := h.begin(id, start, print, func(*session) {})
	if err != nil {
		return nil, Turn{}, err
	}
	return s, turn, nil
}

// begin is Begin; it tells entered of the session before its first turn.
func (h *Host) begin(id string, start Start, print func(Line), entered func(*session)) (s *session, turn Turn, err error) {
	h.mu.Lock()
	rev := h.revisions[id]
	h.mu.Unlock()
	if rev == nil {
		return nil, turn, call.Errorf(call.CodeNotFound, "the revision %s of %s is not loaded", id, start.Script)
	}
	refused := h.execute(rev.Script, !start.Durable, func() { // a run has been accepted
		slot := rev.takeFor(start.Handler)
		if slot == nil {
			if slot, err = h.newSlot(rev, start.Budget, print); err != nil {
				return
			}
		}
		slot.print = print
		slot.uses++
		s = &session{host: h, rev: rev, slot: slot}
		entered(s)
		turn = s.took(slot.vm.Begin(start))
	})
	if refused != nil {
		err = refused
	}
	return s, turn, err
}

// takeFor takes an idle VM for a handler. One that has served requests before
// is for requests only.
func (rev *revision) takeFor(handler Handler) *slot {
	s := rev.take()
	if s == nil || s.uses == 0 || handler == HandlerFetch && !rev.Fresh {
		return s
	}
	rev.put(s)
	return nil
}

// took notes what a turn left open.
func (s *session) took(t Turn) Turn {
	s.open = t.Open
	return t
}

func (s *session) turn(f func() Turn) (t Turn) {
	// What has begun is not refused.
	_ = s.host.execute(s.rev.Script, false, func() { t = s.took(f()) })
	return t
}

// Deliver implements Session.
func (s *session) Deliver(list ...Delivery) []Turn {
	turns := make([]Turn, 0, len(list))
	for _, d := range list {
		t := s.turn(func() Turn { return s.slot.vm.Deliver(d.Outcome, d.At) })
		if turns = append(turns, t); isLast(&t) {
			break
		}
	}
	return turns
}

// Unwind implements Session.
func (s *session) Unwind(at time.Time) Turn {
	return s.turn(func() Turn { return s.slot.vm.Unwind(at) })
}

// Reseed implements Session.
func (s *session) Reseed(run string, seed [32]byte) { s.slot.vm.Reseed(run, seed) }

// Limit implements Session.
func (s *session) Limit(b Budget) { s.slot.vm.Limit(b) }

// interrupt stops the executing turn, which then fails with reason. It is safe
// to call from any goroutine, also after End.
func (s *session) interrupt(reason *call.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.slot.vm.Interrupt(reason)
	}
}

// End implements Session.
func (s *session) End(succeeded bool) {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.slot.print = nil
	handler := Handler("")
	if info, ok := s.slot.vm.Info(); ok {
		handler = info.Handler
	}
	s.slot.vm.End()
	if handler == HandlerFetch && succeeded && s.open == 0 && !s.rev.Fresh && s.slot.uses < maxReuse && s.slot.vm.Dead() == nil {
		s.rev.put(s.slot)
	}
}
