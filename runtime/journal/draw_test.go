package journal_test

import (
	"encoding/json"
	"math"
	"time"

	"pgregory.net/rapid"

	"reprise/runtime/call"
	"reprise/runtime/journal"
)

// record draws a record of any kind with any fields, in the form in which a
// reader returns it: times in UTC, nil for what is empty.
func record(t *rapid.T) journal.Record {
	switch rapid.IntRange(1, 7).Draw(t, "kind") {
	case 1:
		return &journal.Started{
			Run: text(t), Script: text(t), File: text(t), Revision: text(t), Handler: text(t), Engine: number(t), Input: payload(t),
			Env: some(t), Connections: texts(t), Secrets: texts(t), Seed: seed(t), At: moment(t),
			Parent: text(t), ParentCall: number(t), Fork: text(t), ForkTurn: number(t),
		}
	case 2:
		r := &journal.Turn{
			N: number(t), Cause: journal.Cause(rapid.IntRange(0, 2).Draw(t, "cause")), At: moment(t), CPU: span(t), Aborts: numbers(t),
			Failed: yes(t), Held: yes(t), Unwinding: yes(t),
		}
		if r.Cause == journal.ByOutcome {
			r.Outcome = number(t)
		}
		for range rapid.IntRange(0, 4).Draw(t, "calls") {
			r.Calls = append(r.Calls, callOf(t))
		}
		return r
	case 3:
		r := &journal.Attempt{Call: number(t), N: small(t), At: moment(t), Failed: yes(t)}
		if r.Failed {
			r.Status, r.Err, r.Took, r.Bytes = small(t), failure(t, 0), span(t), rapid.Int64Range(0, math.MaxInt64).Draw(t, "bytes")
			r.RetryAt, r.Reason = moment(t), text(t)
		}
		return r
	case 4:
		return &journal.Outcome{Call: number(t), At: moment(t), Value: payload(t), Body: body(t), Err: failure(t, 0), Late: yes(t)}
	case 5:
		return &journal.Signal{Name: text(t), Value: payload(t), At: moment(t), From: text(t)}
	case 6:
		return &journal.Control{Op: journal.Op(text(t)), At: moment(t), Reason: text(t), Turn: number(t), Void: numbers(t), Revision: text(t), Seed: seed(t)}
	}
	return &journal.Ended{At: moment(t), Status: text(t), Reason: text(t), Output: payload(t), Err: failure(t, 0), Dropped: numbers(t), Successor: text(t)}
}

func callOf(t *rapid.T) journal.Call {
	return journal.Call{
		ID: number(t), Kind: rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"timer", "run.wait", "run.continue"})).Draw(t, "kind"),
		Target: text(t), Class: call.Class(rapid.IntRange(0, 3).Draw(t, "class")), Args: payload(t), Body: body(t),
		Pos:   call.Position{File: rapid.SampledFrom([]string{"", "a.ts", file}).Draw(t, "file"), Line: small(t), Column: small(t)},
		Scope: text(t),
	}
}

func text(t *rapid.T) string   { return rapid.String().Draw(t, "text") }
func number(t *rapid.T) uint64 { return rapid.Uint64().Draw(t, "number") }
func small(t *rapid.T) int     { return rapid.IntRange(0, math.MaxInt32).Draw(t, "number") }
func yes(t *rapid.T) bool      { return rapid.Bool().Draw(t, "yes") }
func span(t *rapid.T) time.Duration {
	return time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "span"))
}

func moment(t *rapid.T) time.Time {
	n := rapid.Int64().Draw(t, "moment")
	if n == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func some(t *rapid.T) []byte {
	if b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"); len(b) > 0 {
		return b
	}
	return nil
}

func texts(t *rapid.T) []string {
	if l := rapid.SliceOf(rapid.String()).Draw(t, "texts"); len(l) > 0 {
		return l
	}
	return nil
}

func numbers(t *rapid.T) []uint64 {
	if l := rapid.SliceOf(rapid.Uint64()).Draw(t, "numbers"); len(l) > 0 {
		return l
	}
	return nil
}

func seed(t *rapid.T) (s [32]byte) {
	if yes(t) {
		copy(s[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
	}
	return s
}

func payload(t *rapid.T) journal.Payload {
	if yes(t) {
		return journal.Inline(some(t))
	}
	return journal.Kept(journal.HashOf(some(t)), rapid.Int64Range(0, math.MaxInt64).Draw(t, "size"))
}

func body(t *rapid.T) journal.Body {
	if !yes(t) {
		return journal.Body{}
	}
	return journal.Body{Present: true, Held: yes(t), Payload: payload(t)}
}

func failure(t *rapid.T, depth int) *call.Error {
	if depth > 3 || !yes(t) {
		return nil
	}
	return &call.Error{
		Name: text(t), Message: text(t), Code: text(t), Stack: text(t), Data: json.RawMessage(some(t)),
		Cause: failure(t, depth+1), Call: number(t),
	}
}
