package runtime

import (
	"context"

	"reprise/runtime/call"
	"reprise/store"
)

// Binding is the host side of a module: what performs its calls. It knows
// nothing of journals, retries of runs or replay.
type Binding interface {
	// Kinds lists the kinds of calls it performs, and how.
	Kinds() map[string]call.Shape
}

// Doer performs ShapeDo calls. Do returns when the outcome is known or ctx is
// done; it never panics on any argument bytes.
type Doer interface {
	Do(ctx context.Context, p *call.Performance) call.Outcome
}

// Committer performs ShapeCommit calls: it says what to write, the engine
// writes it together with what it has to record, exactly once.
type Committer interface {
	// Commit translates a call. A refusal is an error, and nothing is written.
	Commit(p *call.Performance) (store.Commit, *call.Error)
	// Committed makes the outcome of the store's answer; err is nil, a
	// *store.CheckError, or another error of the store.
	Committed(p *call.Performance, done store.Committed, err error) call.Outcome
}
