package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Error is a failure as a script sees it and as it is recorded: whole, so that
// a replayed run throws exactly what the first one threw.
type Error struct {
	// Name is what err.name is in JavaScript. It ends in "Error".
	Name string `json:"name"`
	// Message is a sentence: what failed, why, and what to do.
	Message string `json:"message"`
	// Code is the same as Name in UPPER_SNAKE ("TIMEOUT_ERROR"), or a script's
	// own err.code, or "" for an error of the language such as TypeError.
	Code string `json:"code,omitempty"`
	// Stack is the JavaScript stack with positions in the user's sources.
	Stack string `json:"stack,omitempty"`
	// Data is a JSON object whose fields are copied onto the thrown error:
	// status, method and url of an HTTPError, for example.
	Data json.RawMessage `json:"data,omitempty"`
	// Cause is the error's cause, if it has one.
	Cause *Error `json:"cause,omitempty"`
	// Call is the call whose outcome the error stems from, or zero: what a
	// retry of the run would perform again.
	Call uint64 `json:"call,omitempty"`
}

// Error returns "Name: message".
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Name
	}
	return e.Name + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e.Cause == nil {
		return nil
	}
	return e.Cause
}

// Is reports whether target is an *Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code != "" && t.Code == e.Code
}

// Errorf returns an Error of a catalogued code. It panics on a code that is
// not in the catalogue: every code is documented before it is used.
func Errorf(code Code, format string, args ...any) *Error {
	if _, ok := catalogue[code]; !ok {
		panic("call: code not in the catalogue: " + string(code))
	}
	return &Error{Name: code.Name(), Code: string(code), Message: fmt.Sprintf(format, args...)}
}

// WithData returns a copy of e that carries fields for the thrown error.
// v is encoded as a JSON object.
func (e *Error) WithData(v any) *Error {
	b, err := json.Marshal(v)
	if err != nil {
		panic("call: error data is not JSON: " + err.Error())
	}
	c := *e
	c.Data = b
	return &c
}

// WithCause returns a copy of e caused by err.
func (e *Error) WithCause(err error) *Error {
	c := *e
	c.Cause = From(err)
	return &c
}

// From turns any Go error into an Error. One that already is an *Error is
// returned as it is; others become an InternalError with their text.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Errorf(CodeInternal, "%s", err.Error())
}

// CodeOf returns err's code, or "" when it has none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return Code(e.Code)
	}
	return ""
}

// Code names one kind of failure in UPPER_SNAKE. The set is closed: see Codes.
type Code string

// Name returns the JavaScript error name: "TIMEOUT_ERROR" is "TimeoutError".
func (c Code) Name() string {
	if n := catalogue[c].Name; n != "" {
		return n
	}
	var b strings.Builder
	for part := range strings.SplitSeq(strings.ToLower(string(c)), "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// Describe returns the code's entry in the catalogue.
func (c Code) Describe() (Description, bool) {
	d, ok := catalogue[c]
	return d, ok
}
