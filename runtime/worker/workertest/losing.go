package workertest

import (
	"sync"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/worker"
)

// Fate is what becomes of a turn.
type Fate int

// The fates.
const (
	// Done is the fate of a turn whose process goes on.
	Done Fate = iota
	// Lost is a turn whose process ends before it is executed. A run that has not
	// begun is refused then.
	Lost
	// LostAfter is a turn that was executed, and nobody hears of it.
	LostAfter
	// Guilty is a turn that ends its process beyond doubt.
	Guilty
)

// Turn is a turn that is about to be executed.
type Turn struct {
	N   int    // of all turns, from 1 on
	Run string // whose it is
	In  uint64 // its number in the run
}

// Losing are workers whose processes end at chosen turns. It is safe for
// concurrent use.
type Losing struct {
	worker.Workers
	// Fate decides what becomes of a turn. It is called for one at a time.
	Fate func(t Turn) Fate

	mu    sync.Mutex
	turns int // guarded by mu
}

// Turns is how many turns there were.
func (l *Losing) Turns() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.turns
}

// Decide changes what becomes of turns from now on.
func (l *Losing) Decide(fate func(t Turn) Fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Fate = fate
}

func (l *Losing) fate(run string, in uint64) Fate {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns++
	return l.Fate(Turn{N: l.turns, Run: run, In: in})
}

var (
	errLost   = call.Errorf(call.CodeWorkerLost, "the worker process that executed the script has ended: a test ended it")
	errGuilty = call.Errorf(call.CodeResource, "a turn ended its worker process: a test says so").
			WithData(map[string]any{"limit": "memory", "used": 2, "allowed": 1, "killed": true})
)

// gone is the turn of a run whose process has ended.
func gone(n uint64, err *call.Error) worker.Turn {
	return worker.Turn{N: n, Settled: true, Done: true, Dead: true, Err: err}
}

// Begin implements worker.Workers.
func (l *Losing) Begin(id string, start worker.Start, print func(worker.Line)) (worker.Session, worker.Turn, error) {
	fate := l.fate(start.Run, 1)
	if fate == Lost {
		return nil, worker.Turn{}, errLost
	}
	s, turn, err := l.Workers.Begin(id, start, print)
	if err != nil {
		return nil, turn, err
	}
	in := &session{Session: s, workers: l, run: start.Run, turn: turn.N}
	switch fate {
	case LostAfter:
		in.gone, turn = true, gone(1, errLost)
	case Guilty:
		in.gone, turn = true, gone(1, errGuilty)
	}
	return in, turn, nil
}

// session is a run that may lose its process.
type session struct {
	worker.Session
	workers *Losing
	run     string
	turn    uint64
	gone    bool
}

func (s *session) execute(f func() worker.Turn) worker.Turn {
	s.turn++
	if s.gone {
		return gone(s.turn, errLost)
	}
	fate := s.workers.fate(s.run, s.turn)
	s.gone = fate != Done
	switch fate {
	case Lost:
		return gone(s.turn, errLost)
	case Guilty:
		return gone(s.turn, errGuilty)
	case LostAfter:
		f()
		return gone(s.turn, errLost)
	}
	return f()
}

// Deliver implements worker.Session.
func (s *session) Deliver(list ...worker.Delivery) (turns []worker.Turn) {
	for _, d := range list {
		t := s.execute(func() worker.Turn { return s.Session.Deliver(d)[0] })
		if turns = append(turns, t); t.Done || t.Held || t.Dead {
			break
		}
	}
	return turns
}

// Unwind implements worker.Session.
func (s *session) Unwind(at time.Time) worker.Turn {
	return s.execute(func() worker.Turn { return s.Session.Unwind(at) })
}
