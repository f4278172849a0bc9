package kv

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"reprise/runtime/call"
	"reprise/store"
)

// Commit implements the engine's Committer: it translates a "kv.commit" call.
func (h *Host) Commit(p *call.Performance) (store.Commit, *call.Error) {
	var args CommitArgs
	if err := parseArgs(p.Call.Args, &args); err != nil {
		return store.Commit{}, err
	}
	space, err := namespace(p.By.Script, args.Namespace)
	if err != nil {
		return store.Commit{}, err
	}
	if len(args.Checks) > MaxChecks || len(args.Writes) > MaxWrites {
		return store.Commit{}, tooLarge("an atomic operation of %d checks and %d writes; it has at most %d and %d",
			len(args.Checks), len(args.Writes), MaxChecks, MaxWrites)
	}
	t := translation{space: space, most: valueLimit(p.Limits)}
	if t.body, err = bodyOf(p); err != nil {
		return store.Commit{}, err
	}
	return t.commit(&args)
}

func bodyOf(p *call.Performance) ([]byte, *call.Error) {
	if !p.Call.Body.IsHeld() {
		return p.Call.Body.Inline, nil
	}
	b, err := p.Read(p.Call.Body)
	if err != nil {
		return nil, call.Errorf(call.CodeStore, "the values to store are gone").WithCause(err)
	}
	return b, nil
}

// translation turns arguments into operations of the store.
type translation struct {
	space string
	body  []byte // what is left of the values
	size  int
	most  int64 // bytes that a value may have
	out   store.Commit
}

func (t *translation) commit(args *CommitArgs) (store.Commit, *call.Error) {
	for i := range args.Checks {
		if err := t.check(&args.Checks[i]); err != nil {
			return store.Commit{}, err
		}
	}
	for i := range args.Writes {
		if err := t.write(&args.Writes[i]); err != nil {
			return store.Commit{}, err
		}
	}
	if len(t.body) > 0 {
		return store.Commit{}, call.Errorf(call.CodeInvalidArgument, "the KV call carries more bytes than its writes name")
	}
	if t.size > MaxCommit {
		return store.Commit{}, tooLarge("an atomic operation of %d bytes; keys and values have at most %d together", t.size, MaxCommit)
	}
	return t.out, nil
}

func (t *translation) key(k Key) ([]byte, *call.Error) {
	b, err := encodeKey(k)
	t.size += len(b)
	return b, err
}

func (t *translation) check(c *Check) *call.Error {
	key, err := t.key(c.Key)
	if err != nil {
		return err
	}
	var version store.Version
	if c.Versionstamp != nil {
		if version, err = parseVersion(*c.Versionstamp); err != nil {
			return err
		}
	}
	t.out.Checks = append(t.out.Checks, store.Check{Namespace: t.space, Key: key, Version: version})
	return nil
}

func (t *translation) write(w *Write) *call.Error {
	if err := checkWrite(w); err != nil {
		return err
	}
	if int64(w.Size) > t.most {
		return tooLarge("the value of %s has %d bytes; the script's config.limits.kvValue allows %d: split it, or keep it elsewhere and store where", w.Key, w.Size, t.most)
	}
	key, err := t.key(w.Key)
	if err != nil {
		return err
	}
	op := store.KVOp{Namespace: t.space, Key: key, Delete: w.Op == OpDelete, Sum: w.Op == OpSum, Delta: w.Delta}
	if w.ExpiresMS > 0 && !op.Delete {
		op.Expires = time.UnixMilli(w.ExpiresMS)
	}
	if w.Op == OpSet {
		if op.Value, err = t.value(w); err != nil {
			return err
		}
	}
	t.out.KV = append(t.out.KV, op)
	return nil
}

// value cuts a value off the body. Nothing that is not JSON may get into the
// store: other scripts read shared namespaces.
func (t *translation) value(w *Write) ([]byte, *call.Error) {
	if w.Size > len(t.body) {
		return nil, call.Errorf(call.CodeInvalidArgument, "the KV call carries fewer bytes than its writes name")
	}
	value := t.body[:w.Size:w.Size]
	t.body = t.body[w.Size:]
	t.size += len(value)
	if !json.Valid(value) {
		return nil, call.Errorf(call.CodeInvalidJSON, "the value of %s is not JSON", w.Key)
	}
	return value, nil
}

// Committed implements the engine's Committer. A check that did not hold is
// no failure of the call: the script asked to be told.
func (h *Host) Committed(p *call.Performance, done store.Committed, err error) call.Outcome {
	var check *store.CheckError
	d := Done{OK: err == nil}
	switch {
	case err == nil:
		d.Versionstamp = done.Version.String()
	case errors.As(err, &check):
	default:
		return call.Failed(p.Call.ID, storeError(err))
	}
	text, failure := json.Marshal(d)
	if failure != nil {
		return call.Failed(p.Call.ID, call.From(failure))
	}
	return call.OK(p.Call.ID, text)
}

// versionDigits is how long a versionstamp is.
const versionDigits = 20

// parseVersion reads a versionstamp of an entry.
func parseVersion(text string) (store.Version, *call.Error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || len(text) != versionDigits || n == 0 {
		return 0, call.Errorf(call.CodeInvalidArgument, "%q is not a versionstamp: pass an entry's, or null for \"no such key\"", clipText(text))
	}
	return store.Version(n), nil
}
