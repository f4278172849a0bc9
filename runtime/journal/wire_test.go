package journal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reprise/runtime/call"
	"reprise/runtime/journal"
)

var update = flag.Bool("update", false, "write the golden files anew")

const file = "scripts/orders/fulfil.ts"

// golden are records of every kind, each with all of its fields.
func golden() map[string]journal.Record {
	hash := journal.HashOf([]byte("kept"))
	failure := call.Errorf(call.CodeTimeout, "late").WithData(map[string]int{"status": 503}).WithCause(call.Errorf(call.CodeConnect, "refused"))
	failure.Call, failure.Stack = 2, "TimeoutError: late\n    at scripts/orders/fulfil.ts:3:9"
	started := begun()
	started.Input, started.Env = journal.Inline([]byte(`{"order":7}`)), []byte(`{"REGION":"eu"}`)
	started.Connections, started.Secrets = []string{"warehouse", "payments"}, []string{"KEY"}
	started.Parent, started.ParentCall, started.Fork, started.ForkTurn = "run-0", 4, "run-x", 9
	return map[string]journal.Record{
		"started": started,
		"turn": &journal.Turn{
			N: 300, Cause: journal.ByOutcome, Outcome: 2, At: at(12), CPU: 412 * time.Microsecond,
			Calls: []journal.Call{
				{
					ID: 4, Kind: "http.request", Target: "POST api/x", Class: call.Write, Args: journal.Inline([]byte(`{"a":1}`)),
					Body: journal.Body{Present: true, Payload: journal.Inline([]byte("body"))},
					Pos:  call.Position{File: file, Line: 12, Column: 9}, Scope: "reserve",
				},
				{
					ID: 5, Kind: "mail.send", Target: "a@example.com", Class: call.Idempotent, Args: journal.Kept(hash, 70000),
					Body: journal.Body{Present: true, Held: true, Payload: journal.Kept(hash, 4)},
					Pos:  call.Position{File: "scripts/lib/mail.ts", Line: 1, Column: 2},
				},
				{ID: 6, Kind: "timer", Class: call.Pure},
			},
			Aborts: []uint64{3, 5}, Failed: true, Held: true, Unwinding: true,
		},
		"turn-begin":     &journal.Turn{N: 1, At: at(0)},
		"turn-unwind":    &journal.Turn{N: 4, Cause: journal.ByUnwind, At: at(0), Unwinding: true},
		"attempt":        &journal.Attempt{Call: 4, N: 1, At: at(13)},
		"attempt-failed": &journal.Attempt{Call: 4, N: 2, At: at(14), Failed: true, Status: 503, Err: failure, Took: time.Second, Bytes: 1 << 20, RetryAt: at(2014), Reason: "503 Service Unavailable, Retry-After: 2"},
		"outcome": &journal.Outcome{
			Call: 4, At: at(20), Value: journal.Inline([]byte(`{"status":200}`)),
			Body: journal.Body{Present: true, Payload: journal.Inline([]byte("OK"))},
		},
		"outcome-failed":  &journal.Outcome{Call: 4, At: at(20), Err: failure, Late: true},
		"outcome-kept":    &journal.Outcome{Call: 4, At: at(20), Value: journal.Kept(hash, 70000), Body: journal.Body{Present: true, Held: true, Payload: journal.Kept(hash, 1<<30)}},
		"signal":          &journal.Signal{Name: "approval", Value: journal.Inline([]byte("true")), At: at(30), From: "run-2"},
		"control-retry":   &journal.Control{Op: journal.OpRetry, At: at(40), Reason: "user", Turn: 3, Void: []uint64{2, 300}, Revision: "rev-2"},
		"control-reseed":  &journal.Control{Op: journal.OpReseed, At: at(40), Seed: [32]byte{31: 7}},
		"ended":           &journal.Ended{At: at(50), Status: "succeeded", Output: journal.Inline([]byte(`"done"`)), Dropped: []uint64{6}, Successor: "run-3"},
		"ended-failed":    &journal.Ended{At: at(50), Status: "failed", Reason: "limit", Err: failure},
		"ended-cancelled": &journal.Ended{At: at(50), Status: "cancelled"},
	}
}

func fileFor(r journal.Record) string {
	if _, ok := r.(*journal.Started); ok {
		return ""
	}
	return file
}

func TestGoldenBytes(t *testing.T) {
	// Journals that were written stay readable: these bytes may never change,
	// and what they say may not either. A new version of the format adds files.
	records := golden()
	for name, r := range records {
		path := filepath.Join("testdata", "v1", name+".hex")
		b := journal.Append(nil, r, fileFor(r))
		if *update {
			writeHex(t, path, b)
		}
		want := readHex(t, path)
		if !bytes.Equal(want, b) {
			t.Errorf("%s is written as\n%x\nand was\n%x", name, b, want)
		}
		got, err := journal.Parse(want, fileFor(r))
		if diff := cmp.Diff(r, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	spilled := filepath.Join("testdata", "v1", "spilled.hex")
	hash := journal.HashOf([]byte("kept"))
	if *update {
		writeHex(t, spilled, journal.Spilled(hash, 600_000))
	}
	b := readHex(t, spilled)
	if got, ok := journal.IsSpilled(b); !ok || got != hash || !bytes.Equal(b, journal.Spilled(hash, 600_000)) {
		t.Errorf("spilled: %v %v", got, ok)
	}
	found, err := filepath.Glob(filepath.Join("testdata", "v1", "*.hex"))
	if err != nil || len(found) != len(records)+1 {
		t.Errorf("%d files for %d records and a spilled one (%v)", len(found), len(records), err)
	}
}

// writeHex writes 32 bytes a line.
func writeHex(t *testing.T, path string, b []byte) {
	t.Helper()
	var text strings.Builder
	for ; len(b) > 0; b = b[min(32, len(b)):] {
		text.WriteString(hex.EncodeToString(b[:min(32, len(b))]) + "\n")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readHex(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryPrefixOfARecordIsDamaged(t *testing.T) {
	for name, r := range golden() {
		b := journal.Append(nil, r, fileFor(r))
		for n := range b {
			if _, err := journal.Parse(b[:n], fileFor(r)); !errors.Is(err, journal.ErrDamaged) {
				t.Fatalf("the first %d bytes of %s: %v", n, name, err)
			}
		}
		if _, err := journal.Parse(append(b, 0), fileFor(r)); !errors.Is(err, journal.ErrDamaged) {
			t.Fatalf("%s with a byte after it: %v", name, err)
		}
	}
}

func TestRecordsOfANewerReprise(t *testing.T) {
	b := journal.Append(nil, &journal.Signal{Name: "x"}, "")
	newer := [][]byte{append([]byte{2}, b[1:]...), append([]byte{1, 9}, b[2:]...)}
	e := journal.Append(nil, &journal.Outcome{Err: &call.Error{}}, "")
	e[13] = 200 // the version of the error
	for _, b := range append(newer, e) {
		_, err := journal.Parse(b, "")
		if !errors.Is(err, journal.ErrNewer) || errors.Is(err, journal.ErrDamaged) || !strings.Contains(err.Error(), "written by a newer Reprise") {
			t.Errorf("%x: %v", b, err)
		}
	}
	for _, b := range [][]byte{nil, {1}, {0, 5}, {1, 0}} {
		if _, err := journal.Parse(b, ""); !errors.Is(err, journal.ErrDamaged) {
			t.Errorf("%x: %v", b, err)
		}
	}
	if err := history(t, begun()).Add(&journal.Control{Op: "rewrite"}); !errors.Is(err, journal.ErrNewer) {
		t.Error(err)
	}
}

func TestRecordsSurviveTheirBinaryForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := rapid.SampledFrom([]string{"", "a.ts", file}).Draw(t, "file")
		r := record(t)
		b := journal.Append(nil, r, file)
		got, err := journal.Parse(b, file)
		if diff := cmp.Diff(r, got); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		if again := journal.Append([]byte("before"), got, file); string(again) != "before"+string(b) {
			t.Fatal("written otherwise the second time")
		}
	})
}

func TestTimesThatDoNotFit(t *testing.T) {
	// A wake-up in a thousand years is written as the latest moment there is.
	for _, moment := range []time.Time{at(0).AddDate(1000, 0, 0), at(0).AddDate(-1000, 0, 0), {}} {
		got, err := journal.Parse(journal.Append(nil, &journal.Signal{At: moment}, ""), "")
		if err != nil {
			t.Fatal(err)
		}
		is := got.(*journal.Signal).At
		if is.After(start) != moment.After(start) || is.IsZero() != moment.IsZero() {
			t.Errorf("%v became %v", moment, is)
		}
	}
}

func TestSizeOfSmallCalls(t *testing.T) {
	for name, pair := range pairs() {
		size := 0
		for _, r := range pair {
			size += len(journal.Append(nil, r, file))
		}
		t.Logf("%s: %d bytes", name, size)
		if size > 150 {
			t.Errorf("%s: outcome and turn take %d bytes", name, size)
		}
	}
}

// pairs are what a small call takes: its outcome, and the turn that issues the
// next one like it.
func pairs() map[string][]journal.Record {
	pos := call.Position{File: file, Line: 120, Column: 9}
	pair := func(value string, c journal.Call) []journal.Record {
		return []journal.Record{
			&journal.Outcome{Call: 4000, At: at(100), Value: journal.Inline([]byte(value))},
			&journal.Turn{N: 4001, Cause: journal.ByOutcome, Outcome: 4000, At: at(101), CPU: 180 * time.Microsecond, Calls: []journal.Call{c}},
		}
	}
	return map[string][]journal.Record{
		"timer": pair("", journal.Call{ID: 4001, Kind: "timer", Target: "sleep 10ms", Args: journal.Inline([]byte(`{"ms":10}`)), Pos: pos}),
		"kv set": pair(`{"versions":["00000000000000012345"]}`, journal.Call{
			ID: 4001, Kind: "kv.commit", Target: `set ["orders",17]`, Class: call.Idempotent, Args: journal.Inline([]byte(`{"set":[{"key":["orders",17]}]}`)),
			Body: journal.Body{Present: true, Payload: journal.Inline([]byte(`{"done":true}`))}, Pos: pos,
		}),
	}
}

func TestDamagedCountsAskForNoMemory(t *testing.T) {
	// A turn of a few bytes that says it has 2^40 calls, aborts or texts.
	many := []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x20}
	empty := journal.Append(nil, &journal.Turn{N: 1}, file)
	started := journal.Append(nil, &journal.Started{}, "")
	for _, b := range [][]byte{
		append(empty[:len(empty)-2:len(empty)-2], append(many, 0)...), // calls
		append(empty[:len(empty)-1:len(empty)-1], many...),            // aborts
		append(started[:10:10], append(many, started[10:]...)...),     // connections
	} {
		allocated := testing.AllocsPerRun(10, func() {
			if _, err := journal.Parse(b, file); !errors.Is(err, journal.ErrDamaged) || !strings.Contains(err.Error(), "a list of 1099511627776") {
				t.Fatal(err)
			}
		})
		if allocated > 20 {
			t.Errorf("%v allocations", allocated)
		}
	}
}

func TestHandles(t *testing.T) {
	h := journal.HashOf([]byte("x"))
	if got, err := journal.ParseHandle(journal.Handle(h)); err != nil || got != h {
		t.Error(got, err)
	}
	if got, err := journal.ParseHash(h.String()); err != nil || got != h {
		t.Error(got, err)
	}
	for _, s := range []string{"", "sha256-", "sha256-00", h.String(), "sha256-" + strings.Repeat("g", 64), "sha256-" + h.String() + "0"} {
		if _, err := journal.ParseHandle(s); err == nil {
			t.Errorf("%q is taken for a handle", s)
		}
	}
}

func TestPayloadBytes(t *testing.T) {
	kept := []byte("many bytes")
	load := func(h journal.Hash) ([]byte, error) {
		if h != journal.HashOf(kept) {
			return nil, os.ErrNotExist
		}
		return kept, nil
	}
	p := journal.Kept(journal.HashOf(kept), int64(len(kept)))
	if b, err := p.Bytes(load); err != nil || string(b) != string(kept) {
		t.Error(string(b), err)
	}
	if b, err := journal.Inline(kept).Bytes(nil); err != nil || string(b) != string(kept) {
		t.Error(string(b), err)
	}
	if _, err := journal.Kept(journal.HashOf(nil), 1).Bytes(load); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := p.Bytes(nil); err == nil {
		t.Error("nothing to load with must be an error")
	}
	p.Size++
	if _, err := p.Bytes(load); !errors.Is(err, journal.ErrDamaged) {
		t.Error(err)
	}
}
