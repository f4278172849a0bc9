package worker

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/call/wire"
)

// remote is a run in a VM of a worker process.
type remote struct {
	pool     *Pool
	process  *process
	job      *job
	number   uint64
	revision string
	run      string
	script   string
	order    order // of its turns so far
	over     bool  // the worker has ended it by itself
}

// begin executes the first turn. begun is false when the process ended before
// that could begin.
func (s *remote) begin(start *Start, print func(Line)) (turn Turn, begun bool, err error) {
	w := s.process
	if err := s.pool.ensure(w, s.revision); err != nil {
		return turn, false, err
	}
	s.job = &job{run: s.run, script: s.script, revision: s.revision, durable: start.Durable, print: print, budget: cmp.Or(start.Budget.TurnCPU, DefaultTurnBudget)}
	s.number = w.enlist(s.job)
	setting := w.say(start)
	turns, err := s.ask([]time.Time{start.Now}, frameBegin, wire.AppendText(about(s.number), s.revision), appendStart(nil, start, setting))
	if err == nil {
		turn = turns[0]
	}
	if err == nil && turn.Dead && w.isDead() && !w.death.executing[s.job] {
		err = w.errLost() // nothing of it has begun
	}
	if err != nil {
		w.discharge(s.number)
	}
	return turn, err == nil, err
}

// ask has turns executed, at these times of the script's clock at most, and
// waits for them. The error is the revision's.
func (s *remote) ask(at []time.Time, kind byte, parts ...[]byte) ([]Turn, error) {
	w := s.process
	a, ok := w.ask(s.job, len(at), kind, parts...)
	if !ok {
		return []Turn{s.lost()}, nil
	}
	turns, refused, err := parseTurns(a.b)
	switch {
	case err != nil:
	case a.kind != frameTurn:
		err = errRubbish
	case refused != nil:
		return nil, refused
	default:
		err = s.believe(turns, at)
	}
	if err != nil {
		w.disbelieve(s.job, err)
		return []Turn{s.lost()}, nil
	}
	last := &turns[len(turns)-1]
	s.over = isOver(last)
	switch {
	case w.turns > 1:
	case s.over:
		s.pool.passed(s.run, math.MaxUint64)
	default:
		s.pool.passed(s.run, last.N)
	}
	return turns, nil
}

// believe takes turns as the next ones, if they can be that.
func (s *remote) believe(turns []Turn, at []time.Time) error {
	if len(turns) == 0 || len(turns) > len(at) { // fewer, if they are large or the run stops
		return fmt.Errorf("%w: %d turns for %d", errRubbish, len(turns), len(at))
	}
	for i := range turns {
		if err := s.order.next(&turns[i], at[i]); err != nil {
			return err
		}
		if isLast(&turns[i]) && i < len(turns)-1 {
			return fmt.Errorf("%w: turns follow turn %d, where the run stops", errRubbish, turns[i].N)
		}
	}
	return nil
}

// lost is the turn of a run whose process has ended.
func (s *remote) lost() Turn {
	return Turn{N: s.order.turn + 1, Settled: true, Done: true, Dead: true, Err: s.pool.judge(s)}
}

// next executes turns that are not the first.
func (s *remote) next(at []time.Time, kind byte, parts ...[]byte) []Turn {
	if s.over { // nothing happens any more, as in a VM that has ended
		idle := Turn{N: s.order.turn + 1, At: s.order.clock, Done: true}
		_ = s.order.next(&idle, s.order.clock) // it is made to be the next one
		return []Turn{idle}
	}
	_ = s.pool.crowd.enter(s.script, false) // what has begun is not refused
	defer s.pool.crowd.leave(s.script)
	turns, err := s.ask(at, kind, parts...)
	if err != nil {
		return []Turn{{N: s.order.turn + 1, Settled: true, Done: true, Dead: true, Err: call.From(err)}}
	}
	return turns
}

// Deliver implements Session.
func (s *remote) Deliver(list ...Delivery) (turns []Turn) {
	for {
		got := s.deliver(list[:together(list)])
		if turns == nil {
			turns = got
		} else {
			turns = append(turns, got...)
		}
		if list = list[len(got):]; len(list) == 0 || isLast(&got[len(got)-1]) {
			return turns
		}
	}
}

// deliver says what fits into one frame.
func (s *remote) deliver(list []Delivery) []Turn {
	at := make([]time.Time, len(list))
	for i := range list {
		at[i] = list[i].At
	}
	return s.next(at, frameDeliver, appendDeliveries(about(s.number), list))
}

// Unwind implements Session.
func (s *remote) Unwind(at time.Time) Turn {
	return s.next([]time.Time{at}, frameUnwind, wire.AppendTime(about(s.number), at))[0]
}

// Reseed implements Session.
func (s *remote) Reseed(run string, seed [32]byte) {
	if s.over {
		return
	}
	_ = s.process.pipe.Send(frameReseed, append(about(s.number), seed[:]...), wire.AppendText(nil, run)) // a pipe that fails ends the process, and the next turn is lost
}

// Limit implements Session.
func (s *remote) Limit(b Budget) {
	if s.over {
		return
	}
	s.job.setBudget(s.process, b)
	_ = s.process.pipe.Send(frameLimit, appendBudget(about(s.number), &b)) // as with Reseed
}

// End implements Session.
func (s *remote) End(succeeded bool) {
	s.process.discharge(s.number)
	if s.over {
		return
	}
	_ = s.process.pipe.Send(frameEnd, append(about(s.number), wire.Flags(succeeded)))
}
