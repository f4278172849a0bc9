// What a config says about durable runs.

package script

import "time"

// The bounds of flow control.
const (
	// MaxConcurrency is the largest limit of runs at once. More is no limit.
	MaxConcurrency = 10_000
	// MaxRate is the most runs that a rate may let begin in its time: each
	// start is remembered for so long.
	MaxRate = 100_000
	// MaxRatePer is the longest time of a rate.
	MaxRatePer = 31 * 24 * time.Hour
)

// Concurrency limits how many runs of a script are under way at once. Others
// wait, first in first out. A place is held until the run has ended, all its
// waiting included.
type Concurrency struct {
	// Limit is how many.
	Limit int `json:"limit"`
	// Key is a dotted path into the input ("input.orderId"): each value found
	// there has the limit for itself. Empty: the script has it as a whole.
	Key string `json:"key,omitempty"`
}

// Rate limits how many runs of a script begin in a time. Others wait, first in
// first out.
type Rate struct {
	// Limit is how many.
	Limit int `json:"limit"`
	// Per is the time.
	Per Duration `json:"per"`
	// Key is as in Concurrency.
	Key string `json:"key,omitempty"`
}

// OnFailure says what becomes of a run whose handler throws.
type OnFailure string

// What a failure does. The empty one is fail.
const (
	OnFailureFail  OnFailure = "fail"  // undo, then the run ends as failed
	OnFailurePause OnFailure = "pause" // the run stops before undo, and somebody decides
)

// Durability says when a run waits for the disk.
type Durability string

// The durabilities. The empty one is gated.
const (
	DurabilityGated  Durability = "gated"  // before whatever can be seen from outside
	DurabilityStrict Durability = "strict" // at every step
)
