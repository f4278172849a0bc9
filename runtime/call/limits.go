// What one script may use: its limits, in one table with their defaults and
// reasons. A script asks for some in config.limits; the server's setting of the
// same name is the most that it can get (docs/reference/limits.md).

package call

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Limits are what one script may use. A field that is zero is one that nobody
// has set: Under fills in the defaults.
type Limits struct {
	// TurnCPU is how long one turn may execute, RunCPU all turns of a run.
	TurnCPU, RunCPU time.Duration
	// CallsInFlight is how many calls of a run are performed at once; more wait.
	CallsInFlight int64
	// Calls is how many calls a run may make.
	Calls int64
	// CallDepth is how deep the JavaScript call stack may be.
	CallDepth int64
	// Body is the largest body that is held in memory, in bytes: of a request to
	// the script, and of either side of a call.
	Body int64
	// Result is the largest result of a run, or answer that the script made
	// itself, in bytes.
	Result int64
	// KVValue is the largest encoded value of the key-value store, in bytes.
	KVValue int64
	// LogRate is how many lines the script may print in a second.
	LogRate int64
	// Source is how large the script may be with everything it imports, in bytes.
	Source int64
}

// Unit says how a limit is written.
type Unit uint8

// The units of limits.
const (
	UnitCount Unit = iota // a whole number
	UnitTime              // "30s"; the value is in nanoseconds
	UnitBytes             // "32MiB"
)

// Limit is one of the limits that a script and a server can set.
type Limit struct {
	// Name is the key in config.limits and in reprise.yaml.
	Name string
	Unit Unit
	// Default is what a script has that asks for nothing, and the most that a
	// server allows that is told nothing.
	Default int64
	// Least and Most are what a setting can be.
	Least, Most int64
	// What says, for people, what is limited.
	What string

	field func(*Limits) *int64
}

// limits is the table. docs/reference/limits.md has the same one.
var limits = []Limit{
	{
		// One script must not starve the others. Above a minute it would.
		Name: "turnCpu", Unit: UnitTime, Default: int64(time.Second), Least: int64(10 * time.Millisecond), Most: int64(time.Minute),
		What: "CPU time of a turn", field: func(l *Limits) *int64 { return (*int64)(&l.TurnCPU) },
	},
	{
		// A run that waits for days uses less; one that computes belongs elsewhere.
		Name: "runCpu", Unit: UnitTime, Default: int64(30 * time.Second), Least: int64(10 * time.Millisecond), Most: int64(24 * time.Hour),
		What: "CPU time of a run", field: func(l *Limits) *int64 { return (*int64)(&l.RunCPU) },
	},
	{
		// One script must not take all connections.
		Name: "callsInFlight", Default: 64, Least: 1, Most: 10_000,
		What: "calls of a run performed at the same time; more wait", field: func(l *Limits) *int64 { return &l.CallsInFlight },
	},
	{
		// A run is replayed when it goes on: about 10 µs for every call.
		Name: "calls", Default: 100_000, Least: 10, Most: 10_000_000,
		What: "calls of a run", field: func(l *Limits) *int64 { return &l.Calls },
	},
	{
		// Unwinding is quadratic where natives are in between: 50 ms at 1,000
		// calls, 0.9 s at 4,000. The engine's own frames need some.
		Name: "callDepth", Default: 1000, Least: 50, Most: MaxCallDepth,
		What: "depth of the call stack", field: func(l *Limits) *int64 { return &l.CallDepth },
	},
	{
		// It is held in memory, as bytes and perhaps as text. A run keeps 256 MiB
		// of bodies.
		Name: "body", Unit: UnitBytes, Default: 32 << 20, Least: 1, Most: 256 << 20,
		What: "body of a request or an answer", field: func(l *Limits) *int64 { return &l.Body },
	},
	{
		// It crosses from the VM to the engine, and is kept with the run, in one piece.
		Name: "result", Unit: UnitBytes, Default: 8 << 20, Least: 1, Most: 64 << 20,
		What: "result of a run, or answer that the script made itself", field: func(l *Limits) *int64 { return &l.Result },
	},
	{
		// Every engine of the store keeps so much in one piece.
		Name: "kvValue", Unit: UnitBytes, Default: 1_000_000, Least: 1, Most: 1_000_000,
		What: "value of the key-value store", field: func(l *Limits) *int64 { return &l.KVValue },
	},
	{
		// What a person can not read, and what pushes out the lines of others.
		Name: "logRate", Default: 200, Least: 1, Most: 100_000,
		What: "lines a script prints in a second", field: func(l *Limits) *int64 { return &l.LogRate },
	},
	{
		// The compiled program takes about 13 times as much memory.
		Name: "source", Unit: UnitBytes, Default: 4 << 20, Least: 1 << 10, Most: 16 << 20,
		What: "sources of a script with everything it imports", field: func(l *Limits) *int64 { return &l.Source },
	},
}

// MaxCallDepth is the deepest call stack that any script can ask for.
const MaxCallDepth = 4000

// AllLimits returns the table of limits.
func AllLimits() []Limit { return slices.Clone(limits) }

// FindLimit returns the limit of a name.
func FindLimit(name string) (Limit, bool) {
	for _, l := range limits {
		if l.Name == name {
			return l, true
		}
	}
	return Limit{}, false
}

// Flag is the name of the server's flag: "limit-turn-cpu".
func (d Limit) Flag() string {
	var b strings.Builder
	b.WriteString("limit")
	for i, c := range d.Name {
		if i == 0 || unicode.IsUpper(c) && !unicode.IsUpper(rune(d.Name[i-1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// Of returns what a limit is in l; zero where it is not set.
func (d Limit) Of(l Limits) int64 { return *d.field(&l) }

// Set sets the limit in l.
func (d Limit) Set(l *Limits, value int64) { *d.field(l) = value }

// Parse reads a limit that is written as text, and checks that it is one that
// can be set. The error is a sentence.
func (d Limit) Parse(text string) (int64, error) {
	var n int64
	var err error
	switch d.Unit {
	case UnitTime:
		var t time.Duration
		t, err = ParseDuration(text)
		n = int64(t)
	case UnitBytes:
		n, err = ParseSize(text)
	default:
		if n, err = strconv.ParseInt(text, 10, 64); err != nil {
			err = fmt.Errorf("%q is not a whole number", text)
		}
	}
	if err != nil {
		return 0, err
	}
	return n, d.check(n)
}

// Number reads a limit that is written as a number: milliseconds, bytes, or how
// many.
func (d Limit) Number(f float64) (int64, error) {
	var n int64
	var err error
	switch d.Unit {
	case UnitTime:
		var t time.Duration
		t, err = MillisDuration(f)
		n = int64(t)
	case UnitBytes:
		n, err = NumberSize(f)
	default:
		if n = int64(f); float64(n) != f {
			err = fmt.Errorf("%v is not a whole number", f)
		}
	}
	if err != nil {
		return 0, err
	}
	return n, d.check(n)
}

func (d Limit) check(n int64) error {
	if n < d.Least || n > d.Most {
		return fmt.Errorf("it can be %s to %s, not %s", d.Format(d.Least), d.Format(d.Most), d.Format(n))
	}
	return nil
}

// Format writes a value of the limit as Parse reads it.
func (d Limit) Format(n int64) string {
	switch d.Unit {
	case UnitTime:
		return time.Duration(n).String()
	case UnitBytes:
		return FormatSize(n)
	}
	return strconv.FormatInt(n, 10)
}

// OrDefaults returns l with the defaults of what is not set.
func (l Limits) OrDefaults() Limits {
	for _, d := range limits {
		if d.Of(l) == 0 {
			d.Set(&l, d.Default)
		}
	}
	return l
}

// Under returns the limits that hold for a script that asks for l on a server
// that allows most: what is not set is the default, and nothing is above most.
func (l Limits) Under(most Limits) Limits {
	l, most = l.OrDefaults(), most.OrDefaults()
	for _, d := range limits {
		d.Set(&l, min(d.Of(l), d.Of(most)))
	}
	return l
}

// MarshalJSON writes the limits that are set, by their names: times as text,
// others as numbers.
func (l Limits) MarshalJSON() ([]byte, error) {
	out := map[string]any{}
	for _, d := range limits {
		switch n := d.Of(l); {
		case n == 0:
		case d.Unit == UnitTime:
			out[d.Name] = d.Format(n)
		default:
			out[d.Name] = n
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes. Limits it does not know are
// those of another version, and left out; so is what could not be set today.
func (l *Limits) UnmarshalJSON(b []byte) error {
	var in map[string]any
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*l = Limits{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		d, ok := FindLimit(name)
		if !ok {
			continue
		}
		var n int64
		var err error
		switch v := in[name].(type) {
		case string:
			n, err = d.Parse(v)
		case float64:
			n, err = d.Number(v)
		default:
			err = fmt.Errorf("it is no limit")
		}
		if err == nil {
			d.Set(l, n)
		}
	}
	return nil
}

// OverLimit is the ResourceError of a run that used more than a limit allows.
// The numbers are in the data, in the limit's own unit, times in milliseconds.
func OverLimit(limit string, used, allowed int64, format string, args ...any) *Error {
	return Errorf(CodeResource, format, args...).WithData(LimitData{Limit: limit, Used: used, Allowed: allowed})
}

// OverTurnCPU is the error of a turn that took longer than it may.
func OverTurnCPU(used, allowed time.Duration) *Error {
	return OverLimit("turnCpu", max(used, allowed).Milliseconds(), allowed.Milliseconds(),
		"a turn used more than %s of CPU time without waiting for a call or a timer; look for a loop that does not end, do less between two awaits, or raise config.limits.turnCpu", allowed)
}

// OverRunCPU is the error of a run whose turns took longer than they may.
func OverRunCPU(used, allowed time.Duration) *Error {
	return OverLimit("runCpu", max(used, allowed).Milliseconds(), allowed.Milliseconds(),
		"the run used more than %s of CPU time in all; do less in one run, or raise config.limits.runCpu", allowed)
}

// LimitData is the data of an error about a limit.
type LimitData struct {
	Limit   string `json:"limit"`
	Used    int64  `json:"used"`
	Allowed int64  `json:"allowed"`
}

// LimitOf returns which limit an error is about, or nothing.
func LimitOf(e *Error) string {
	var d LimitData
	if e == nil || json.Unmarshal(e.Data, &d) != nil {
		return ""
	}
	return d.Limit
}
