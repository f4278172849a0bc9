package kv

import (
	"context"
	"encoding/json"
	"errors"

	"reprise/runtime/call"
	"reprise/store"
)

// Reader is what the host side reads from; a store.Store is one.
type Reader interface {
	// Get reads keys in one consistent snapshot, one Entry for each key.
	Get(ctx context.Context, namespace string, keys ...[]byte) ([]store.Entry, error)
	// List reads a range of keys in order.
	List(ctx context.Context, namespace string, r store.Range) ([]store.Entry, error)
}

// Host is the host side of reprise:kv. It is safe for concurrent use.
type Host struct {
	store Reader
}

// New makes the host side.
func New(s Reader) *Host { return &Host{store: s} }

// Kinds implements the engine's Binding.
func (h *Host) Kinds() map[string]call.Shape {
	return map[string]call.Shape{KindGet: call.ShapeDo, KindList: call.ShapeDo, KindCommit: call.ShapeCommit}
}

// Do implements the engine's Doer: it performs "kv.get" and "kv.list" calls.
func (h *Host) Do(ctx context.Context, p *call.Performance) call.Outcome {
	var found *Found
	var values [][]byte
	var err *call.Error
	switch p.Call.Kind {
	case KindGet:
		found, values, err = h.get(ctx, p)
	case KindList:
		found, values, err = h.list(ctx, p)
	default:
		err = call.Errorf(call.CodeInternal, "reprise:kv does not perform calls of kind %q", p.Call.Kind)
	}
	if err != nil {
		return call.Failed(p.Call.ID, err)
	}
	return h.outcome(p, found, values)
}

// outcome puts the values one after another into the body.
func (h *Host) outcome(p *call.Performance, found *Found, values [][]byte) call.Outcome {
	var body []byte
	found.Sizes = make([]int, len(values))
	for i, value := range values {
		found.Sizes[i] = len(value)
		body = append(body, value...)
	}
	text, err := json.Marshal(found)
	if err != nil {
		return call.Failed(p.Call.ID, call.From(err))
	}
	o := call.OK(p.Call.ID, text)
	if len(body) > 0 {
		o.Body = p.Hold(body)
	}
	return o
}

func (h *Host) get(ctx context.Context, p *call.Performance) (*Found, [][]byte, *call.Error) {
	var args GetArgs
	if err := parseArgs(p.Call.Args, &args); err != nil {
		return nil, nil, err
	}
	space, err := namespace(p.By.Script, args.Namespace)
	if err != nil {
		return nil, nil, err
	}
	keys, err := args.check()
	if err != nil || len(keys) == 0 {
		return &Found{Versionstamps: []string{}}, nil, err
	}
	entries, failure := h.store.Get(ctx, space, keys...)
	if failure != nil {
		return nil, nil, storeError(failure)
	}
	found, values, total := newFound(entries)
	if total > MaxAnswer {
		return nil, nil, tooLarge("the values of %d keys have %d bytes together; one getMany answers at most %d: ask for fewer keys", len(keys), total, MaxAnswer)
	}
	return found, values, nil
}

func newFound(entries []store.Entry) (found *Found, values [][]byte, total int) {
	found = &Found{Versionstamps: make([]string, len(entries))}
	values = make([][]byte, len(entries))
	for i := range entries {
		if entries[i].Version != 0 {
			found.Versionstamps[i] = entries[i].Version.String()
			values[i] = entries[i].Value
			total += len(values[i])
		}
	}
	return found, values, total
}

// storeError says what an error of the store means for a script.
func storeError(err error) *call.Error {
	switch {
	case errors.Is(err, store.ErrFull):
		return call.Errorf(call.CodeUnavailable, "the KV store takes no writes: the disk is nearly full").WithCause(err)
	case errors.Is(err, store.ErrClosed):
		return call.Errorf(call.CodeUnavailable, "the KV store is closed: the server is stopping").WithCause(err)
	case errors.Is(err, store.ErrTooLarge):
		return tooLarge("the KV operation does not fit into one transaction: write less at once").WithCause(err)
	case errors.Is(err, store.ErrNotNumber):
		return call.Errorf(call.CodeInvalidArgument, "sum needs a number under the key, and a finite result").WithCause(err)
	}
	return call.Errorf(call.CodeStore, "the KV store failed").WithCause(err)
}
