package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"reprise/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Open returns a new, empty store, and closes it when t ends.
type Open func(t *testing.T) store.Store

// Run runs the conformance suite.
func Run(t *testing.T, open Open) {
	tests := []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"Get/answers absent keys with a zero version, in order", getAbsent},
		{"KV/writes, overwrites and deletes", kvWrites},
		{"KV/versions rise with every commit that writes KV", kvVersions},
		{"KV/applies the writes of one commit in order", kvInOrder},
		{"KV/sums numbers", kvSums},
		{"KV/refuses to sum what is no number", kvSumRefused},
		{"KV/keys vanish at their time", kvExpires},
		{"KV/namespaces are apart whatever their bytes", kvNamespaces},
		{"KV/callers may reuse their bytes", kvOwnBytes},
		{"List/honours start, end, limit and direction", listRanges},
		{"Check/decides before anything is written", checks},
		{"Journal/appends behind a fence", journalFence},
		{"Journal/reads from a number on", journalFrom},
		{"Journal/a dropped one is as if it never was", journalDrop},
		{"Stamp/writes the version into a record", stamps},
		{"Stamp/one that does not fit is refused", stampRefused},
		{"Rows/are ordered, kept apart by table, and deleted", rows},
		{"Rows/IfAbsent guards the whole commit", rowsIfAbsent},
		{"Timers/come due in order of time", timersDue},
		{"Timers/are replaced and removed", timersReplaced},
		{"Commit/all parts or none", commitAtomic},
		{"Commit/an empty one is nothing", commitEmpty},
		{"Commit/an over-large one is refused and spoils nothing", commitTooLarge},
		{"Commit/a relaxed one is seen at once", commitRelaxed},
		{"Commit/is not made with a context that has ended", commitCancelled},
		{"Concurrent/one of many conflicting checks wins", concurrentChecks},
		{"Concurrent/one of many fenced appends wins", concurrentFences},
		{"Concurrent/sums lose nothing", concurrentSums},
		{"Concurrent/readers see whole commits", concurrentReaders},
		{"Close/is idempotent, and everything fails afterwards", closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}

// set returns a write of one key of namespace "n".
func set(key, value string) store.KVOp {
	return store.KVOp{Namespace: "n", Key: []byte(key), Value: []byte(value)}
}

func commit(t *testing.T, s store.Store, c store.Commit) store.Committed {
	t.Helper()
	done, err := s.Commit(t.Context(), c)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return done
}

func commitKV(t *testing.T, s store.Store, ops ...store.KVOp) store.Version {
	t.Helper()
	return commit(t, s, store.Commit{KV: ops}).Version
}

func getOne(t *testing.T, s store.Store, namespace, key string) store.Entry {
	t.Helper()
	entries, err := s.Get(t.Context(), namespace, []byte(key))
	if err != nil || len(entries) != 1 {
		t.Fatalf("Get(%q) = %v, %v", key, entries, err)
	}
	return entries[0]
}

func wantValue(t *testing.T, s store.Store, key, want string) {
	t.Helper()
	if e := getOne(t, s, "n", key); e.Version == 0 || string(e.Value) != want {
		t.Fatalf("%q is %q (version %s), want %q", key, e.Value, e.Version, want)
	}
}

func wantAbsent(t *testing.T, s store.Store, key string) {
	t.Helper()
	if e := getOne(t, s, "n", key); e.Version != 0 || len(e.Value) != 0 {
		t.Fatalf("%q is %q (version %s), want it absent", key, e.Value, e.Version)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func wantSame(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("(-want +got)\n%s", d)
	}
}

func texts(records [][]byte) []string {
	var out []string
	for _, r := range records {
		out = append(out, string(r))
	}
	return out
}

func records(from, to int) (rs [][]byte) {
	for i := from; i < to; i++ {
		rs = append(rs, fmt.Appendf(nil, "record %d", i))
	}
	return rs
}

func wantJournal(t *testing.T, s store.Store, run string, from uint64, want [][]byte) {
	t.Helper()
	got, err := s.Journal(t.Context(), run, from)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, texts(got), texts(want))
}

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
