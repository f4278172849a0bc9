package run

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// publish(state) shows how far the run has got.
func (k kit) publish(c goja.FunctionCall) goja.Value {
	k.needDurable("publish")
	state := k.json(k.v.Arg(c, 0), "the state to publish")
	if !state.Present {
		k.v.Throw(call.CodeInvalidArgument, "publish takes what to show, not undefined: publish({ percent: 40, message: \"copying\" })")
	}
	target, err := describeState(state.Inline)
	if err != nil {
		panic(k.v.NewError(err))
	}
	return k.v.Call(call.Call{Kind: call.KindPublish, Target: target, Class: call.Idempotent, Body: state}, nil)
}

// describeState checks the two fields of a state that are shown specially, and
// says them in a line: "publish 40% copying". It looks at the JSON text: that
// is what will be shown, whatever getters and toJSON methods made of it.
func describeState(state []byte) (string, *call.Error) {
	if len(state) > maxState {
		return "", call.Errorf(call.CodeInvalidArgument, "the state to publish has %d bytes; it is there to be looked at, and may have %d: keep the rest in kv", len(state), maxState)
	}
	line := "publish"
	var fields map[string]json.RawMessage // not a struct: its names would match Percent too
	if !bytes.HasPrefix(state, []byte("{")) || json.Unmarshal(state, &fields) != nil {
		return line, nil
	}
	if text, ok := fields["percent"]; ok {
		var percent *float64
		if err := json.Unmarshal(text, &percent); err != nil || percent == nil || *percent < 0 || *percent > 100 {
			return "", call.Errorf(call.CodeInvalidArgument, "percent must be a number from 0 to 100, not %s; NaN is null in JSON", clip(string(text)))
		}
		line += " " + string(text) + "%"
	}
	if text, ok := fields["message"]; ok {
		var message *string
		if err := json.Unmarshal(text, &message); err != nil || message == nil {
			return "", call.Errorf(call.CodeInvalidArgument, "message must be a string, not %s", clip(string(text)))
		}
		line += " " + clip(strings.Join(strings.Fields(*message), " "))
	}
	return strings.TrimSpace(line), nil
}
