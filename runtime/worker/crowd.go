package worker

import (
	"encoding/json"
	"sync"

	"reprise/runtime/call"
)

const (
	// maxScriptTurns is how many turns of one script may wait or execute before
	// further requests to it are refused. At 1 ms a turn, the last one waits for a
	// second.
	maxScriptTurns = 1000
	// maxTurns is the same for all scripts together.
	maxTurns = 8000
)

// crowd counts the turns that wait or execute, and refuses requests beyond a
// number, before they take memory. What has begun is never refused. It is safe
// for concurrent use; the zero value is empty.
type crowd struct {
	mu  sync.Mutex
	all int            // guarded by mu
	of  map[string]int // by script; guarded by mu
}

// enter counts a turn of a script, which with first may be refused: nothing of
// it has begun. Every enter that succeeds needs a leave.
func (c *crowd) enter(script string, first bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first && c.of[script] >= maxScriptTurns {
		return call.Errorf(call.CodeUnavailable, "the script %s is busy: %d of its turns wait to be executed; try again in a second", script, maxScriptTurns).
			WithData(Crowd{Limit: crowded, Allowed: maxScriptTurns, Script: script})
	}
	if first && c.all >= maxTurns {
		return call.Errorf(call.CodeUnavailable, "the server is busy: %d turns wait to be executed; try again in a second", maxTurns).
			WithData(Crowd{Limit: crowded, Allowed: maxTurns})
	}
	if c.of == nil {
		c.of = map[string]int{}
	}
	c.all++
	c.of[script]++
	return nil
}

// errFull refuses a request because no process has room for its VM.
func errFull() error {
	return call.Errorf(call.CodeUnavailable, "the server is busy: its worker processes have no room for another run; try again in a second").
		WithData(Crowd{Limit: crowded})
}

func (c *crowd) leave(script string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.of[script]--; c.of[script] == 0 {
		delete(c.of, script)
	}
}

// Crowd is the data of an error that refuses a request because too many wait.
type Crowd struct {
	Limit   string `json:"limit"` // crowded
	Allowed int    `json:"allowed"`
	Script  string `json:"script,omitempty"` // empty when it is the server that is busy
}

const crowded = "turns waiting"

// CrowdOf returns the data of an error that is such a refusal.
func CrowdOf(err *call.Error) (c Crowd, ok bool) {
	ok = err.Code == string(call.CodeUnavailable) && json.Unmarshal(err.Data, &c) == nil && c.Limit == crowded
	return c, ok
}
