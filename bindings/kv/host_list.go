package kv

import (
	"bytes"
	"context"

	"reprise/runtime/call"
	"reprise/store"
)

// list reads a batch. A batch ends at its limit or when it has become heavy,
// whichever is first; the script goes on from its last key.
func (h *Host) list(ctx context.Context, p *call.Performance) (*Found, [][]byte, *call.Error) {
	var args ListArgs
	if err := parseArgs(p.Call.Args, &args); err != nil {
		return nil, nil, err
	}
	space, err := namespace(p.By.Script, args.Namespace)
	if err != nil {
		return nil, nil, err
	}
	r, err := args.check()
	if err != nil {
		return nil, nil, err
	}
	entries, more, failure := h.scan(ctx, space, r, args.Limit)
	if failure != nil {
		return nil, nil, storeError(failure)
	}
	found, values, _ := newFound(entries)
	found.More = more
	found.Keys = make([]Key, len(entries))
	for i := range entries {
		k, failure := DecodeKey(entries[i].Key)
		if failure != nil {
			return nil, nil, call.Errorf(call.CodeStore, "the namespace %s holds a key that is none: %x", space, entries[i].Key)
		}
		found.Keys[i] = k
	}
	return found, values, nil
}

// The sizes of the steps that scan takes, in entries. The first is small
// because the entries may be as large as MaxValue.
const (
	firstStep = 16
	maxStep   = 128
)

// scan reads at most limit entries of r and says whether there are more. It
// reads one entry ahead to know, in steps that fit the size of the entries.
func (h *Host) scan(ctx context.Context, space string, r store.Range, limit int) (entries []store.Entry, more bool, err error) {
	for step, size := firstStep, 0; ; {
		if len(r.End) > 0 && bytes.Compare(r.Start, r.End) >= 0 {
			return entries, false, nil
		}
		r.Limit = min(step, limit+1-len(entries))
		got, err := h.store.List(ctx, space, r)
		if err != nil {
			return nil, false, err
		}
		entries = append(entries, got...)
		if len(got) < r.Limit {
			return entries, false, nil
		}
		for i := range got {
			size += len(got[i].Key) + len(got[i].Value)
		}
		if len(entries) > limit || size > batchBytes {
			return entries[:len(entries)-1], true, nil
		}
		last := got[len(got)-1].Key
		if r.Reverse {
			r.End = last
		} else {
			r.Start = append(bytes.Clone(last), 0)
		}
		step = min(maxStep, 1+(batchBytes-size)*len(entries)/max(1, size))
	}
}
