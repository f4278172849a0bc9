package tail

import (
	"strconv"
	"time"

	"reprise/runtime/logs"
)

// Protocol is the version of the protocol that hello names.
const Protocol = 1

// Codes with which the server closes a socket, beside the standard ones.
const (
	// CloseUnauthorized: no token within five seconds, or a wrong one.
	CloseUnauthorized = 4401
)

// Codes of error frames.
const (
	CodeInvalidFilter = "INVALID_FILTER"
	CodeInvalidFrame  = "INVALID_FRAME"
	CodeNotSubscribed = "NOT_SUBSCRIBED"
	CodeStore         = "STORE_ERROR"
)

// FrameType says what a frame is.
type FrameType string

// What the server sends.
const (
	FrameHello FrameType = "hello"
	FrameBatch FrameType = "batch"
	FrameGap   FrameType = "gap"
	FramePing  FrameType = "ping"
	FrameError FrameType = "error"
)

// FrameDisconnected is made by the client: the connection broke, and will be
// made again after RetryIn.
const FrameDisconnected FrameType = "disconnected"

// Frame is a frame from the server. Which members are set depends on Type.
type Frame struct {
	Type FrameType `json:"type"`

	// hello
	Protocol int    `json:"protocol,omitempty"`
	Boot     string `json:"boot,omitempty"`
	Version  string `json:"version,omitempty"`
	Oldest   uint64 `json:"oldest,omitempty"`

	// hello, ping
	Seq  uint64    `json:"seq,omitempty"`
	Time time.Time `json:"ts,omitzero"`

	// batch, gap, error
	FilterID string       `json:"filterId,omitempty"`
	Entries  []logs.Entry `json:"entries,omitempty"`

	// gap
	From   uint64 `json:"from,omitempty"`
	To     uint64 `json:"to,omitempty"`
	Reason string `json:"reason,omitempty"`

	// error
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	Column  int    `json:"column,omitempty"`

	// disconnected
	Err     error         `json:"-"`
	RetryIn time.Duration `json:"-"`
}

// clientFrame is a frame from the client.
type clientFrame struct {
	Type     string       `json:"type"`
	Token    string       `json:"token,omitempty"`
	FilterID string       `json:"filterId,omitempty"`
	Filter   string       `json:"filter,omitempty"`
	Since    *logs.Cursor `json:"since,omitempty"`
	Tail     int          `json:"tail,omitempty"`
}

// The server's frames are appended by hand, like the entries inside them.

func appendHello(b []byte, log *logs.Log, version string) []byte {
	b = append(b, `{"type":"hello","protocol":`...)
	b = strconv.AppendInt(b, Protocol, 10)
	b = append(b, `,"boot":`...)
	b = logs.AppendJSONString(b, log.Boot())
	b = append(b, `,"version":`...)
	b = logs.AppendJSONString(b, version)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, log.Head(), 10)
	b = append(b, `,"oldest":`...)
	b = strconv.AppendUint(b, log.Oldest(), 10)
	return append(b, '}')
}

func appendEvent(b []byte, ev logs.Event) []byte {
	if ev.Gap != nil {
		return appendGap(b, ev.FilterID, ev.Gap)
	}
	b = append(b, `{"type":"batch","filterId":`...)
	b = logs.AppendJSONString(b, ev.FilterID)
	b = append(b, `,"entries":[`...)
	for i, rec := range ev.Records {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, rec.JSON()...)
	}
	return append(b, "]}"...)
}

func appendGap(b []byte, filterID string, g *logs.Gap) []byte {
	b = append(b, `{"type":"gap","filterId":`...)
	b = logs.AppendJSONString(b, filterID)
	b = append(b, `,"from":`...)
	b = strconv.AppendUint(b, g.From, 10)
	b = append(b, `,"to":`...)
	b = strconv.AppendUint(b, g.To, 10)
	b = append(b, `,"reason":`...)
	b = logs.AppendJSONString(b, g.Reason)
	return append(b, '}')
}

func appendPing(b []byte, now time.Time, seq uint64) []byte {
	b = append(b, `{"type":"ping","ts":"`...)
	b = now.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","seq":`...)
	b = strconv.AppendUint(b, seq, 10)
	return append(b, '}')
}

func appendError(b []byte, code, message, filterID string, column int) []byte {
	b = append(b, `{"type":"error","code":`...)
	b = logs.AppendJSONString(b, code)
	b = append(b, `,"message":`...)
	b = logs.AppendJSONString(b, message)
	if column > 0 {
		b = append(b, `,"column":`...)
		b = strconv.AppendInt(b, int64(column), 10)
	}
	if filterID != "" {
		b = append(b, `,"filterId":`...)
		b = logs.AppendJSONString(b, filterID)
	}
	return append(b, '}')
}
