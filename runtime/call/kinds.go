// The kinds of calls that the engine answers by itself, and the shapes of their
// arguments. The module reprise:run makes them.

package call

import "encoding/json"

// Parked calls: the engine owns them, and a run that has no others open holds
// no VM. ("timer" is parked too; its Args are {"ms": number}.)
const (
	// KindWait is waitFor: the next signal of a name. Args: WaitArgs. The
	// outcome's Value is the signal's, or the error TIMEOUT_ERROR.
	KindWait = "run.wait"
	// KindAnswer waits for the answer to an ask. Args: AnswerArgs. The
	// outcome's Value is the answer, or the error TIMEOUT_ERROR.
	KindAnswer = "run.answer"
	// KindInvoke starts an attached child run and waits for its end. Args:
	// StartArgs; Body: the input's JSON text. The outcome's Value is the
	// child's output, or the error RUN_FAILED_ERROR with the child's as cause.
	KindInvoke = "run.invoke"
)

// Calls that are performed at once.
const (
	// KindStart starts a detached run. Args: StartArgs; Body: the input's JSON
	// text. The outcome's Value is {"id": string}.
	KindStart = "run.start"
	// KindSignal sends a signal. Args: SignalArgs; Body: the value's JSON text.
	KindSignal = "run.signal"
	// KindAsk makes the form of an ask. Args: AskArgs. The outcome's Value is
	// {"url": string}; the AnswerArgs name this call.
	KindAsk = "run.ask"
	// KindPublish shows progress. Body: the state's JSON text.
	KindPublish = "run.publish"
	// KindContinue ends the run and starts its successor. Body: the input's
	// JSON text. It has no outcome.
	KindContinue = "run.continue"
)

// WaitArgs are the arguments of KindWait.
type WaitArgs struct {
	Name      string `json:"name"`
	TimeoutMS int64  `json:"timeoutMs,omitempty"` // zero: none
}

// AnswerArgs are the arguments of KindAnswer.
type AnswerArgs struct {
	Ask       uint64 `json:"ask"` // the KindAsk call
	TimeoutMS int64  `json:"timeoutMs,omitempty"`
}

// StartArgs are the arguments of KindStart and KindInvoke.
type StartArgs struct {
	Script         string `json:"script"`
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
}

// SignalArgs are the arguments of KindSignal.
type SignalArgs struct {
	Run            string `json:"run"`
	Name           string `json:"name"`
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
}

// AskArgs are the arguments of KindAsk.
type AskArgs struct {
	Title       string          `json:"title"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"` // JSON Schema of the answer
}
