package script

import (
	"errors"
	"fmt"
	"time"

	"reprise/runtime/call"
)

// Status is how a script stands.
type Status string

// The statuses.
const (
	Live   Status = "live"   // the newest save serves
	Stale  Status = "stale"  // the newest save failed; an older revision serves
	Broken Status = "broken" // there is no revision that works
)

// State is a script as the registry has it.
type State struct {
	Script
	Status Status
	// Revision is the one that serves; nil for a broken script.
	Revision *Revision
	// LoadedAt is when Revision began to serve; in the process before, if the
	// newest save has not loaded since.
	LoadedAt time.Time
	// Err is why the newest save does not serve; nil for a live script.
	Err error
	// FailedAt is when Err was found.
	FailedAt time.Time
}

// Failure is an error of loading as the API shows it.
type Failure struct {
	Name     string         `json:"name"`
	Code     string         `json:"code"`
	Message  string         `json:"message"`
	Src      *call.Position `json:"src,omitempty"`
	Frame    string         `json:"frame,omitempty"`
	Stack    string         `json:"stack,omitempty"`
	Problems []Problem      `json:"problems,omitempty"` // all of them, when there are several
}

// Failure returns the state's error, or nil for a live script.
func (s *State) Failure() *Failure {
	if s.Err == nil {
		return nil
	}
	e := call.From(s.Err)
	f := &Failure{Name: e.Name, Code: e.Code, Message: e.Message, Stack: e.Stack}
	var b *BuildError
	if !errors.As(s.Err, &b) {
		if pos := e.Position(); !pos.IsZero() {
			f.Src = &pos
		}
		return f
	}
	f.Message, f.Frame = b.Message, b.Frame
	if !b.Pos.IsZero() {
		f.Src = &b.Pos
	}
	if len(b.Others) > 0 || len(b.Notes) > 0 {
		f.Problems = b.Problems()
	}
	return f
}

// EventKind says what happened to a script.
type EventKind string

// The kinds of events.
const (
	EventLoaded    EventKind = "loaded"    // a script serves for the first time
	EventUpdated   EventKind = "updated"   // a newer revision serves
	EventFailed    EventKind = "failed"    // the newest save does not load
	EventRecovered EventKind = "recovered" // it loads again
	EventRemoved   EventKind = "removed"   // its file is gone
	EventWatching  EventKind = "watching"  // the registry watches the project from now on
)

// Event is one thing that happened, for the log.
type Event struct {
	Kind   EventKind
	Script string
	File   string
	// Revision is the one that serves after the event, if any.
	Revision *Revision
	// Previous is the id of the one that served before, if another.
	Previous string
	// Err is why a script failed.
	Err error
	// Since is set when a script failed at the start and Revision is the one that
	// served last in the process before: since when.
	Since time.Time
	// Unused says why that one can not serve, if there is one and it can not.
	Unused error
	// At is when the event happened.
	At time.Time
	// Took is the time from noticing the change until now, Check the part of it
	// that the engine took to evaluate the script.
	Took, Check time.Duration
	// Message is the event as a sentence.
	Message string
}

func (e Event) sentence() string {
	switch e.Kind {
	case EventFailed:
		if !e.Since.IsZero() {
			return fmt.Sprintf("%s: the file does not load; revision %s of %s, which served last, goes on serving", e.Script, e.Revision.ID, moment(e.Since))
		}
		if e.Revision != nil {
			return fmt.Sprintf("%s: the newest save does not load; revision %s keeps serving", e.Script, e.Revision.ID)
		}
		return e.Script + " does not load"
	case EventRemoved:
		return e.Script + " was removed"
	}
	return fmt.Sprintf("%s %s: revision %s after %s", e.Script, e.Kind, e.Revision.ID, e.Took.Round(time.Millisecond))
}
