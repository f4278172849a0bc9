package logs

import (
	"encoding/json"
	"fmt"
	"time"

	"reprise/runtime/call"
)

// Level is how loud an entry is.
type Level uint8

// The levels, from quiet to loud.
const (
	Debug Level = iota
	Info
	Warn
	Error
)

var levelNames = [...]string{"debug", "info", "warn", "error"}

// String returns the level's name.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return fmt.Sprintf("level(%d)", uint8(l))
}

// ParseLevel reads a level's name.
func ParseLevel(s string) (Level, bool) {
	for i, n := range levelNames {
		if n == s {
			return Level(i), true
		}
	}
	return 0, false
}

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(b []byte) error {
	v, ok := ParseLevel(string(b))
	if !ok {
		return fmt.Errorf("logs: unknown level %q", b)
	}
	*l = v
	return nil
}

// Kind says what an entry is about.
type Kind string

// The kinds.
const (
	KindConsole Kind = "console" // what a script prints
	KindHTTP    Kind = "http"    // a call to an API
	KindRequest Kind = "request" // a request that a fetch handler answered
	KindRun     Kind = "run"     // a run's start and end
	KindRetry   Kind = "retry"   // an attempt failed and another will be made
	KindStep    Kind = "step"    // a step's start, end, undo
	KindKV      Kind = "kv"      // a key-value call (at level debug)
	KindReload  Kind = "reload"  // a script was loaded, failed to load, was removed
	KindServer  Kind = "server"  // the server itself
)

// Entry is one record of the stream: the one schema used on disk, over the
// websocket, in the API and on the terminal.
type Entry struct {
	Seq      uint64          `json:"seq"`
	Time     time.Time       `json:"ts"`
	Level    Level           `json:"level"`
	Kind     Kind            `json:"kind"`
	Script   string          `json:"script,omitempty"`
	Revision string          `json:"revision,omitempty"`
	Run      string          `json:"run,omitempty"`
	Turn     uint64          `json:"turn,omitempty"`
	Msg      string          `json:"msg"`
	Fields   json.RawMessage `json:"fields,omitempty"` // a JSON object
	Src      *call.Position  `json:"src,omitempty"`
}
