// What the server says to a worker: which revisions there are, and which runs
// begin. What is the same for all runs of a revision is said once, under a number.

package worker

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"reprise/runtime/call"
	"reprise/runtime/call/wire"
)

func appendRevision(b []byte, x *Revision) []byte {
	b = append(b, wire.Flags(x.Fresh))
	b = wire.AppendText(b, x.ID)
	b = wire.AppendText(b, x.Script)
	b = wire.AppendText(b, x.Code)
	b = wire.AppendText(b, x.Map)
	return appendBudget(b, &x.Budget)
}

func parseRevision(b []byte) (Revision, error) {
	r := newReader(b)
	x := Revision{Fresh: r.Flag(), ID: r.Text(), Script: r.Text(), Code: r.Bytes(), Map: r.Bytes(), Budget: r.budget()}
	if err := r.End(); err != nil {
		return Revision{}, fmt.Errorf("the message about a revision can not be read: %w", err)
	}
	return x, nil
}

func appendBudget(b []byte, x *Budget) []byte {
	b = wire.AppendNumber(b, max(x.TurnCPU, 0))
	b = wire.AppendNumber(b, max(x.RunCPU, 0))
	b = wire.AppendNumber(b, max(x.Used, 0))
	b = appendInt(b, x.CallDepth)
	return wire.AppendNumber(b, max(x.Result, 0))
}

func (r *reader) budget() Budget {
	return Budget{TurnCPU: r.Duration(), RunCPU: r.Duration(), Used: r.Duration(), CallDepth: r.int(), Result: r.Integer(math.MaxInt64)}
}

// setting is what the starts of a revision's runs have in common.
type setting struct {
	// Number is what starts call it by, on this pipe.
	Number           uint64
	Script, Revision string
	Env              []byte
	Connections      []string
	Secrets          []string
}

func appendSetting(b []byte, x *setting) []byte {
	b = wire.AppendNumber(b, x.Number)
	b = wire.AppendText(b, x.Script)
	b = wire.AppendText(b, x.Revision)
	b = wire.AppendText(b, x.Env)
	b = wire.AppendTexts(b, x.Connections)
	return wire.AppendTexts(b, x.Secrets)
}

func parseSetting(b []byte) (setting, error) {
	r := newReader(b)
	x := setting{
		Number: uint64(r.Integer(maxSettings - 1)), Script: r.Text(), Revision: r.Text(),
		Env: r.Bytes(), Connections: r.Texts(), Secrets: r.Texts(),
	}
	if err := r.End(); err != nil {
		return setting{}, fmt.Errorf("the setting of a revision can not be read: %w", err)
	}
	return x, nil
}

// isOf reports whether the setting is that of a start.
func (x *setting) isOf(s *Start) bool {
	return x.Revision == s.Revision && x.Script == s.Script && bytes.Equal(x.Env, s.Env) &&
		slices.Equal(x.Connections, s.Connections) && slices.Equal(x.Secrets, s.Secrets)
}

// maxSettings is how many settings an end remembers. Revisions with runs that
// begin are few, and there is rarely more than one setting of each.
const maxSettings = 256

// settings are what an end of a pipe knows of the settings that were said on it.
// The zero value knows none. They are guarded by what keeps the pipe's messages
// in order: a start that says a number comes after the setting, and before
// another one takes the number.
type settings struct {
	list   []setting      // by number
	oldest uint64         // the number that is given away next, once the list is full
	number map[string]int // by revision, of the setting it had last; the server's end only
}

// say returns the setting of a start. fresh says that the worker does not know
// it: it has to be told before the start is.
func (s *settings) say(x *Start) (known *setting, fresh bool) {
	if n, ok := s.number[x.Revision]; ok && s.list[n].isOf(x) {
		return &s.list[n], false
	}
	n := s.free()
	s.list[n] = setting{
		Number: uint64(n), Script: x.Script, Revision: x.Revision, Env: x.Env, Connections: x.Connections, Secrets: x.Secrets,
	}
	if s.number == nil {
		s.number = map[string]int{}
	}
	s.number[x.Revision] = n
	return &s.list[n], true
}

// free makes a place in the list, if need be that of the oldest setting.
func (s *settings) free() int {
	if len(s.list) < maxSettings {
		s.list = append(s.list, setting{})
		return len(s.list) - 1
	}
	n := int(s.oldest)
	s.oldest = (s.oldest + 1) % maxSettings
	if old := s.list[n].Revision; s.number[old] == n {
		delete(s.number, old)
	}
	return n
}

// learn remembers a setting that the server said.
func (s *settings) learn(x setting) error {
	if x.Number > uint64(len(s.list)) || x.Number >= maxSettings {
		return fmt.Errorf("the setting %d was said after %d others", x.Number, len(s.list))
	}
	if x.Number == uint64(len(s.list)) {
		s.list = append(s.list, x)
	}
	s.list[x.Number] = x
	return nil
}

// The flags of a start.
const (
	startDurable = iota
	startHolds
	startRequest
	startFlags
)

// appendStart writes a start without what its setting has.
func appendStart(b []byte, x *Start, number uint64) []byte {
	b = append(b, wire.Flags(x.Durable, x.HoldFailure, x.Request != nil))
	b = wire.AppendNumber(b, number)
	b = wire.AppendText(b, x.Run)
	b = wire.AppendText(b, x.Handler)
	b = wire.AppendText(b, x.Input)
	b = wire.AppendTime(b, x.Now)
	b = append(b, x.Seed[:]...)
	b = wire.AppendText(b, x.SecretKey)
	b = appendBudget(b, &x.Budget)
	if x.Request == nil {
		return b
	}
	return appendRequest(b, x.Request)
}

// parseStart reads what appendStart wrote, with what its setting has.
func parseStart(b []byte, known *settings) (Start, error) {
	r := newReader(b)
	f := r.Flags(startFlags)
	x := Start{Durable: wire.On(f, startDurable), HoldFailure: wire.On(f, startHolds)}
	number := r.Number()
	x.Run, x.Handler, x.Input = r.Text(), Handler(r.Text()), r.Bytes()
	x.Now, x.Seed, x.SecretKey = r.Time(), r.Key(), r.Bytes()
	x.Budget = r.budget()
	if wire.On(f, startRequest) {
		x.Request = r.request()
	}
	if r.Err() == nil && number >= uint64(len(known.list)) {
		r.Failf("nobody said what the setting %d is", number)
	}
	if err := r.End(); err != nil {
		return Start{}, fmt.Errorf("the start of a run can not be read: %w", err)
	}
	s := &known.list[number]
	x.Script, x.Revision, x.Env, x.Connections, x.Secrets = s.Script, s.Revision, s.Env, s.Connections, s.Secrets
	return x, nil
}

func appendRequest(b []byte, x *Request) []byte {
	b = wire.AppendText(b, x.Method)
	b = wire.AppendText(b, x.URL)
	b = appendHeaders(b, x.Headers)
	b = appendHeaders(b, x.Params)
	b = appendInt(b, x.Depth)
	return call.AppendBody(b, x.Body)
}

func (r *reader) request() *Request {
	return &Request{
		Method: r.Text(), URL: r.Text(), Headers: r.headers(), Params: r.headers(), Depth: r.int(),
		Body: call.ReadBody(&r.Reader),
	}
}
