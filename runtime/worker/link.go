// What is said on the pipe between the server and a worker process. A job is
// one revision being loaded or one run; the server numbers them, and asks for
// one thing of a job at a time, so that an answer needs no other name.

package worker

import (
	"errors"

	"reprise/runtime/call"
	"reprise/runtime/call/wire"
)

// The frames from the server to a worker: a job's number, then what is said.
const (
	frameSetup   byte = iota + 1 // setup; the first frame
	frameLoad                    // a revision; answered by frameLoaded
	frameForget                  // the id of a revision, in place of a number
	frameSetting                 // what the starts of a revision have in common, in place of a number
	frameBegin                   // a start; answered by frameTurn
	frameDeliver                 // times and outcomes; answered by frameTurn
	frameUnwind                  // a time; answered by frameTurn
	frameReseed                  // a key of 32 bytes and a run's id
	frameLimit                   // a budget
	frameEnd                     // 1 when the run succeeded, else 0
)

// The frames from a worker to the server.
const (
	frameReady  byte = iota + 101 // what the worker gave up; the first frame
	frameLoaded                   // handlers, or an error
	frameTurn                     // turns, or an error about the revision
	frameLine                     // a line the script printed
	frameBeat                     // a sign of life: how many bytes of the heap are in use
)

// errRubbish says that what came over the pipe is not what was agreed on.
var errRubbish = errors.New("worker: a damaged frame")

// about begins a frame about a job.
func about(job uint64) []byte { return wire.AppendNumber(make([]byte, 0, 16), job) }

// answered is an answer that has come: the frame's kind, and what follows the
// job's number.
type answered struct {
	kind byte
	b    []byte
}

// appendTurns writes the answer to what has turns executed: those turns, or an
// error about the revision.
func appendTurns(b []byte, turns []Turn, err error) []byte {
	b = append(b, wire.Flags(err != nil))
	if err != nil {
		return call.AppendError(b, call.From(err))
	}
	b = wire.AppendNumber(b, len(turns))
	for i := range turns {
		b = wire.AppendText(b, appendTurn(nil, &turns[i]))
	}
	return b
}

// leastTurn is fewer bytes than a turn takes.
const leastTurn = 8

func parseTurns(b []byte) (turns []Turn, refused *call.Error, err error) {
	r := newReader(b)
	if r.Flag() {
		refused = r.failure()
		return nil, refused, r.End()
	}
	n := r.Count(leastTurn)
	turns = make([]Turn, 0, n)
	for range n {
		t, err := parseTurn(r.Bytes())
		if err != nil {
			return nil, nil, err
		}
		turns = append(turns, t)
	}
	return turns, nil, r.End()
}

// appendDeliveries and parseDeliveries carry outcomes to a worker.
func appendDeliveries(b []byte, list []Delivery) []byte {
	b = wire.AppendNumber(b, len(list))
	for i := range list {
		b = wire.AppendTime(b, list[i].At)
		b = wire.AppendText(b, list[i].Outcome.Append(nil))
	}
	return b
}

func parseDeliveries(r *reader) ([]Delivery, error) {
	list := make([]Delivery, r.Count(leastTurn))
	for i := range list {
		list[i].At = r.Time()
		o, err := call.ParseOutcome(r.Bytes())
		if err != nil {
			return nil, err
		}
		list[i].Outcome = o
	}
	return list, r.End()
}

// answerSize is about how much of several outcomes, or of several turns, crosses
// the pipe in one frame.
const answerSize = 1 << 20

// together is how many of the outcomes are sent in one frame, one at least.
func together(list []Delivery) (n int) {
	for size := 0; n < len(list) && size < answerSize; n++ {
		o := &list[n].Outcome
		size += len(o.Value) + len(o.Body.Inline)
	}
	return n
}

// turnSize is about how large a turn is that has no result: that is the last one.
func turnSize(t *Turn) (n int) {
	for i := range t.Calls {
		n += len(t.Calls[i].Args) + len(t.Calls[i].Body.Inline)
	}
	return n
}

// errTooLarge is the error of a run or a revision of which something can not
// cross the pipe.
func errTooLarge(what string, size, most int) *call.Error {
	return call.OverLimit("message", int64(size), int64(most),
		"%s takes %d bytes on its way between the server and its worker process, and %s are possible; handle what is large in pieces, or by reference", what, size, call.FormatSize(int64(most)))
}

// size is how long the parts of a frame are.
func size(parts [][]byte) (n int) {
	for _, p := range parts {
		n += len(p)
	}
	return n
}

// isOver reports whether a run ends with a turn, and the worker gives its VM back
// by itself.
func isOver(t *Turn) bool { return t.Done && t.Open == 0 }

// setup is what a worker process is told at its start, as JSON.
type setup struct {
	// Turns is how many turns it is given at a time.
	Turns int `json:"turns"`
	// Memory is what the process may take, in bytes.
	Memory int64 `json:"memory"`
	// RequireSandbox has it end where the kernel lacks something.
	RequireSandbox bool `json:"requireSandbox,omitempty"`
}
