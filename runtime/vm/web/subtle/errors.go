package subtle

import "fmt"

// Error is a failure with one of the standard's names.
type Error struct {
	Name    string // "DataError", or "TypeError"
	Message string
}

func (e *Error) Error() string { return e.Name + ": " + e.Message }

// The names. Which one belongs where, the standard says.
const (
	nameNotSupported  = "NotSupportedError"  // no such algorithm, or not for this operation
	nameSyntax        = "SyntaxError"        // usages that the key can not have, or none
	nameInvalidAccess = "InvalidAccessError" // a key that may not be used for this
	nameData          = "DataError"          // a key that can not be read
	nameOperation     = "OperationError"     // it was tried, and failed
	nameType          = "TypeError"
)

func fail(name, format string, args ...any) error {
	return &Error{Name: name, Message: fmt.Sprintf(format, args...)}
}
