package storetest

import (
	"strings"
	"testing"

	"reprise/store"
)

// room is where the digits of a version go.
var room = strings.Repeat("?", store.VersionDigits)

func stamps(t *testing.T, s store.Store) {
	first := []byte("v=" + room + ";")
	done := commit(t, s, store.Commit{
		Run: "r", Appends: [][]byte{[]byte("plain"), first},
		Stamp: &store.Stamp{Append: 1, Offset: 2}, KV: []store.KVOp{set("a", "1")},
	})
	if string(first) != "v="+room+";" {
		t.Fatalf("the caller's bytes were changed to %q", first)
	}
	want := [][]byte{[]byte("plain"), []byte("v=" + done.Version.String() + ";")}
	wantJournal(t, s, "r", 0, want)
	if e := getOne(t, s, "n", "a"); e.Version != done.Version {
		t.Fatalf("the key has version %s, its commit %s", e.Version, done.Version)
	}
	// A record that is nothing but its version, in a commit that does not wait
	// and that only deletes.
	for i := range 3 {
		done := commit(t, s, store.Commit{
			Run: "r", ExpectSeq: uint64(2 + i), Appends: [][]byte{[]byte(room)}, Stamp: &store.Stamp{},
			KV: []store.KVOp{{Namespace: "n", Key: []byte("a"), Delete: true}}, Relaxed: true,
		})
		want = append(want, []byte(done.Version.String()))
	}
	wantJournal(t, s, "r", 0, want)
}

func stampRefused(t *testing.T, s store.Store) {
	kv := []store.KVOp{set("a", "1")}
	appends := [][]byte{[]byte("short"), []byte("v" + room)}
	for name, c := range map[string]store.Commit{
		"without KV":         {Appends: appends, Stamp: &store.Stamp{Append: 1}},
		"without appends":    {KV: kv, Stamp: &store.Stamp{}},
		"append too high":    {KV: kv, Appends: appends, Stamp: &store.Stamp{Append: 2}},
		"append below zero":  {KV: kv, Appends: appends, Stamp: &store.Stamp{Append: -1}},
		"in a short record":  {KV: kv, Appends: appends, Stamp: &store.Stamp{Append: 0}},
		"one byte beyond":    {KV: kv, Appends: appends, Stamp: &store.Stamp{Append: 1, Offset: 2}},
		"far beyond":         {KV: kv, Appends: appends, Stamp: &store.Stamp{Append: 1, Offset: 1 << 62}},
		"offset below zero":  {KV: kv, Appends: appends, Stamp: &store.Stamp{Append: 1, Offset: -1}},
		"in an empty commit": {Stamp: &store.Stamp{}},
	} {
		c.Run = "r"
		done, err := s.Commit(t.Context(), c)
		if done != (store.Committed{}) {
			t.Errorf("%s: the commit returned %v", name, done)
		}
		wantErr(t, err, store.ErrStamp)
	}
	wantAbsent(t, s, "a")
	wantJournal(t, s, "r", 0, nil)
}
