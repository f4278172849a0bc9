// A journal is append-only, so what is in force is a view: History applies one
// record after the other and keeps, for each call, what holds now. A retry does
// not search the log: turns in force are a stack, calls are issued in the order
// of turns, so voiding pops turns and the calls they issued, and every call
// knows its own records. The lists of open calls and of undelivered facts are
// cleaned when they are read, so that each record costs the same however long
// the journal is.

package journal

import (
	"cmp"
	"fmt"
	"time"
)

// History is what a journal says after all its records. The zero value is an
// empty one. It is not safe for concurrent use; its slices and records belong
// to it.
type History struct {
	// Started is the first record, nil while there is none.
	Started *Started
	// Revision is what the run executes: Started's, or that of the last upgrade.
	Revision string
	// Len is the number of records, void ones included.
	Len uint64
	// Turns are the turns in force, in order: Turns[n-1].N is n.
	Turns []*Turn
	// CPU is the time that these turns took to execute, as they say it.
	CPU time.Duration
	// Signals are all signals, in the order in which they arrived.
	Signals []*Signal
	// Ended is the end in force, or nil.
	Ended *Ended
	// Cancel is the OpCancel or OpKill in force, or nil. A kill replaces a
	// cancel.
	Cancel *Control
	// Controls are the controls in force, in order: all since the last retry, and
	// of those before it upgrades, reseeds and retries.
	Controls []*Control
	// Paused is the last OpPause, unless it was lifted by OpResume or OpRetry.
	Paused *Control

	records []Record
	void    []uint64 // one bit for each record
	lifted  []uint64 // the numbers of what the next retry lifts: end and cancels
	pauses  []uint64 // and the pauses, unless a resume comes first
	turnAt  []uint64 // the numbers of the records of Turns
	calls   map[uint64]*state
	issued  []*state // calls in force, in the order of their turns
	open    []*state // in the same order, those that may have no fact
	pending []*state // in order of arrival, those whose fact may be undelivered
	reborn  map[uint64]uint64
	taken   map[string]int
	reseeds []Seed
}

// state is what holds for one call in force.
type state struct {
	call *Call
	turn *Turn // that issued it

	fact      *Outcome // in force
	factAt    uint64   // its record's number
	delivered uint64   // the turn that delivered it, or zero
	aborted   uint64   // the turn that aborted it, or zero
	gone      bool     // its turn is void

	inOpen, inPending bool // in the lists of History

	begun, failed int
	trying        bool // an attempt has begun and nothing followed
	retryAt       time.Time

	records []uint64 // the numbers of all its attempts and outcomes
}

// Tries says how often a call was tried.
type Tries struct {
	// Begun is the number of the last try that began, Failed how many failed.
	Begun, Failed int
	// RetryAt is when the try after the last failed one is due. It is zero once
	// that one has begun.
	RetryAt time.Time
	// InDoubt says that a try began and nobody knows what became of it.
	InDoubt bool
}

// Seed says where a run's random draws come from, after a turn and until the
// next Seed.
type Seed struct {
	After uint64 // the turn; zero: from the beginning
	Key   [32]byte
	Run   string // the id that the script sees as its own from there
}

// Read returns the history of records. Those that were too large for a journal
// are fetched with load, which may be nil where there are none. The history
// shares the records' memory. It fails with ErrDamaged, ErrNewer or load's
// error, and says at which record, the first being 0.
func Read(records [][]byte, load Load) (*History, error) {
	h := &History{records: make([]Record, 0, len(records))}
	for n, b := range records {
		r, err := h.parse(b, load)
		if err != nil {
			return nil, fmt.Errorf("journal: record %d: %w", n, err)
		}
		if err := h.Add(r); err != nil {
			return nil, err
		}
	}
	if h.Started == nil {
		return nil, fmt.Errorf("journal: %w: it has no records", ErrDamaged)
	}
	return h, nil
}

func (h *History) parse(b []byte, load Load) (Record, error) {
	file := ""
	if h.Started != nil {
		file = h.Started.File
	}
	return parseLoaded(b, file, load)
}

// parseLoaded is Parse, of the record that b stands for.
func parseLoaded(b []byte, file string, load Load) (Record, error) {
	p, ok := parseSpilled(b)
	if !ok {
		return Parse(b, file)
	}
	whole, err := p.Bytes(load)
	if err != nil {
		return nil, err
	}
	if HashOf(whole) != p.Hash {
		return nil, fmt.Errorf("%w: what is kept under %s are other bytes", ErrDamaged, p.Hash)
	}
	return Parse(whole, file)
}

// Add applies the next record. With an error, which wraps ErrDamaged or
// ErrNewer and says the record's number, nothing has changed.
func (h *History) Add(r Record) error {
	if err := h.apply(r); err != nil {
		return fmt.Errorf("journal: record %d: %w", h.Len, err)
	}
	h.records = append(h.records, r)
	h.Len++
	return nil
}

func (h *History) apply(r Record) error {
	if s, ok := r.(*Started); ok != (h.Len == 0) {
		return fmt.Errorf("%w: it is a %s record; the first one is started, and only that", ErrDamaged, r.kind())
	} else if ok {
		h.start(s)
		return nil
	}
	switch r := r.(type) {
	case *Turn:
		return h.addTurn(r)
	case *Attempt:
		return h.addAttempt(r)
	case *Outcome:
		return h.addOutcome(r)
	case *Signal:
		h.Signals = append(h.Signals, r)
		return nil
	case *Control:
		return h.addControl(r)
	case *Ended:
		return h.addEnded(r)
	}
	return fmt.Errorf("%w: no history has a %s record", ErrDamaged, r.kind())
}

func (h *History) start(s *Started) {
	h.Started, h.Revision = s, s.Revision
	h.calls = map[uint64]*state{}
	h.reborn = map[uint64]uint64{}
	h.taken = map[string]int{}
	h.reseeds = []Seed{{Key: s.Seed, Run: cmp.Or(s.As, s.Run)}}
}

func (h *History) addEnded(r *Ended) error {
	if h.Ended != nil {
		return fmt.Errorf("%w: the run ends twice", ErrDamaged)
	}
	h.Ended = r
	h.lifted = append(h.lifted, h.Len)
	return nil
}

// issuedCall returns the call in force that a record is about.
func (h *History) issuedCall(r Record, id uint64) (*state, error) {
	if s := h.calls[id]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w: %s of call %d, which no turn has issued", ErrDamaged, r.kind(), id)
}

func (h *History) addAttempt(r *Attempt) error {
	s, err := h.issuedCall(r, r.Call)
	if err != nil {
		return err
	}
	s.records = append(s.records, h.Len)
	s.begun = max(s.begun, r.N)
	s.trying = !r.Failed
	s.retryAt = r.RetryAt
	if r.Failed {
		s.failed++
	}
	return nil
}

func (h *History) addOutcome(r *Outcome) error {
	s, err := h.issuedCall(r, r.Call)
	if err != nil {
		return err
	}
	if s.fact == nil && !r.Late {
		name, err := takenName(s.call, r)
		if err != nil {
			return err
		}
		h.countTaken(name, 1)
		s.fact, s.factAt, s.trying = r, h.Len, false
		if s.aborted == 0 {
			s.inPending = true
			h.pending = append(h.pending, s)
		}
	}
	s.records = append(s.records, h.Len)
	return nil
}
