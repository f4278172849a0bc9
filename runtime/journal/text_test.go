package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"reprise/runtime/call"
	"reprise/runtime/journal"
)

// story is the journal of a run that was paused in doubt, failed, and was
// retried.
func story() []journal.Record {
	pos := func(line int) call.Position { return call.Position{File: file, Line: line, Column: 9} }
	started := begun()
	started.Input = journal.Inline([]byte(`{"order":7}`))
	failure := call.Errorf(call.CodeTimeout, "no answer within 10s").WithCause(call.Errorf(call.CodeConnect, "refused"))
	long := journal.Inline([]byte(`"` + strings.Repeat("x", 2000) + `"`))
	return []journal.Record{
		started,
		&journal.Turn{N: 1, At: at(1), CPU: 420 * time.Microsecond, Calls: []journal.Call{
			{
				ID: 1, Kind: "http.request", Target: "POST warehouse/holds", Class: call.Write, Args: journal.Inline([]byte(`{"method":"POST"}`)),
				Body: journal.Body{Present: true, Payload: journal.Inline([]byte(`[1,2]`))}, Pos: pos(12), Scope: "reserve",
			},
			{ID: 2, Kind: "timer", Target: "3 days", Args: journal.Inline([]byte(`{"ms":259200000}`)), Pos: pos(13)},
			{ID: 3, Kind: call.KindWait, Target: "waitFor approval", Args: journal.Inline([]byte(`{"name":"approval"}`))},
		}},
		&journal.Attempt{Call: 1, N: 1, At: at(2)},
		&journal.Control{Op: journal.OpPause, At: at(900), Reason: "in-doubt"},
		&journal.Control{Op: journal.OpResume, At: at(5000), Void: []uint64{1}},
		&journal.Attempt{Call: 1, N: 1, At: at(5001), Failed: true, Status: 429, Took: 31 * time.Millisecond, RetryAt: at(7001), Reason: "429 Too Many Requests, Retry-After: 2"},
		&journal.Outcome{Call: 1, At: at(7100), Value: long, Body: journal.Body{Present: true, Held: true, Payload: journal.Kept(journal.HashOf(nil), 70_000)}},
		&journal.Signal{Name: "approval", Value: journal.Inline([]byte(`{"from":"run-1"}`)), At: at(7110), From: "run-9"},
		&journal.Turn{N: 2, Cause: journal.ByOutcome, Outcome: 1, At: at(7120), Aborts: []uint64{2}, Calls: []journal.Call{
			{ID: 4, Kind: "http.request", Target: "GET payments/\x1b[2Jcharges\u202e", Class: call.Read, Pos: pos(20)},
		}},
		&journal.Outcome{Call: 4, At: at(17120), Err: failure},
		&journal.Turn{N: 3, Cause: journal.ByOutcome, Outcome: 4, At: at(17121), CPU: 1300 * time.Millisecond, Failed: true},
		&journal.Ended{At: at(17122), Status: "failed", Err: failure, Dropped: []uint64{3}},
		&journal.Control{Op: journal.OpRetry, At: at(90_000), Reason: "retried by a user", Turn: 3, Void: []uint64{4}, Revision: "rev-2"},
		&journal.Outcome{Call: 2, At: at(90_001), Late: true},
		&journal.Outcome{Call: 3, At: at(90_002), Value: journal.Inline([]byte(`{"from":"run-1"}`))},
		&journal.Turn{N: 3, Cause: journal.ByOutcome, Outcome: 3, At: at(90_003), CPU: 12 * time.Microsecond},
		&journal.Turn{N: 4, Cause: journal.ByUnwind, At: at(90_004), Unwinding: true},
		&journal.Ended{At: at(90_005), Status: "succeeded", Output: journal.Inline([]byte(`{"status":"done"}`)), Successor: "run-2"},
	}
}

func TestDump(t *testing.T) {
	for name, o := range map[string]journal.DumpOptions{"story.txt": {}, "story-stable.txt": {Stable: true}} {
		got, err := journal.Dump(encode(story()), nil, o)
		if err != nil {
			t.Fatal(err)
		}
		goldenText(t, name, got)
	}
}

func TestDescribe(t *testing.T) {
	var b bytes.Buffer
	for _, r := range append(story(), golden()["started"], golden()["turn"], golden()["outcome"]) {
		kind, text, at, data := journal.Describe(r)
		encoded, err := call.Encode(data)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(kind + " " + at.Format(time.RFC3339Nano) + " " + text + "\n    " + string(encoded) + "\n")
	}
	goldenText(t, "describe.txt", b.String())
}

// Whatever a record holds, the line that people see steers no terminal.
func TestLinesSteerNoTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, line, _, _ := journal.Describe(record(t))
		if strings.ContainsFunc(line, unicode.IsControl) {
			t.Fatalf("%q", line)
		}
	})
}

func TestPayloadsAsJSON(t *testing.T) {
	// JSON appears as it is while it is short; everything else says what it is.
	long := strings.Repeat("[", 5000)
	hash := journal.HashOf([]byte(long)).String()
	for _, tt := range []struct{ inline, value, body string }{
		{`{"a":"<b>"}`, `{"a":"<b>"}`, `{"json":{"a":"<b>"},"size":11}`},
		{`<html>`, `{"size":6,"text":"<html>"}`, `{"size":6,"text":"<html>"}`},
		{"\xff\x00", `{"size":2,"base64":"/wA="}`, `{"size":2,"base64":"/wA="}`},
		{long, `{"size":5000,"sha256":"` + hash + `"}`, `{"size":5000,"sha256":"` + hash + `"}`},
	} {
		p := journal.Inline([]byte(tt.inline))
		_, _, _, data := journal.Describe(&journal.Outcome{Value: p, Body: journal.Body{Present: true, Payload: p}})
		b, err := call.Encode(data)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Value, Body json.RawMessage }
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		equal(t, "value", tt.value, string(got.Value))
		equal(t, "body", tt.body, string(got.Body))
	}
}

func TestNoSeedIsShown(t *testing.T) {
	// Whoever knows the seed can make the run's secret tokens.
	seed := [32]byte{}
	copy(seed[:], "the seed of a run, 32 bytes long")
	started := begun()
	started.Seed = seed
	for _, r := range []journal.Record{started, &journal.Control{Op: journal.OpReseed, Seed: seed}} {
		_, text, _, data := journal.Describe(r)
		b, err := json.Marshal(data)
		if err != nil || strings.Contains(text+string(b), "seed of") || strings.Contains(text+string(b), "dGhlIHNlZW") {
			t.Errorf("%s %s %v", text, b, err)
		}
	}
}

func goldenText(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, name, string(want), got)
}

func TestReadSaysWhichRecord(t *testing.T) {
	good := encode(story())
	for name, tt := range map[string]struct {
		records [][]byte
		is      error
		text    string
	}{
		"empty":     {nil, journal.ErrDamaged, "journal: the journal is damaged: it has no records"},
		"cut":       {[][]byte{good[0], good[1][:9]}, journal.ErrDamaged, "journal: record 1: the journal is damaged: a record ends early"},
		"order":     {[][]byte{good[0], good[8]}, journal.ErrDamaged, "journal: record 1: the journal is damaged: turn 2 follows turn 0"},
		"twice":     {[][]byte{good[0], good[0]}, journal.ErrDamaged, "journal: record 1: the journal is damaged: it is a started record; the first one is started, and only that"},
		"no start":  {[][]byte{good[1]}, journal.ErrDamaged, "journal: record 0: the journal is damaged: it is a turn record; the first one is started, and only that"},
		"newer":     {[][]byte{good[0], {7, 1}}, journal.ErrNewer, "journal: record 1: the journal was written by a newer Reprise; run that version, or a later one (its records have version 7, this Reprise knows 1)"},
		"not there": {[][]byte{good[0], journal.Spilled(journal.HashOf(nil), 7)}, os.ErrNotExist, ""},
	} {
		load := func(journal.Hash) ([]byte, error) { return nil, os.ErrNotExist }
		_, err := journal.Read(tt.records, load)
		if !errors.Is(err, tt.is) || tt.text != "" && err.Error() != tt.text {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSpilledRecordsAreLoaded(t *testing.T) {
	records := encode(story())
	kept := map[journal.Hash][]byte{}
	for i, b := range records {
		hash := journal.HashOf(b)
		kept[hash] = b
		records[i] = journal.Spilled(hash, int64(len(b)))
	}
	load := func(h journal.Hash) ([]byte, error) { return kept[h], nil }
	h, err := journal.Read(records, load)
	if err != nil || h.Ended == nil || len(h.Turns) != 4 {
		t.Fatal(err)
	}
}

func TestOtherBytesAreNotTakenForASpilledRecord(t *testing.T) {
	sent := journal.Append(nil, &journal.Signal{Name: "a", From: "run-1"}, file)
	other := journal.Append(nil, &journal.Signal{Name: "a", From: "run-2"}, file)
	load := func(journal.Hash) ([]byte, error) { return other, nil }
	_, err := journal.Read([][]byte{journal.Append(nil, begun(), ""), journal.Spilled(journal.HashOf(sent), int64(len(sent)))}, load)
	if !errors.Is(err, journal.ErrDamaged) {
		t.Fatal(err)
	}
}

func TestSeedsOfForks(t *testing.T) {
	// A reseed applies after the turn it follows; a retry from before there
	// moves it, so that what is executed anew does not draw what the original drew.
	key := func(n byte) [32]byte { return [32]byte{n} }
	h := history(t, begun(), turn(1, 0, 1, 2, 3), ok(1), turn(2, 1), &journal.Control{Op: journal.OpReseed, Seed: key(2), Run: "fork"}, ok(2), turn(3, 2))
	equal(t, "seeds", []journal.Seed{{Key: key(1), Run: "run-1"}, {After: 2, Key: key(2), Run: "fork"}}, h.Seeds())
	if err := h.Add(retry(2)); err != nil {
		t.Fatal(err)
	}
	equal(t, "seeds", []journal.Seed{{Key: key(1), Run: "run-1"}, {After: 1, Key: key(2), Run: "fork"}}, h.Seeds())
	if got, ok := h.Reseeded(1); !ok || got.Key != key(2) || got.Run != "fork" {
		t.Error(got, ok)
	}
	for _, after := range []uint64{0, 2} {
		if _, ok := h.Reseeded(after); ok {
			t.Errorf("reseeded after turn %d", after)
		}
	}
}

func TestTries(t *testing.T) {
	h := history(t, begun(), turn(1, 0, 1))
	for _, step := range []struct {
		r    journal.Record
		want journal.Tries
	}{
		{&journal.Attempt{Call: 1, N: 1}, journal.Tries{Begun: 1, InDoubt: true}},
		{&journal.Attempt{Call: 1, N: 1, Failed: true, RetryAt: at(9)}, journal.Tries{Begun: 1, Failed: 1, RetryAt: at(9)}},
		{&journal.Attempt{Call: 1, N: 2}, journal.Tries{Begun: 2, Failed: 1, InDoubt: true}},
		{&journal.Control{Op: journal.OpResume}, journal.Tries{Begun: 2, Failed: 1, InDoubt: true}},
		{&journal.Control{Op: journal.OpResume, Void: []uint64{1}}, journal.Tries{Begun: 2, Failed: 1}},
		{&journal.Attempt{Call: 1, N: 3}, journal.Tries{Begun: 3, Failed: 1, InDoubt: true}},
		{failed(1), journal.Tries{Begun: 3, Failed: 1}},
		{retry(2, 1), journal.Tries{}},
	} {
		if err := h.Add(step.r); err != nil {
			t.Fatal(err)
		}
		equal(t, "tries", step.want, h.Tries(1))
	}
	equal(t, "generation", 0, int(h.Generation(1))) // it never had a real answer
}
