// What the engine writes into the log: calls, retries, requests, the starts
// and ends of runs, and what scripts print.

package runtime

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/runtime/worker"
)

// about fills in where an entry comes from.
func (x *execution) about(en logs.Entry) logs.Entry {
	en.Script, en.Revision, en.Run = x.by.Script, x.by.Revision, x.by.Run
	if en.Turn == 0 {
		en.Turn = x.turn.Load()
	}
	return en
}

func (x *execution) emit(en logs.Entry) { x.engine.options.Log.Emit(x.about(en)) }

// print is the console of the run's VM.
func (x *execution) print(l worker.Line) {
	at := place(l.Pos)
	x.saw(at)
	if x.silent {
		x.keepLine(l)
		return
	}
	level, _ := logs.ParseLevel(l.Level)
	en := logs.Entry{Level: level, Kind: logs.KindConsole, Msg: l.Msg, Fields: l.Fields, Turn: l.Turn, Src: at}
	x.engine.options.Lines.Print(x.about(en), int(x.limits.Load().LogRate))
}

func place(p call.Position) *call.Position {
	if p.IsZero() {
		return nil
	}
	return &p
}

// attempted takes the report of one try of a call. A try that another one
// follows is an entry; the last one is part of the call's own entry.
func (x *execution) attempted(c *openCall, a call.Attempt) {
	c.try.Store(&a)
	if !a.Retry {
		return
	}
	if x.actor != nil {
		x.actor.attempted(c, a)
	}
	f := fields{}
	f.target(c.call.Target)
	f.number("attempt", int64(a.N))
	f.number("waitMs", a.RetryIn.Milliseconds())
	f.status(a.Status)
	f.text("reason", a.Reason)
	x.emit(logs.Entry{
		Level: logs.Warn, Kind: logs.KindRetry, Fields: f.bytes(), Src: place(c.call.Pos),
		Msg: fmt.Sprintf("%s: try %d failed (%s), trying again in %s", c.call.Target, a.N,
			strings.TrimPrefix(a.Reason, c.call.Target+": "), a.RetryIn.Round(time.Millisecond)),
	})
}

// logTimer writes that the run waits. A pause before another attempt is a
// retry, which people want to see; other waits are for debugging.
func (x *execution) logTimer(c *openCall, ms int64) {
	en := logs.Entry{Kind: logs.KindStep, Level: logs.Debug, Msg: "waits: " + c.call.Target, Src: place(c.call.Pos)}
	if strings.HasPrefix(c.call.Target, "retry in ") {
		en.Kind, en.Level, en.Msg = logs.KindRetry, logs.Warn, c.call.Target
		if c.call.Scope != "" {
			en.Msg = c.call.Scope + ": " + en.Msg
		}
	}
	f := fields{}
	f.number("waitMs", ms)
	f.text("step", c.call.Scope)
	en.Fields = f.bytes()
	x.emit(en)
}

// logCall writes the entry of a call that has ended.
func (x *execution) logCall(c *openCall, o *call.Outcome, took time.Duration) {
	en := logs.Entry{Kind: logs.KindKV, Level: logs.Debug, Src: place(c.call.Pos)}
	if strings.HasPrefix(c.call.Kind, "http.") {
		en.Kind, en.Level = logs.KindHTTP, logs.Info
	}
	f := fields{}
	f.target(c.call.Target)
	f.duration(took)
	result := "ok"
	if a := c.try.Load(); a != nil {
		f.status(a.Status)
		if a.N > 1 {
			f.number("attempts", int64(a.N))
		}
		if a.Bytes > 0 {
			f.number("bytes", a.Bytes)
		}
		if a.Waited >= time.Millisecond {
			f.number("waitedMs", a.Waited.Milliseconds())
		}
		f.text("cache", a.Cache)
		f.text("reason", a.Reason)
		if a.Status != 0 {
			result = strconv.Itoa(a.Status)
		}
		if a.Status >= 400 {
			en.Level = logs.Warn
		}
	}
	if o.Err != nil {
		en.Level = logs.Warn
		result = o.Err.Error()
		f.failure(o.Err)
	}
	f.text("step", c.call.Scope)
	en.Msg = c.call.Target + " → " + result + " (" + millis(took) + ")"
	en.Fields = f.bytes()
	x.emit(en)
}

func millis(d time.Duration) string {
	if d < 10*time.Millisecond {
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
}

// logRequest writes the entry of an answered request.
func (x *execution) logRequest(req *worker.Request, r FetchResult) {
	took := time.Since(x.began)
	url := pathOf(req.URL)
	status := 0
	en := logs.Entry{Kind: logs.KindRequest, Level: logs.Info}
	f := fields{}
	f.text("method", req.Method)
	f.text("url", url)
	if r.Response != nil {
		status = r.Response.Status
	} else {
		status = FailureStatus(r.Err, r.Run)
		en.Level = logs.Error
		en.Src = place(r.Err.Position())
		f.failure(r.Err)
	}
	f.status(status)
	f.duration(took)
	en.Fields = f.bytes()
	en.Msg = req.Method + " " + url + " → " + strconv.Itoa(status) + " (" + millis(took) + ")"
	if r.Err != nil {
		en.Msg = req.Method + " " + url + " failed: " + r.Err.Error()
	}
	x.emit(en)
	if m := x.engine.options.Meter; m != nil {
		m.RequestEnded(x.by.Script, status, took)
	}
}

// logBackground writes that something failed after the request was answered.
func (x *execution) logBackground(err *call.Error) {
	f := fields{}
	f.text("status", string(Failed))
	f.failure(err)
	x.emit(logs.Entry{
		Kind: logs.KindRun, Level: logs.Error, Src: place(err.Position()), Fields: f.bytes(),
		Msg: "failed after the answer was sent: " + err.Error(),
	})
}

// pathOf drops scheme, host, query and fragment of an absolute URL: queries
// carry credentials often enough.
func pathOf(url string) string {
	if i := strings.Index(url, "://"); i >= 0 {
		url = url[i+3:]
		if j := strings.IndexByte(url, '/'); j >= 0 {
			url = url[j:]
		}
	}
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		url = url[:i]
	}
	return url
}

// preview keeps what of an input or output belongs into the log.
func preview(value json.RawMessage) json.RawMessage {
	if len(value) > 2048 {
		return nil
	}
	return value
}

// warnOpen says which calls were still open when the handler settled. Of a run
// that failed the writes are worth a word: that it waits for no reads any more
// is what failing means.
func (x *execution) warnOpen(failed bool) {
	for _, id := range x.openIDs() {
		c := x.open[id]
		if c.call.Kind == worker.KindTimer || failed && !isWrite(c) {
			continue
		}
		settled, fate, hint := "settled", "was dropped", "; is an await missing?"
		if isWrite(c) {
			fate = "is awaited for up to " + openWriteGrace.String()
		}
		if failed {
			settled, hint = "failed", ""
		}
		f := fields{}
		f.target(c.call.Target)
		x.emit(logs.Entry{
			Kind: logs.KindRun, Level: logs.Warn, Src: place(c.call.Pos), Fields: f.bytes(),
			Msg: c.call.Target + " was still open when the handler " + settled + " and " + fate + hint,
		})
	}
}

// fields builds the JSON object of an entry. Empty values are left out.
type fields []byte

func (f *fields) key(name string) {
	if len(*f) == 0 {
		*f = append(make([]byte, 0, 160), '{')
	} else {
		*f = append(*f, ',')
	}
	*f = append(append(append(*f, '"'), name...), '"', ':')
}

func (f *fields) text(name, value string) {
	if value == "" {
		return
	}
	f.key(name)
	*f = appendQuoted(*f, value)
}

func (f *fields) number(name string, value int64) {
	f.key(name)
	*f = strconv.AppendInt(*f, value, 10)
}

func (f *fields) status(status int) {
	if status != 0 {
		f.number("status", int64(status))
	}
}

func (f *fields) duration(d time.Duration) {
	f.key("durMs")
	*f = strconv.AppendFloat(*f, float64(d.Microseconds())/1000, 'f', -1, 64)
}

func (f *fields) raw(name string, value json.RawMessage) {
	if len(value) == 0 {
		return
	}
	f.key(name)
	*f = append(*f, value...)
}

func (f *fields) failure(err *call.Error) {
	b, encodeErr := call.Encode(err)
	if encodeErr != nil {
		f.text("error", err.Error())
		return
	}
	f.raw("error", b)
}

// target splits "GET https://host/path" into method and url.
func (f *fields) target(target string) {
	method, url, ok := strings.Cut(target, " ")
	if !ok {
		f.text("target", target)
		return
	}
	f.text("method", method)
	f.text("url", url)
}

func (f *fields) bytes() json.RawMessage {
	if len(*f) == 0 {
		return nil
	}
	return json.RawMessage(append(*f, '}'))
}

// appendQuoted appends a JSON string; the common case needs no escapes.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			quoted, err := call.Encode(s)
			if err != nil {
				return append(b, `""`...)
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
