package runtime

import (
	"encoding/json"
	"time"

	"reprise/runtime/call"
)

// Status is where a run is in its life.
type Status string

// The statuses. Succeeded, Failed and Cancelled are final.
const (
	Queued    Status = "queued"
	Running   Status = "running"
	Waiting   Status = "waiting"
	Paused    Status = "paused"
	Diverged  Status = "diverged"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Ended reports whether the status is final.
func (s Status) Ended() bool { return s == Succeeded || s == Failed || s == Cancelled }

// StandsStill reports whether a run goes on only when somebody lets it.
func (s Status) StandsStill() bool { return s == Paused || s == Diverged }

// Run is one execution of a durable handler, as the API shows it.
type Run struct {
	ID        string          `json:"id"`
	Script    string          `json:"script"`
	Revision  string          `json:"revision"`
	Handler   string          `json:"handler"`
	Status    Status          `json:"status"`
	Input     json.RawMessage `json:"input,omitempty"`
	Output    json.RawMessage `json:"output,omitempty"`
	Error     *call.Error     `json:"error,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	CreatedAt time.Time       `json:"createdAt"`
	StartedAt *time.Time      `json:"startedAt,omitempty"`
	EndedAt   *time.Time      `json:"endedAt,omitempty"`

	// Undone says that steps were undone: such a run can be forked, not retried.
	Undone bool `json:"undone,omitempty"`
	// IdempotencyKey is what the run was started with.
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	// State is what the script last passed to publish.
	State json.RawMessage `json:"state,omitempty"`
	// Waits says what a waiting run waits for.
	Waits []Wait `json:"waits,omitempty"`
	// InDoubt lists the calls of a run paused in doubt.
	InDoubt []CallRef `json:"inDoubt,omitempty"`
	// Divergence is set while the run is diverged.
	Divergence *Divergence `json:"divergence,omitempty"`
	// Parent is the run that started this one; Attached says that it waits for
	// the result.
	Parent   string `json:"parent,omitempty"`
	Attached bool   `json:"attached,omitempty"`
	// ForkOf is the run that this one was forked from.
	ForkOf string `json:"forkOf,omitempty"`
	// Successor is the run that goes on after continueAs, Predecessor the
	// other direction.
	Successor   string `json:"successor,omitempty"`
	Predecessor string `json:"predecessor,omitempty"`
	// Tick is the time of the schedule that started the run.
	Tick *time.Time `json:"tick,omitempty"`
	// FlowKey is the key that concurrency or rate counts the run under.
	FlowKey string `json:"flowKey,omitempty"`
	// Webhook is set for a run that the delivery of a webhook started.
	Webhook *Webhook `json:"webhook,omitempty"`
}

// The reasons of Paused, in Run.Reason.
const (
	ReasonUser      = "user"
	ReasonInDoubt   = "in-doubt"
	ReasonFailure   = "failure"
	ReasonCrashLoop = "crash-loop"
	ReasonLimit     = "limit"
	ReasonDamaged   = "damaged" // its journal, or a payload, can not be read; Error says what
)

// Wait is one thing that a run waits for.
type Wait struct {
	Kind  string     `json:"kind"`           // "timer", "signal", "ask", "run" or "retry"
	Name  string     `json:"name,omitempty"` // of the signal; title of the ask; script of the run; target of the retried call
	Until *time.Time `json:"until,omitempty"`
	Run   string     `json:"run,omitempty"` // the child
	URL   string     `json:"url,omitempty"` // of the ask's form
	CallRef
}

// CallRef names a call of a run and the line that made it.
type CallRef struct {
	Call   uint64         `json:"call"`
	Target string         `json:"target"`
	Src    *call.Position `json:"src,omitempty"`
	Step   string         `json:"step,omitempty"`
}

// Divergence says where a replay did something other than the journal has.
type Divergence struct {
	Turn     uint64 `json:"turn"`
	Message  string `json:"message"` // a sentence
	Revision string `json:"revision"`
	// Expected is what the journal has, Got what the script did; either may be
	// missing where one did more than the other.
	Expected *CallDetail `json:"expected,omitempty"`
	Got      *CallDetail `json:"got,omitempty"`
}

// CallDetail is a call as a report shows it.
type CallDetail struct {
	CallRef
	Kind string          `json:"kind"`
	Args json.RawMessage `json:"args,omitempty"` // clipped when long
}

// StartRequest asks for a run.
type StartRequest struct {
	Script string
	Input  json.RawMessage // JSON text; empty means undefined
	// IdempotencyKey makes the start exactly-once per script: the same key
	// again returns the same run, and with another input CONFLICT_ERROR. Inputs
	// are compared as values: the order of keys and the spelling of numbers and
	// strings do not count.
	IdempotencyKey string
}

// SignalRequest sends a signal to a run.
type SignalRequest struct {
	Run   string
	Name  string
	Value json.RawMessage // JSON text; empty means undefined
	// IdempotencyKey makes the signal count once, however often it is sent.
	IdempotencyKey string
	// From is the run that sends it, if it is one.
	From string
}

// ResumeRequest lets a paused or diverged run go on.
type ResumeRequest struct {
	// InDoubt says what becomes of the calls in doubt: "retry" (the default)
	// performs them again, "fail" fails them with an IN_DOUBT_ERROR.
	InDoubt string
}

// RetryRequest rewinds a failed run to just before the outcome that failed it.
type RetryRequest struct {
	// Revision is the one to go on with: an id, "current", or empty for the
	// run's own.
	Revision string
}

// ForkRequest starts a new run that shares the turns before FromTurn.
type ForkRequest struct {
	FromTurn uint64 // 1 shares nothing but the input
	Revision string // an id, "current", or empty for the run's own
}

// CheckRequest replays a script's runs against a candidate.
type CheckRequest struct {
	Script string
	// Source is the candidate's source text; empty means the current revision.
	Source string
	// Finished is how many finished runs are replayed too; zero means 20.
	Finished int
}

// CheckReport says what a candidate would do to runs.
type CheckReport struct {
	Script   string     `json:"script"`
	Revision string     `json:"revision"` // of the candidate
	Same     int        `json:"same"`
	Diverge  int        `json:"diverge"`
	Runs     []CheckRun `json:"runs"`
}

// CheckRun is one run of a CheckReport.
type CheckRun struct {
	Run      string `json:"run"`
	Status   Status `json:"status"`
	Revision string `json:"revision"` // that it is pinned to
	Turns    int    `json:"turns"`
	// Result is "same", "diverges" or "failed" (it could not be replayed; Error
	// says why).
	Result     string      `json:"result"`
	Divergence *Divergence `json:"divergence,omitempty"`
	Error      *call.Error `json:"error,omitempty"`
}

// ReplayRequest plays a run again with nothing performed.
type ReplayRequest struct {
	Source string // of the candidate; empty means the run's own revision
}

// ReplayReport is what a replay did.
type ReplayReport struct {
	Run      string `json:"run"`
	Revision string `json:"revision"`
	Turns    int    `json:"turns"` // that were played
	// Result is "same", "diverges" or "open": it agreed to the end of the
	// journal, and the handler has not settled there.
	Result     string          `json:"result"`
	Divergence *Divergence     `json:"divergence,omitempty"`
	Output     json.RawMessage `json:"output,omitempty"`
	Error      *call.Error     `json:"error,omitempty"`
	Logs       []ReplayLine    `json:"logs"`
	Calls      []ReplayCall    `json:"calls"`
}

// ReplayLine is a line that the script printed during a replay.
type ReplayLine struct {
	Turn   uint64          `json:"turn"`
	Level  string          `json:"level"`
	Msg    string          `json:"msg"`
	Fields json.RawMessage `json:"fields,omitempty"`
	Src    *call.Position  `json:"src,omitempty"`
}

// ReplayCall is a call that the script made during a replay.
type ReplayCall struct {
	CallDetail
	Turn uint64 `json:"turn"` // that issued it
	// Answered is set when the journal has an outcome for it.
	Answered bool `json:"answered"`
}

// JournalRecord is one record of a journal as the API shows it.
type JournalRecord struct {
	Seq  uint64          `json:"seq"`
	Kind string          `json:"kind"`
	At   *time.Time      `json:"at,omitempty"`
	Text string          `json:"text"` // a line for people
	Data json.RawMessage `json:"data"`
	// Void says that a retry has taken it out of force.
	Void bool `json:"void,omitempty"`
}

// AskForm is a question to a human.
type AskForm struct {
	Run         string          `json:"run"`
	Script      string          `json:"script"`
	Call        uint64          `json:"call"`
	Title       string          `json:"title"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"` // JSON Schema of the answer
	Until       *time.Time      `json:"until,omitempty"`
	Answered    bool            `json:"answered"`
}

// ListQuery selects runs, newest first.
type ListQuery struct {
	Script string
	Status Status
	Limit  int    // 0 means 50, at most 500
	Cursor string // from the last page
}

// Stats counts what a script did since the server started.
type Stats struct {
	Requests     int64     `json:"requests"` // fetch requests and runs
	Failures     int64     `json:"failures"`
	Running      int64     `json:"running"`
	LastActivity time.Time `json:"lastActivity,omitzero"`
}
