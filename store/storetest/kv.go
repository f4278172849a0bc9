package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"reprise/store"
)

func getAbsent(t *testing.T, s store.Store) {
	commitKV(t, s, set("b", "B"))
	entries, err := s.Get(t.Context(), "n", []byte("c"), []byte("b"), []byte("a"), []byte("b"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%s=%s %v", e.Key, e.Value, e.Version != 0))
	}
	wantSame(t, got, []string{"c= false", "b=B true", "a= false", "b=B true"})
	if entries, err := s.Get(t.Context(), "n"); err != nil || len(entries) != 0 {
		t.Fatalf("Get of no keys = %v, %v", entries, err)
	}
}

func kvWrites(t *testing.T, s store.Store) {
	commitKV(t, s, set("a", "1"), set("b", ""))
	wantValue(t, s, "a", "1")
	wantValue(t, s, "b", "")
	commitKV(t, s, set("a", "2"))
	wantValue(t, s, "a", "2")
	commitKV(t, s, store.KVOp{Namespace: "n", Key: []byte("a"), Delete: true})
	wantAbsent(t, s, "a")
	commitKV(t, s, store.KVOp{Namespace: "n", Key: []byte("never"), Delete: true})
	wantAbsent(t, s, "never")
}

func kvVersions(t *testing.T, s store.Store) {
	last := store.Version(0)
	for i := range 20 {
		v := commitKV(t, s, set("a", "x"), set(fmt.Sprint(i), "y"))
		if v <= last {
			t.Fatalf("version %s after %s", v, last)
		}
		last = v
		if e := getOne(t, s, "n", "a"); e.Version != v {
			t.Fatalf("the key has version %s, its commit %s", e.Version, v)
		}
	}
	if done := commit(t, s, store.Commit{Rows: []store.RowOp{{Table: "t", Key: "k", Value: []byte("v")}}}); done.Version != 0 {
		t.Fatalf("a commit without KV has version %s", done.Version)
	}
	if e := getOne(t, s, "n", "0"); e.Version == 0 || e.Version >= last {
		t.Fatalf("an untouched key has version %s", e.Version)
	}
}

func kvInOrder(t *testing.T, s store.Store) {
	del := store.KVOp{Namespace: "n", Key: []byte("a"), Delete: true}
	add := store.KVOp{Namespace: "n", Key: []byte("a"), Sum: true, Delta: 2}
	commitKV(t, s, set("a", "1"), set("a", "5"), add, add)
	wantValue(t, s, "a", "9")
	commitKV(t, s, del, add)
	wantValue(t, s, "a", "2")
	commitKV(t, s, add, del)
	wantAbsent(t, s, "a")
}

func kvSums(t *testing.T, s store.Store) {
	sum := func(delta float64) store.KVOp {
		return store.KVOp{Namespace: "n", Key: []byte("a"), Sum: true, Delta: delta}
	}
	for _, step := range []struct {
		delta float64
		want  string
	}{
		{0, "0"}, {1, "1"}, {0.5, "1.5"}, {-1.5, "0"}, {1e21, "1e+21"}, {-1e21, "0"}, {1e-7, "1e-7"}, {9007199254740991, "9007199254740991"},
	} {
		commitKV(t, s, sum(step.delta))
		wantValue(t, s, "a", step.want)
	}
	commitKV(t, s, set("a", " -12.5e1 "))
	commitKV(t, s, sum(1))
	wantValue(t, s, "a", "-124")
}

func kvSumRefused(t *testing.T, s store.Store) {
	sum := store.KVOp{Namespace: "n", Key: []byte("a"), Sum: true, Delta: 1e308}
	for _, value := range []string{"", `"1"`, "null", "1 2", "0x10", "Infinity", "1e999", "[]", "1.7e308"} {
		commitKV(t, s, set("a", value))
		_, err := s.Commit(t.Context(), store.Commit{KV: []store.KVOp{set("b", "spoiled"), sum}})
		if !errors.Is(err, store.ErrNotNumber) {
			t.Fatalf("sum on %q: error %v", value, err)
		}
		wantValue(t, s, "a", value)
		wantAbsent(t, s, "b")
	}
}

func kvExpires(t *testing.T, s store.Store) {
	later := time.Now().Add(time.Hour).Round(0).UTC()
	past, future := set("past", "1"), set("future", "1")
	past.Expires = time.Now().Add(-time.Nanosecond)
	future.Expires = later
	commitKV(t, s, past, future)
	wantAbsent(t, s, "past")
	wantValue(t, s, "future", "1")
	if e := getOne(t, s, "n", "future"); !e.Expires.Equal(later) {
		t.Fatalf("expires %v, want %v", e.Expires, later)
	}
	got, err := s.List(t.Context(), "n", store.Range{Limit: 1})
	if err != nil || len(got) != 1 || string(got[0].Key) != "future" || !got[0].Expires.Equal(later) {
		t.Fatalf("List = %v, %v", got, err)
	}
	// An expired key counts as absent for checks and sums.
	commit(t, s, store.Commit{
		Checks: []store.Check{{Namespace: "n", Key: []byte("past")}},
		KV:     []store.KVOp{{Namespace: "n", Key: []byte("past"), Sum: true, Delta: 5}},
	})
	wantValue(t, s, "past", "5")
	// A write without Expires makes a key stay.
	commitKV(t, s, set("future", "2"))
	if e := getOne(t, s, "n", "future"); !e.Expires.IsZero() {
		t.Fatalf("expires %v, want never", e.Expires)
	}
}

func kvNamespaces(t *testing.T, s store.Store) {
	names := []string{"", "a", "ab", "a\x00", "a\x00b", "\x00", "\x01a", "\xff", "a\xff", "k", string(make([]byte, 300))}
	keys := []string{"", "\x00", "a", "b", "\xff\xff", "ab"}
	for _, n := range names {
		for _, k := range keys {
			commitKV(t, s, store.KVOp{Namespace: n, Key: []byte(k), Value: fmt.Appendf(nil, "%q/%q", n, k)})
		}
	}
	for _, n := range names {
		for _, reverse := range []bool{false, true} {
			got, err := s.List(t.Context(), n, store.Range{Reverse: reverse})
			if err != nil || len(got) != len(keys) {
				t.Fatalf("namespace %q has %d keys, want %d (%v)", n, len(got), len(keys), err)
			}
			for _, e := range got {
				if want := fmt.Sprintf("%q/%q", n, e.Key); string(e.Value) != want {
					t.Fatalf("found %s in the place of %s", e.Value, want)
				}
			}
		}
		for _, k := range keys {
			if e := getOne(t, s, n, k); string(e.Value) != fmt.Sprintf("%q/%q", n, k) {
				t.Fatalf("%q/%q is %s", n, k, e.Value)
			}
		}
	}
}

func kvOwnBytes(t *testing.T, s store.Store) {
	key, value, record := []byte("key"), []byte("value"), []byte("record")
	commit(t, s, store.Commit{
		Run: "r", Appends: [][]byte{record},
		KV: []store.KVOp{{Namespace: "n", Key: key, Value: value}}, Relaxed: true,
	})
	for _, b := range [][]byte{key, value, record} {
		clear(b)
	}
	wantValue(t, s, "key", "value")
	wantJournal(t, s, "r", 0, [][]byte{[]byte("record")})
	got := getOne(t, s, "n", "key")
	clear(got.Value)
	wantValue(t, s, "key", "value")
}

func listRanges(t *testing.T, s store.Store) {
	for _, k := range []string{"a", "b", "b\x00", "c", "d"} {
		commitKV(t, s, set(k, k))
	}
	commitKV(t, s, store.KVOp{Namespace: "m", Key: []byte("bb")}, store.KVOp{Namespace: "o", Key: []byte("")})
	for _, tt := range []struct {
		r    store.Range
		want []string
	}{
		{store.Range{}, []string{"a", "b", "b\x00", "c", "d"}},
		{store.Range{Reverse: true}, []string{"d", "c", "b\x00", "b", "a"}},
		{store.Range{Start: []byte("b")}, []string{"b", "b\x00", "c", "d"}},
		{store.Range{Start: []byte("b"), Reverse: true}, []string{"d", "c", "b\x00", "b"}},
		{store.Range{End: []byte("c")}, []string{"a", "b", "b\x00"}},
		{store.Range{End: []byte("c"), Reverse: true}, []string{"b\x00", "b", "a"}},
		{store.Range{Start: []byte("b"), End: []byte("c")}, []string{"b", "b\x00"}},
		{store.Range{Start: []byte("aa"), End: []byte("bb"), Reverse: true}, []string{"b\x00", "b"}},
		{store.Range{Start: []byte("b"), End: []byte("b")}, nil},
		{store.Range{Start: []byte("c"), End: []byte("b")}, nil},
		{store.Range{Start: []byte("c"), End: []byte("b"), Reverse: true}, nil},
		{store.Range{Start: []byte("e")}, nil},
		{store.Range{End: []byte("zzz"), Reverse: true, Limit: 1}, []string{"d"}},
		{store.Range{Limit: 2}, []string{"a", "b"}},
		{store.Range{Limit: 2, Reverse: true}, []string{"d", "c"}},
	} {
		got, err := s.List(t.Context(), "n", tt.r)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, e := range got {
			keys = append(keys, string(e.Key))
			if string(e.Value) != string(e.Key) || e.Version == 0 {
				t.Fatalf("%q is %q, version %s", e.Key, e.Value, e.Version)
			}
		}
		wantSame(t, keys, tt.want)
	}
	for i := range 150 {
		commitKV(t, s, store.KVOp{Namespace: "many", Key: fmt.Appendf(nil, "%03d", i)})
	}
	if got, err := s.List(t.Context(), "many", store.Range{}); err != nil || len(got) != 100 {
		t.Fatalf("without a limit %d keys came (%v), want 100", len(got), err)
	}
}

func checks(t *testing.T, s store.Store) {
	v := commitKV(t, s, set("a", "1"))
	on := func(key string, v store.Version) store.Check {
		return store.Check{Namespace: "n", Key: []byte(key), Version: v}
	}
	commit(t, s, store.Commit{Checks: []store.Check{on("a", v), on("b", 0)}, KV: []store.KVOp{set("b", "1")}})
	_, err := s.Commit(t.Context(), store.Commit{
		Checks: []store.Check{on("a", v), on("b", 0)},
		KV:     []store.KVOp{set("a", "spoiled")},
	})
	failed, ok := errors.AsType[*store.CheckError](err)
	if !ok || failed.Index != 1 || string(failed.Check.Key) != "b" || failed.Found != getOne(t, s, "n", "b").Version {
		t.Fatalf("error %#v", err)
	}
	wantValue(t, s, "a", "1")
	// Checks are judged before the commit's own writes.
	commit(t, s, store.Commit{Checks: []store.Check{on("c", 0)}, KV: []store.KVOp{set("c", "1")}})
	// A commit of checks alone answers whether they hold.
	commit(t, s, store.Commit{Checks: []store.Check{on("a", v)}})
	if _, err := s.Commit(t.Context(), store.Commit{Checks: []store.Check{on("a", v+1)}}); err == nil {
		t.Fatal("a check of a version that is not there held")
	}
}
