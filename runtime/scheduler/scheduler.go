package scheduler

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"reprise/runtime/schedule"
)

const (
	// grace is how late a tick may be and still count as on time. A restart
	// takes seconds, and a slow disk too; a nightly run should not be lost to
	// either.
	grace = 30 * time.Second
	// maxCatchUp is how many ticks are made up for at most: about six weeks of
	// hours.
	maxCatchUp = 1000
	// maxCounted is how far the ticks that are left out are counted, for the
	// log: 10,000 take 20 ms.
	maxCounted = 10_000
	// longestSleep bounds how late the scheduler notices that the clock has
	// jumped: timers stand still while a machine is suspended.
	longestSleep = time.Minute
	// longestRetry is the longest wait after something failed.
	longestRetry = time.Minute
)

// Tick is one moment of a script's schedule.
type Tick struct {
	Script string
	Time   time.Time // whole seconds, UTC
	// Queue has the run wait until those of earlier ticks of the script have
	// ended.
	Queue bool
}

// Key is the idempotency key of the tick's run, among those of the script.
func (t Tick) Key() string { return "tick:" + t.Time.UTC().Format(time.RFC3339) }

// Input is what the handler scheduled is called with: {"scheduledTime": ms}.
// It is made of the time alone, as the key is.
func (t Tick) Input() json.RawMessage {
	return json.RawMessage(`{"scheduledTime":` + strconv.FormatInt(t.Time.UnixMilli(), 10) + `}`)
}

// Note is something that happened to a schedule, for the log.
type Note struct {
	Script  string
	Level   slog.Level
	Message string    // a sentence
	Tick    time.Time // that it is about; zero: none, or many
}

// Options are what a Scheduler works with. All functions are called one at a
// time, by one goroutine; their context ends with the Scheduler.
type Options struct {
	// Start starts the run of a tick, and returns when it will not be lost. If
	// there is a run with the tick's key, it does nothing.
	Start func(ctx context.Context, t Tick) error
	// Busy reports whether a run of a tick before t has not ended.
	Busy func(ctx context.Context, t Tick) (bool, error)
	// Load returns what was saved for a script, or nil.
	Load func(ctx context.Context, script string) ([]byte, error)
	// Save keeps a value for a script; nil removes it.
	Save func(ctx context.Context, script string, value []byte) error
	// Note is told what people may want to know. Nil: nobody is.
	Note func(Note)
	// Now is the clock on the wall. Nil: time.Now.
	Now func() time.Time
}

// Scheduler calls Start at every tick of every script. It is safe for
// concurrent use.
type Scheduler struct {
	options Options
	changed chan struct{} // has room for one: wanted is new
	stop    context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex
	wanted map[string]*schedule.Plan // replaced as a whole; nil plan: the script has no schedule; guarded by mu

	entries map[string]*entry // of the goroutine alone
}

// New returns a scheduler without schedules that does nothing yet.
func New(o Options) *Scheduler {
	if o.Note == nil {
		o.Note = func(Note) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Scheduler{options: o, changed: make(chan struct{}, 1), entries: map[string]*entry{}}
}

// Start begins. It is called once, before or after the first Update.
func (s *Scheduler) Start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		s.loop(ctx)
	}()
}

// Close ends the scheduler and waits for what it is doing.
func (s *Scheduler) Close() {
	if s.stop != nil {
		s.stop()
		<-s.done
	}
}

// Update says which scripts there are, and their schedules. A script that is
// there without a schedule (nil) is forgotten: should it get one, it begins
// anew. One that is not there at all may come back, and then catches up.
func (s *Scheduler) Update(specs map[string]*schedule.Spec) {
	wanted := make(map[string]*schedule.Plan, len(specs))
	old := s.plans()
	for script, spec := range specs {
		if spec == nil {
			wanted[script] = nil
			continue
		}
		named := *spec
		named.Name = script
		if p := old[script]; p != nil && p.Spec == named {
			wanted[script] = p
			continue
		}
		plan, err := schedule.Parse(named)
		if err != nil { // it was checked when the script was loaded
			s.options.Note(Note{Script: script, Level: slog.LevelError, Message: "the schedule does not work, and the script is not started: " + err.Error()})
			continue
		}
		wanted[script] = plan
	}
	s.mu.Lock()
	s.wanted = wanted
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default: // it is to look already
	}
}

func (s *Scheduler) plans() map[string]*schedule.Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted
}

// Next returns the next n ticks of a script; none if it has no schedule.
func (s *Scheduler) Next(script string, n int) []time.Time {
	plan := s.plans()[script]
	if plan == nil {
		return nil
	}
	return plan.Upcoming(s.options.Now(), n)
}
