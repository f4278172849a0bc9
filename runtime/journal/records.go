package journal

import (
	"time"

	"reprise/runtime/call"
)

// Record is one entry of a journal: *Started, *Turn, *Attempt, *Outcome,
// *Signal, *Control or *Ended.
type Record interface{ kind() kind }

// Payload is a run of bytes: inline, or where there are many, by the hash
// under which they are kept once.
type Payload struct {
	Inline []byte
	Hash   Hash  // zero when inline
	Size   int64 // in bytes, wherever they are
}

// Hash is the SHA-256 of what it names; the zero Hash names nothing.
type Hash [32]byte

// Body is call.Body with its bytes as a payload.
type Body struct {
	Present bool
	// Held says that the script gets a handle and not the bytes. It is a fact
	// of the record: today's threshold does not change what a replay delivers.
	Held bool
	Payload
}

// Started is the first record: all that a run begins with.
type Started struct {
	Run      string
	Script   string
	File     string // the script's main source; positions in it are written short
	Revision string
	Handler  string
	// Engine is the number of the VM side that ran it first.
	Engine uint64
	// Input is JSON text; empty means undefined.
	Input Payload
	// Env, Connections and Secrets are what the script saw in env and could
	// name; they stay the same however long the run lasts.
	Env         []byte
	Connections []string
	Secrets     []string
	// Seed keys the run's randomness and its secret tokens.
	Seed [32]byte
	At   time.Time
	// Parent and ParentCall are set for a run that another one started.
	Parent     string
	ParentCall uint64
	// Fork and ForkTurn are set for a fork: its turns below ForkTurn are copies.
	Fork     string
	ForkTurn uint64
	// As is the id that the script saw as its own in those turns, where it is
	// another one than Run.
	As string
}

// Cause says what made a turn.
type Cause uint8

// The causes.
const (
	ByBegin   Cause = iota // the handler was called
	ByOutcome              // an outcome was delivered
	ByUnwind               // a held failure was let go: undo what was done
)

// Turn is what the script did with one delivery.
type Turn struct {
	N       uint64
	Cause   Cause
	Outcome uint64 // the call whose outcome was delivered, with ByOutcome
	At      time.Time
	CPU     time.Duration
	Calls   []Call
	Aborts  []uint64
	// Failed says that the handler failed in this turn; Held that the run
	// stopped there, before its undos; Unwinding that undos have begun.
	Failed, Held, Unwinding bool
}

// Call is a call as it is recorded. ID, Pos and Scope are as in call.Call.
type Call struct {
	ID     uint64
	Kind   string
	Target string
	Class  call.Class
	Args   Payload
	Body   Body
	Pos    call.Position
	Scope  string
}

// Attempt is a try of a call: that it begins (written before a write is
// performed), or that it failed and another one follows.
type Attempt struct {
	Call uint64
	N    int // from 1
	At   time.Time
	// Failed is set in the second form, and so is the rest.
	Failed  bool
	Status  int
	Err     *call.Error
	Took    time.Duration
	Bytes   int64
	RetryAt time.Time // when the next try is due
	Reason  string
}

// Outcome is what came back from a call: a fact from the moment it is written.
type Outcome struct {
	Call  uint64
	At    time.Time
	Value Payload // JSON text; empty means undefined
	Body  Body
	Err   *call.Error
	// Late says that the call had an answer already; this one is not delivered.
	Late bool
}

// Signal is something that reached the run from outside, kept until a waitFor
// of its name takes it.
type Signal struct {
	Name  string
	Value Payload // JSON text; empty means undefined
	At    time.Time
	From  string // the run that sent it, or empty
}

// Op is what a Control asks for.
type Op string

// The ops.
const (
	OpCancel  Op = "cancel"  // open calls fail, the script cleans up
	OpKill    Op = "kill"    // the run ends without cleaning up
	OpPause   Op = "pause"   // nothing is delivered any more; Reason says why
	OpResume  Op = "resume"  // goes on; Void lists calls in doubt to be performed again
	OpRetry   Op = "retry"   // turns from Turn on are void, and so are the outcomes of Void
	OpUpgrade Op = "upgrade" // from here the run executes Revision
	OpReseed  Op = "reseed"  // draws after this point come from Seed: a fork
)

// Control is something that was done to the run from outside.
type Control struct {
	Op     Op
	At     time.Time
	Reason string
	// Turn is the first turn that a retry voids. Other ops may use it to say at
	// which turn they found the run.
	Turn uint64
	// Void are calls whose outcomes a retry voids although the calls stay; for
	// OpResume, the calls in doubt that are performed again.
	Void     []uint64
	Revision string
	// Seed and Run are what a fork draws from and is called from here on.
	Seed [32]byte
	Run  string
}

// Ended is the last record, unless a retry follows.
type Ended struct {
	At     time.Time
	Status string // succeeded, failed or cancelled
	Reason string
	Output Payload // JSON text; empty means undefined
	Err    *call.Error
	// Dropped are calls that were open and are not awaited.
	Dropped []uint64
	// Successor is the run that goes on after continueAs.
	Successor string
}

// kind is the record's type in its binary form. Numbers are never reused.
type kind uint8

const (
	kindStarted kind = iota + 1
	kindTurn
	kindAttempt
	kindOutcome
	kindSignal
	kindControl
	kindEnded
	kindSpilled // a record that is too large is kept like a payload; this names it
)

func (*Started) kind() kind { return kindStarted }
func (*Turn) kind() kind    { return kindTurn }
func (*Attempt) kind() kind { return kindAttempt }
func (*Outcome) kind() kind { return kindOutcome }
func (*Signal) kind() kind  { return kindSignal }
func (*Control) kind() kind { return kindControl }
func (*Ended) kind() kind   { return kindEnded }
