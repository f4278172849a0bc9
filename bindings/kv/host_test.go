package kv_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"reprise/bindings/kv"
	"reprise/runtime/call"
	"reprise/store"
)

func TestStoreErrors(t *testing.T) {
	// What each failure of the store is to a script.
	h := kv.New(nil)
	p := &call.Performance{Call: call.Call{ID: 7, Kind: kv.KindCommit}}
	for _, tc := range []struct {
		err  error
		code call.Code
	}{
		{store.ErrFull, call.CodeUnavailable},
		{store.ErrClosed, call.CodeUnavailable},
		{fmt.Errorf("store: %w: 3 MiB", store.ErrTooLarge), call.CodeKVLimit},
		{store.ErrNotNumber, call.CodeInvalidArgument},
		{errors.New("disk on fire"), call.CodeStore},
		{context.Canceled, call.CodeStore},
	} {
		o := h.Committed(p, store.Committed{}, tc.err)
		if o.Call != 7 || o.Err == nil || o.Err.Code != string(tc.code) || o.Err.Cause == nil {
			t.Errorf("%v became %+v", tc.err, o.Err)
		}
	}
	o := h.Committed(p, store.Committed{}, fmt.Errorf("commit: %w", &store.CheckError{Index: 1}))
	expect(t, string(o.Value), `{"ok":false}`)
}

func TestCommitIsTranslated(t *testing.T) {
	w := newWorld(t)
	stamp := store.Version(9).String()
	args := text(kv.CommitArgs{
		Namespace: "shop",
		Checks:    []kv.Check{{Key: kv.Key{"a"}}, {Key: kv.Key{"b"}, Versionstamp: &stamp}},
		Writes: []kv.Write{
			{Op: kv.OpSet, Key: kv.Key{"a"}, Size: 3, ExpiresMS: 5000},
			{Op: kv.OpDelete, Key: kv.Key{"b"}},
			{Op: kv.OpSum, Key: kv.Key{"c"}, Delta: 2},
			{Op: kv.OpSet, Key: kv.Key{"d"}, Size: 1},
		},
	})
	c, err := w.host.Commit(&call.Performance{Call: call.Call{Kind: kv.KindCommit, Args: []byte(args), Body: call.Bytes([]byte(`"x"1`))}})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, fmt.Sprint(c.Checks[0].Namespace, c.Checks[0].Version, c.Checks[1].Version), "shop"[:0]+"shared:shop00000000000000000000 00000000000000000009")
	expect(t, fmt.Sprintf("%s %s", c.KV[0].Value, c.KV[3].Value), `"x" 1`)
	if c.KV[0].Expires.UnixMilli() != 5000 || !c.KV[1].Delete || !c.KV[2].Sum || c.KV[2].Delta != 2 || c.KV[3].Sum {
		t.Errorf("ops = %+v", c.KV)
	}
}

func TestHostTrustsNobody(t *testing.T) {
	// Arguments that no VM side of ours would send are refused.
	w := newWorld(t)
	for _, tc := range []struct{ kind, args string }{
		{kv.KindGet, ``},
		{kv.KindGet, `[]`},
		{kv.KindGet, `{"keys":[[]]}`},
		{kv.KindGet, `{"keys":[["a"]],"namespace":"script:b"}`},
		{kv.KindGet, `{"keys":[null]}`},
		{kv.KindGet, `{"keyz":[]}`},
		{kv.KindGet, `{"keys":[[{"$bytes":"!"}]]}`},
		{kv.KindList, `{}`},
		{kv.KindList, `{"prefix":[],"limit":0}`},
		{kv.KindList, `{"prefix":[],"limit":5000}`},
		{kv.KindList, `{"prefix":[],"limit":5,"cursor":"AA"}`},
		{kv.KindCommit, `{"writes":[{"op":"set","key":["a"],"size":5}]}`},
		{kv.KindCommit, `{"writes":[{"op":"set","key":["a"],"size":-1}]}`},
		{kv.KindCommit, `{"writes":[{"op":"drop","key":["a"]}]}`},
		{kv.KindCommit, `{"writes":[{"op":"delete","key":[]}]}`},
		{kv.KindCommit, `{"checks":[{"key":["a"],"versionstamp":"x"}]}`},
		{kv.KindCommit, `{"writes":[{"op":"delete","key":["a"],"expiresMs":-1}]}`},
		{"kv.other", `{}`},
	} {
		c := call.Call{ID: 1, Kind: tc.kind, Args: []byte(tc.args)}
		if tc.kind == "kv.other" {
			if o := w.host.Do(context.Background(), &call.Performance{Call: c}); o.Err == nil {
				t.Errorf("%s was performed", tc.kind)
			}
			continue
		}
		if o := w.perform("s", c); o.Err == nil {
			t.Errorf("%s %s was performed: %s", tc.kind, tc.args, o.Value)
		}
	}
	extra := call.Call{Kind: kv.KindCommit, Args: []byte(`{"writes":[{"op":"delete","key":["a"]}]}`), Body: call.Bytes([]byte("1"))}
	expectError(t, w.perform("s", extra).Err, call.CodeInvalidArgument, "more bytes")
}

func FuzzHost(f *testing.F) {
	f.Add(uint8(0), `{"keys":[["a",{"$bigint":"5"}]]}`, "")
	f.Add(uint8(1), `{"prefix":["a"],"limit":5,"reverse":true,"cursor":"AmEA"}`, "")
	f.Add(uint8(2), `{"checks":[{"key":["a"],"versionstamp":null}],"writes":[{"op":"set","key":["a"],"size":1}]}`, "1")
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, kind uint8, args, body string) {
		c := call.Call{Kind: []string{kv.KindGet, kv.KindList, kv.KindCommit}[kind%3], Args: []byte(args), Body: call.Bytes([]byte(body))}
		if o := w.perform("s", c); o.Err == nil && len(o.Value) == 0 {
			t.Fatalf("%s %q has neither value nor error", c.Kind, args)
		}
	})
}

func BenchmarkSetAndGet(b *testing.B) {
	w := newWorld(b)
	for b.Loop() {
		w.must("s", `await kv.set(["orders", 42], { total: 12.5, lines: [1, 2, 3] }); return (await kv.get(["orders", 42])).value.total`)
		w.calls = w.calls[:0]
	}
}

func TestValueLimitOfAScript(t *testing.T) {
	// A script may have a lower limit, and never a higher one.
	w := newWorld(t)
	commit := func(n int, limits call.Limits) *call.Error {
		args := text(kv.CommitArgs{Writes: []kv.Write{{Op: kv.OpSet, Key: kv.Key{"a"}, Size: n}}})
		body := []byte(`"` + strings.Repeat("x", n-2) + `"`)
		_, err := w.host.Commit(&call.Performance{By: call.Caller{Script: "s"}, Limits: limits, Call: call.Call{Kind: kv.KindCommit, Args: []byte(args), Body: call.Bytes(body)}})
		return err
	}
	if err := commit(100, call.Limits{KVValue: 100}); err != nil {
		t.Errorf("100 bytes: %v", err)
	}
	expectError(t, commit(101, call.Limits{KVValue: 100}), call.CodeKVLimit, `the value of ["a"] has 101 bytes; the script's config.limits.kvValue allows 100`)
	if err := commit(101, call.Limits{}); err != nil {
		t.Errorf("another script: %v", err)
	}
	expectError(t, commit(kv.MaxValue+1, call.Limits{KVValue: 2 * kv.MaxValue}), call.CodeKVLimit, "has at most 1000000")
}
