package run

import (
	"context"
	"encoding/json"

	"reprise/runtime/call"
)

// Engine is what the host side needs of the engine, in the words of package
// call, so that the engine need not know this one.
type Engine interface {
	// StartRun starts a detached run for the call p and returns its id: the
	// same one for the same p.Key, or idempotency key where there is one. input
	// is JSON text, empty for undefined. Errors: NOT_FOUND_ERROR,
	// INVALID_ARGUMENT_ERROR (the script has no run handler), CONFLICT_ERROR
	// (the idempotency key was used with another input), UNAVAILABLE_ERROR.
	StartRun(ctx context.Context, p *call.Performance, script string, input []byte, idempotencyKey string) (id string, err error)
	// SignalRun gives a run a signal for the call p: once for the same p.Key, or
	// idempotency key where there is one. Errors: NOT_FOUND_ERROR,
	// CONFLICT_ERROR (the run has ended), UNAVAILABLE_ERROR.
	SignalRun(ctx context.Context, p *call.Performance, run, name string, value []byte, idempotencyKey string) error
	// AskURL returns the address of the form that a run's call ask made.
	AskURL(run string, ask uint64) string
}

// Host is the host side of reprise:run. It is safe for concurrent use.
type Host struct{ engine Engine }

// New makes the host side.
func New(e Engine) *Host { return &Host{engine: e} }

// Kinds implements the engine's Binding. What is parked, and what is about the
// run itself, the engine performs alone.
func (h *Host) Kinds() map[string]call.Shape {
	return map[string]call.Shape{
		call.KindStart: call.ShapeDo, call.KindSignal: call.ShapeDo, call.KindAsk: call.ShapeDo,
		call.KindWait: call.ShapePark, call.KindAnswer: call.ShapePark, call.KindInvoke: call.ShapePark,
		call.KindPublish: call.ShapePark, call.KindContinue: call.ShapePark,
	}
}

// Do implements the engine's Doer.
func (h *Host) Do(ctx context.Context, p *call.Performance) call.Outcome {
	var value any
	var err *call.Error
	switch p.Call.Kind {
	case call.KindStart:
		value, err = h.start(ctx, p)
	case call.KindSignal:
		err = h.signal(ctx, p)
	case call.KindAsk:
		value, err = h.ask(p)
	default:
		err = call.Errorf(call.CodeInternal, "reprise:run does not perform calls of kind %q", p.Call.Kind)
	}
	if err != nil {
		return call.Failed(p.Call.ID, err)
	}
	if value == nil {
		return call.OK(p.Call.ID, nil)
	}
	return call.OK(p.Call.ID, encode(value))
}

// started is the Value of the outcome of KindStart.
type started struct {
	ID string `json:"id"`
}

func (h *Host) start(ctx context.Context, p *call.Performance) (any, *call.Error) {
	var args call.StartArgs
	if err := decode(&p.Call, &args); err != nil {
		return nil, err
	}
	if err := firstOf(scriptName.check(args.Script), key.checkOptional(args.IdempotencyKey)); err != nil {
		return nil, err
	}
	input, err := payload(p, "the input of "+args.Script)
	if err != nil {
		return nil, err
	}
	id, failure := h.engine.StartRun(ctx, p, args.Script, input, args.IdempotencyKey)
	if failure != nil {
		return nil, call.From(failure)
	}
	return started{id}, nil
}

func (h *Host) signal(ctx context.Context, p *call.Performance) *call.Error {
	var args call.SignalArgs
	if err := decode(&p.Call, &args); err != nil {
		return err
	}
	if err := firstOf(runID.check(args.Run), checkSignal(args.Name), key.checkOptional(args.IdempotencyKey)); err != nil {
		return err
	}
	value, err := payload(p, "the value of signal "+args.Name)
	if err != nil {
		return err
	}
	return call.From(h.engine.SignalRun(ctx, p, args.Run, args.Name, value, args.IdempotencyKey))
}

// asked is the Value of the outcome of KindAsk.
type asked struct {
	URL string `json:"url"`
}

func (h *Host) ask(p *call.Performance) (any, *call.Error) {
	var args call.AskArgs
	if err := decode(&p.Call, &args); err != nil {
		return nil, err
	}
	if err := checkAsk(args); err != nil {
		return nil, err
	}
	if !p.By.Durable {
		return nil, call.Errorf(call.CodeNotDurable, "ask needs a durable run, and this one is not: nothing would keep the answer")
	}
	return asked{h.engine.AskURL(p.By.Run, p.Call.ID)}, nil
}

// firstOf returns the first error there is.
func firstOf(errs ...*call.Error) *call.Error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// payload returns the JSON text that a call carries; nil for undefined.
// Nothing that is not JSON may get into a journal.
func payload(p *call.Performance, what string) ([]byte, *call.Error) {
	body := p.Call.Body
	if !body.Present {
		return nil, nil
	}
	text := body.Inline
	if body.IsHeld() {
		var err error
		if text, err = p.Read(body); err != nil {
			return nil, call.Errorf(call.CodeStore, "%s is gone", what).WithCause(err)
		}
	}
	if !json.Valid(text) {
		return nil, call.Errorf(call.CodeInvalidJSON, "%s is not JSON", what)
	}
	return text, nil
}
