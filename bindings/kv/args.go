// What crosses between the two sides. Both check it: the VM side so that the
// error has the script's stack, the host side because a VM lives in a process
// that it need not trust.

package kv

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"reprise/runtime/call"
	"reprise/store"
)

// The kinds of calls.
const (
	// KindGet reads keys. Args are GetArgs; the outcome is a Found, with the
	// values one after another in its Body.
	KindGet = "kv.get"
	// KindList reads a batch of a range. Args are ListArgs; the outcome is
	// like that of KindGet, with keys.
	KindList = "kv.list"
	// KindCommit writes. Args are CommitArgs, with the values to set one after
	// another in the call's Body; the outcome is a Done.
	KindCommit = "kv.commit"
)

// GetArgs are the arguments of a "kv.get".
type GetArgs struct {
	// Namespace is the name of a shared one; empty means the script's own.
	Namespace string `json:"namespace,omitempty"`
	Keys      []Key  `json:"keys"`
}

// ListArgs are the arguments of a "kv.list": a range, and what part of it.
// There is a Prefix, or a Start or End, or a Prefix with one of them.
type ListArgs struct {
	Namespace string `json:"namespace,omitempty"`
	Prefix    *Key   `json:"prefix,omitempty"` // keys that begin with it, itself excluded
	Start     *Key   `json:"start,omitempty"`  // included
	End       *Key   `json:"end,omitempty"`    // excluded
	Limit     int    `json:"limit"`            // of this batch
	Reverse   bool   `json:"reverse,omitempty"`
	Cursor    string `json:"cursor,omitempty"` // of the last entry before the batch
}

// Found is the Value of the outcome of a read. The i-th value is Sizes[i]
// bytes of the Body; an empty versionstamp means that there is no such key.
type Found struct {
	Keys          []Key    `json:"keys,omitempty"` // of a list
	Versionstamps []string `json:"versionstamps"`
	Sizes         []int    `json:"sizes"`
	More          bool     `json:"more,omitempty"` // of a list: the range goes on
}

// CommitArgs are the arguments of a "kv.commit".
type CommitArgs struct {
	Namespace string  `json:"namespace,omitempty"`
	Checks    []Check `json:"checks,omitempty"`
	Writes    []Write `json:"writes,omitempty"`
}

// Check holds when the key's versionstamp is the given one; null: no such key.
type Check struct {
	Key          Key     `json:"key"`
	Versionstamp *string `json:"versionstamp"`
}

// Write is one change of a commit.
type Write struct {
	Op   string `json:"op"` // "set", "delete" or "sum"
	Key  Key    `json:"key"`
	Size int    `json:"size,omitempty"` // of a set: bytes of the Body
	// Delta is what a sum adds.
	Delta float64 `json:"delta,omitempty"`
	// ExpiresMS is when the key disappears, in Unix milliseconds; 0: never.
	ExpiresMS int64 `json:"expiresMs,omitempty"`
}

// The ops of a Write.
const (
	OpSet    = "set"
	OpDelete = "delete"
	OpSum    = "sum"
)

// Done is the Value of the outcome of a commit.
type Done struct {
	OK           bool   `json:"ok"`
	Versionstamp string `json:"versionstamp,omitempty"`
}

// parseArgs reads the arguments of a call.
func parseArgs(text []byte, into any) *call.Error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return call.Errorf(call.CodeInvalidArgument, "the arguments of the KV call can not be read: %s", err)
	}
	return nil
}

// encodeArgs writes the arguments of a call. They are plain data, so it works.
func encodeArgs(args any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(args); err != nil {
		panic(err)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// checkName checks the name of a shared namespace.
func checkName(name string) *call.Error {
	ok := name != "" && len(name) <= MaxName
	for _, c := range name {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-/", c))
	}
	if !ok {
		return call.Errorf(call.CodeInvalidArgument, "%q can not name a shared namespace: use 1 to %d letters, digits and . _ - /", clipText(name), MaxName)
	}
	return nil
}

// namespace is where a call of script goes. Names of scripts and of shared
// namespaces never meet.
func namespace(script, shared string) (string, *call.Error) {
	if shared == "" {
		return "script:" + script, nil
	}
	return "shared:" + shared, checkName(shared)
}

// encodeKey returns the binary form of a key that a value can be kept under.
func encodeKey(k Key) ([]byte, *call.Error) {
	if len(k) == 0 {
		return nil, call.Errorf(call.CodeInvalidArgument, "a key needs at least one part")
	}
	return encodeBound(k)
}

// encodeBound returns the binary form of a key or of a bound of a range.
func encodeBound(k Key) ([]byte, *call.Error) {
	b, err := k.Encode()
	if errors.Is(err, errLong) {
		return nil, tooLarge("%s: %s", k, err)
	}
	if err != nil {
		return nil, call.Errorf(call.CodeInvalidArgument, "%s: %s", k, err)
	}
	if len(b) > MaxKey {
		return nil, tooLarge("the key %s has %d bytes; a key has at most %d", k, len(b), MaxKey)
	}
	return b, nil
}

// check returns the keys' binary forms.
func (a *GetArgs) check() ([][]byte, *call.Error) {
	if len(a.Keys) > MaxGet {
		return nil, tooLarge("getMany of %d keys; it takes at most %d", len(a.Keys), MaxGet)
	}
	keys := make([][]byte, len(a.Keys))
	for i, k := range a.Keys {
		b, err := encodeKey(k)
		if err != nil {
			return nil, err
		}
		keys[i] = b
	}
	return keys, nil
}

// check returns the range that is left to read, Limit aside.
func (a *ListArgs) check() (store.Range, *call.Error) {
	r, err := a.bounds()
	if err != nil {
		return r, err
	}
	if a.Limit < 1 || a.Limit > MaxBatch {
		return r, tooLarge("a batch of %d entries; one holds 1 to %d", a.Limit, MaxBatch)
	}
	r.Reverse = a.Reverse
	if a.Cursor == "" {
		return r, nil
	}
	last, err := parseCursor(a.Cursor)
	if err != nil {
		return r, err
	}
	if bytes.Compare(last, r.Start) < 0 || len(r.End) > 0 && bytes.Compare(last, r.End) >= 0 {
		return r, call.Errorf(call.CodeInvalidArgument, "the cursor belongs to another list: it lies outside this one's range")
	}
	if a.Reverse {
		r.End = last
	} else {
		r.Start = append(last, 0)
	}
	return r, nil
}

// bounds translates the selector.
func (a *ListArgs) bounds() (r store.Range, err *call.Error) {
	if a.Prefix == nil && a.Start == nil && a.End == nil {
		return r, call.Errorf(call.CodeInvalidArgument, "list needs a selector: prefix, start or end; { prefix: [] } lists everything")
	}
	if a.Prefix != nil {
		if a.Start != nil && a.End != nil {
			return r, call.Errorf(call.CodeInvalidArgument, "list takes a prefix with start or with end, not with both")
		}
		prefix, err := encodeBound(*a.Prefix)
		if err != nil {
			return r, err
		}
		// Nothing continues a key with 0: so the prefix itself is left out.
		r.Start, r.End = append(bytes.Clone(prefix), 0), append(prefix, tagEnd)
	}
	if a.Start != nil {
		if r.Start, err = a.bound(*a.Start, "start"); err != nil {
			return r, err
		}
	}
	if a.End != nil {
		if r.End, err = a.bound(*a.End, "end"); err != nil {
			return r, err
		}
		if len(r.End) == 0 {
			// Nothing sorts before the empty key, and a Range says "no bound" so.
			r.End = []byte{0}
		}
	}
	return r, nil
}

// bound is a start or an end, which must lie under the prefix if there is one.
func (a *ListArgs) bound(k Key, name string) ([]byte, *call.Error) {
	b, err := encodeBound(k)
	if err != nil || a.Prefix == nil {
		return b, err
	}
	prefix, err := encodeBound(*a.Prefix)
	if err == nil && !bytes.HasPrefix(b, prefix) {
		err = call.Errorf(call.CodeInvalidArgument, "the %s %s does not begin with the prefix %s", name, k, *a.Prefix)
	}
	return b, err
}

// cursorOf is the cursor of the entry under key.
func cursorOf(k Key) string {
	b, err := k.Encode()
	if err != nil {
		panic(err) // it came from the store
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(text string) ([]byte, *call.Error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		_, err = DecodeKey(b)
	}
	if err != nil || len(b) == 0 || len(b) > MaxKey {
		return nil, call.Errorf(call.CodeInvalidArgument, "%q is not a cursor; pass the cursor of another list as it is", clipText(text))
	}
	return b, nil
}

// checkWrite checks everything about a write but its value.
func checkWrite(w *Write) *call.Error {
	switch w.Op {
	case OpSet:
		if w.Size < 1 {
			return call.Errorf(call.CodeInvalidArgument, "set %s has no value", w.Key)
		}
		if w.Size > MaxValue {
			return tooLarge("the value of %s has %d bytes; a value has at most %d: split it, or keep it elsewhere and store where", w.Key, w.Size, MaxValue)
		}
	case OpSum:
		if math.IsNaN(w.Delta) || math.IsInf(w.Delta, 0) {
			return call.Errorf(call.CodeInvalidArgument, "sum %s: the number to add must be finite", w.Key)
		}
	case OpDelete:
	default:
		return call.Errorf(call.CodeInvalidArgument, "there is no KV write %q", w.Op)
	}
	if w.ExpiresMS < 0 {
		return call.Errorf(call.CodeInvalidArgument, "%s %s expires before 1970", w.Op, w.Key)
	}
	return nil
}
