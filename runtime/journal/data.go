// The records as JSON, for the API. Names are part of its contract.

package journal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"time"
	"unicode/utf8"

	"reprise/runtime/call"
)

// dataInline is the most that a payload is shown whole, in bytes.
const dataInline = 4 << 10

type startedData struct {
	Run         string   `json:"run"`
	Script      string   `json:"script"`
	File        string   `json:"file,omitempty"`
	Revision    string   `json:"revision"`
	Handler     string   `json:"handler"`
	Engine      uint64   `json:"engine"`
	Input       any      `json:"input,omitempty"`
	Env         any      `json:"env,omitempty"`
	Connections []string `json:"connections,omitempty"`
	Secrets     []string `json:"secrets,omitempty"`
	Parent      string   `json:"parent,omitempty"`
	ParentCall  uint64   `json:"parentCall,omitempty"`
	Fork        string   `json:"fork,omitempty"`
	ForkTurn    uint64   `json:"forkTurn,omitempty"`
}

func startedOf(r *Started) any {
	return &startedData{
		r.Run, r.Script, r.File, r.Revision, r.Handler, r.Engine, valueOf(r.Input), valueOf(Inline(r.Env)),
		r.Connections, r.Secrets, r.Parent, r.ParentCall, r.Fork, r.ForkTurn,
	}
}

type turnData struct {
	Turn      uint64     `json:"turn"`
	Cause     string     `json:"cause"` // begin, outcome or undo
	Outcome   uint64     `json:"outcome,omitempty"`
	CPU       float64    `json:"cpuMs"`
	Calls     []callData `json:"calls,omitempty"`
	Aborts    []uint64   `json:"aborts,omitempty"`
	Failed    bool       `json:"failed,omitempty"`
	Held      bool       `json:"held,omitempty"`
	Unwinding bool       `json:"unwinding,omitempty"`
}

type callData struct {
	Call   uint64         `json:"call"`
	Kind   string         `json:"kind"`
	Target string         `json:"target,omitempty"`
	Class  string         `json:"class"`
	Args   any            `json:"args,omitempty"`
	Body   *bodyData      `json:"body,omitempty"`
	Src    *call.Position `json:"src,omitempty"`
	Step   string         `json:"step,omitempty"`
}

func turnOf(r *Turn) any {
	cause := [...]string{ByBegin: "begin", ByOutcome: "outcome", ByUnwind: "undo"}[min(r.Cause, ByUnwind)]
	d := &turnData{r.N, cause, r.Outcome, milliseconds(r.CPU), nil, r.Aborts, r.Failed, r.Held, r.Unwinding}
	for i := range r.Calls {
		c := &r.Calls[i]
		e := callData{c.ID, c.Kind, c.Target, c.Class.String(), valueOf(c.Args), bodyOf(c.Body), nil, c.Scope}
		if !c.Pos.IsZero() {
			e.Src = &c.Pos
		}
		d.Calls = append(d.Calls, e)
	}
	return d
}

type attemptData struct {
	Call    uint64      `json:"call"`
	Try     int         `json:"try"`
	Failed  bool        `json:"failed,omitempty"`
	Status  int         `json:"status,omitempty"`
	Error   *call.Error `json:"error,omitempty"`
	Took    float64     `json:"tookMs,omitempty"`
	Bytes   int64       `json:"bytes,omitempty"`
	RetryAt time.Time   `json:"retryAt,omitzero"`
	Reason  string      `json:"reason,omitempty"`
}

func attemptOf(r *Attempt) any {
	return &attemptData{r.Call, r.N, r.Failed, r.Status, safeError(r.Err), milliseconds(r.Took), r.Bytes, r.RetryAt, r.Reason}
}

type outcomeData struct {
	Call  uint64      `json:"call"`
	Value any         `json:"value,omitempty"`
	Body  *bodyData   `json:"body,omitempty"`
	Error *call.Error `json:"error,omitempty"`
	Late  bool        `json:"late,omitempty"`
}

func outcomeOf(r *Outcome) any {
	return &outcomeData{r.Call, valueOf(r.Value), bodyOf(r.Body), safeError(r.Err), r.Late}
}

type signalData struct {
	Name  string `json:"name"`
	Value any    `json:"value,omitempty"`
	From  string `json:"from,omitempty"`
}

func signalOf(r *Signal) any { return &signalData{r.Name, valueOf(r.Value), r.From} }

type controlData struct {
	Op       Op       `json:"op"`
	Reason   string   `json:"reason,omitempty"`
	Turn     uint64   `json:"turn,omitempty"`
	Calls    []uint64 `json:"calls,omitempty"`
	Revision string   `json:"revision,omitempty"`
}

func controlOf(r *Control) any {
	return &controlData{r.Op, r.Reason, r.Turn, r.Void, r.Revision}
}

type endedData struct {
	Status    string      `json:"status"`
	Reason    string      `json:"reason,omitempty"`
	Output    any         `json:"output,omitempty"`
	Error     *call.Error `json:"error,omitempty"`
	Dropped   []uint64    `json:"dropped,omitempty"`
	Successor string      `json:"successor,omitempty"`
}

func endedOf(r *Ended) any {
	return &endedData{r.Status, r.Reason, valueOf(r.Output), safeError(r.Err), r.Dropped, r.Successor}
}

// bytesData stands for bytes that are not shown as the JSON they are.
type bytesData struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"` // they are long
	Base64 string `json:"base64,omitempty"` // they are no text
	Text   string `json:"text,omitempty"`
}

// bodyData is a body; exactly one of the ways to show its bytes is set, none
// when it is empty.
type bodyData struct {
	Held bool            `json:"held,omitempty"`
	JSON json.RawMessage `json:"json,omitempty"`
	bytesData
}

// valueOf is a payload that should be JSON.
func valueOf(p Payload) any {
	switch {
	case !p.IsKept() && len(p.Inline) == 0:
		return nil
	case isShortJSON(p):
		return json.RawMessage(p.Inline)
	}
	return shown(p)
}

func bodyOf(b Body) *bodyData {
	switch {
	case !b.Present:
		return nil
	case isShortJSON(b.Payload):
		return &bodyData{Held: b.Held, JSON: b.Inline, bytesData: bytesData{Size: int64(len(b.Inline))}}
	}
	return &bodyData{Held: b.Held, bytesData: shown(b.Payload)}
}

func isShortJSON(p Payload) bool {
	return !p.IsKept() && len(p.Inline) <= dataInline && json.Valid(p.Inline)
}

func shown(p Payload) bytesData {
	switch {
	case p.IsKept():
		return bytesData{Size: p.Size, SHA256: p.Hash.String()}
	case len(p.Inline) > dataInline:
		return bytesData{Size: int64(len(p.Inline)), SHA256: HashOf(p.Inline).String()}
	case utf8.Valid(p.Inline) && !bytes.ContainsRune(p.Inline, 0):
		return bytesData{Size: int64(len(p.Inline)), Text: string(p.Inline)}
	}
	return bytesData{Size: int64(len(p.Inline)), Base64: base64.StdEncoding.EncodeToString(p.Inline)}
}

// safeError leaves out data that is no JSON, which no reader could take.
func safeError(e *call.Error) *call.Error {
	if e == nil {
		return nil
	}
	c := *e
	if !json.Valid(c.Data) {
		c.Data = nil
	}
	c.Cause = safeError(e.Cause)
	return &c
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
