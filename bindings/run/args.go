// What crosses between the two sides, and the rules for it. Both check: the VM
// side so that the error has the script's stack, the host side because a VM
// lives in a process that it need not trust.

package run

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	"reprise/runtime/call"
)

// The limits, in bytes. Names are in rows, URLs and log lines; the rest is
// shown to people, and copied whenever the run's row is written.
const (
	maxText        = 200      // the name of a script or a signal, the id of a run
	maxKey         = 256      // an idempotency key, as in the admin API
	maxTitle       = 500      // of an ask: a line
	maxDescription = 10_000   // of an ask: a page
	maxSchema      = 64 << 10 // of an ask's answer
	maxState       = 64 << 10 // what publish shows
)

// text is a kind of text that scripts give, and how long it may be.
type text struct {
	what string
	max  int
}

// The kinds of text.
var (
	scriptName = text{"the name of a script", maxText}
	signalName = text{"the name of a signal", maxText}
	runID      = text{"the id of a run", maxText}
	key        = text{"idempotencyKey", maxKey}
	title      = text{"the title of an ask", maxTitle}
)

// check refuses what is empty, too long, or would break a line.
func (t text) check(s string) *call.Error {
	if s != "" && len(s) <= t.max && !strings.ContainsFunc(s, unicode.IsControl) {
		return nil
	}
	return call.Errorf(call.CodeInvalidArgument, "%s must have 1 to %d bytes and no control characters; %q has not", t.what, t.max, clip(s))
}

// checkOptional is check for text that may be absent.
func (t text) checkOptional(s string) *call.Error {
	if s == "" {
		return nil
	}
	return t.check(s)
}

// answerPrefix begins the names under which the engine keeps answers to asks:
// nobody may forge one, or take one away.
const answerPrefix = "ask:"

func checkSignal(name string) *call.Error {
	if strings.HasPrefix(name, answerPrefix) {
		return call.Errorf(call.CodeInvalidArgument, "signals whose name begins with %q are the answers to asks; %q needs another name", answerPrefix, clip(name))
	}
	return signalName.check(name)
}

func checkAsk(a call.AskArgs) *call.Error {
	if err := title.check(a.Title); err != nil {
		return err
	}
	if len(a.Description) > maxDescription {
		return call.Errorf(call.CodeInvalidArgument, "the description of an ask has %d bytes; it may have %d", len(a.Description), maxDescription)
	}
	if len(a.Schema) > maxSchema {
		return call.Errorf(call.CodeInvalidArgument, "the schema of an ask has %d bytes; it may have %d", len(a.Schema), maxSchema)
	}
	if len(a.Schema) > 0 && a.Schema[0] != '{' {
		return call.Errorf(call.CodeInvalidArgument, "the schema of an ask must be a JSON Schema: an object such as { type: \"boolean\" }")
	}
	return nil
}

// encode writes the arguments of a call. They are plain data, so it works.
func encode(args any) []byte {
	b, err := call.Encode(args)
	if err != nil {
		panic(err)
	}
	return b
}

// decode reads the arguments of a call.
func decode(c *call.Call, into any) *call.Error {
	d := json.NewDecoder(bytes.NewReader(c.Args))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return call.Errorf(call.CodeInvalidArgument, "the arguments of the call %s can not be read: %s", c.Kind, err)
	}
	return nil
}

// clip keeps a message from carrying a megabyte.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
