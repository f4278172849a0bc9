package vault

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/store"
	"reprise/store/badger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canary is a value that is found wherever it is.
const canary = "canary-7d0f3c-do-not-print"

func memory(t testing.TB) store.Store {
	t.Helper()
	s, err := badger.Open(badger.Options{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// house is a vault with what it works with.
type house struct {
	*Vault
	store  Store
	live   *connections.Secrets
	log    *bytes.Buffer
	source Source
}

func liveOf(t testing.TB, given map[string]string) *connections.Secrets {
	t.Helper()
	live, err := connections.NewSecrets(given, map[string][]string{"BOUND": {"api.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	return live
}

func clock() time.Time { return time.Date(2026, 12, 1, 8, 30, 0, 123e6, time.UTC) }

// opened opens the secrets of a store as the next process does.
func opened(t testing.TB, s Store, source Source, given map[string]string) (*house, error) {
	t.Helper()
	h := &house{store: s, live: liveOf(t, given), log: &bytes.Buffer{}, source: source}
	v, err := Open(t.Context(), Options{
		Store: s, Live: h.live, Source: source, Logger: slog.New(slog.NewTextHandler(h.log, nil)), Now: clock,
	})
	h.Vault = v
	if err != nil {
		return h, err
	}
	t.Cleanup(v.Close)
	return h, nil
}

func mustOpen(t testing.TB, s Store, source Source) *house {
	t.Helper()
	h, err := opened(t, s, source, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) mustSet(t testing.TB, name, value string) Secret {
	t.Helper()
	s, _, err := h.Set(t.Context(), name, []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantValues checks what is live.
func (h *house) wantValues(t testing.TB, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, name := range h.live.Names() {
		got[name], _ = h.live.Value(name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func wantCode(t testing.TB, err error, code call.Code, text string) {
	t.Helper()
	if call.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), text) {
		t.Errorf("the error is %v, want %s with %q", err, code, text)
	}
	if err != nil && strings.Contains(err.Error(), canary) {
		t.Errorf("the error has the value: %v", err)
	}
}

func someKey(t testing.TB) Source { t.Helper(); return Given(NewKey(), "REPRISE_MASTER_KEY") }

func TestSetAndDelete(t *testing.T) {
	// What is set and deleted is live at once, and there for the next process.
	s, source := memory(t), someKey(t)
	h := mustOpen(t, s, source)
	h.wantValues(t, map[string]string{})
	at := clock()
	if d := cmp.Diff(Secret{Name: "A", Source: Stored, Version: 1, SetAt: &at}, h.mustSet(t, "A", canary)); d != "" {
		t.Error(d)
	}
	h.mustSet(t, "A", canary+"2")
	h.mustSet(t, "key", "a name that the store has, too")
	h.mustSet(t, "BOUND", "x")
	want := map[string]string{"A": canary + "2", "key": "a name that the store has, too", "BOUND": "x"}
	h.wantValues(t, want)
	all, err := h.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantList := []Secret{
		{Name: "A", Source: Stored, Version: 2, SetAt: &at},
		{Name: "BOUND", Source: Stored, Version: 1, SetAt: &at, Hosts: []string{"api.example.com"}},
		{Name: "key", Source: Stored, Version: 1, SetAt: &at},
	}
	if d := cmp.Diff(wantList, all); d != "" {
		t.Error(d)
	}
	h = mustOpen(t, s, source)
	h.wantValues(t, want)
	if all, err = h.List(t.Context()); err != nil || !cmp.Equal(wantList, all) {
		t.Errorf("after a restart: %v, %v", all, err)
	}
	if err := h.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	delete(want, "key")
	h.wantValues(t, want)
	wantCode(t, h.Delete(t.Context(), "key"), call.CodeNotFound, "there is no secret key")
	mustOpen(t, s, source).wantValues(t, want)
	if strings.Contains(h.log.String(), canary) || !strings.Contains(h.log.String(), "the secret key was deleted") {
		t.Errorf("the log is %s", h.log)
	}
}

func TestEnvironmentWins(t *testing.T) {
	s, source := memory(t), someKey(t)
	h, err := opened(t, s, source, map[string]string{"A": "given", "B": "given"})
	if err != nil {
		t.Fatal(err)
	}
	if set := h.mustSet(t, "A", "stored"); set.Source != Environment || set.Version != 1 {
		t.Errorf("it is %+v", set)
	}
	h.wantValues(t, map[string]string{"A": "given", "B": "given"})
	all, err := h.List(t.Context())
	if err != nil || len(all) != 2 || all[1].Version != 0 || all[1].SetAt != nil || all[1].Source != Environment {
		t.Errorf("List: %+v, %v", all, err)
	}
	wantCode(t, h.Delete(t.Context(), "B"), call.CodeNotFound, "REPRISE_SECRET_B in the environment")
	mustOpen(t, s, source).wantValues(t, map[string]string{"A": "stored"})
	if err := h.Delete(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	h.wantValues(t, map[string]string{"A": "given", "B": "given"})
}

func TestWithoutSecretsNoKeyIsNeeded(t *testing.T) {
	s := memory(t)
	h := mustOpen(t, s, Nowhere("nothing is configured"))
	_, _, err := h.Set(t.Context(), "A", []byte(canary))
	wantCode(t, err, call.CodeConflict, "nothing is configured")
	_, err = h.Rotate(t.Context(), nil)
	wantCode(t, err, call.CodeConflict, "no secrets")
	if h.log.Len() > 0 {
		t.Errorf("the log is %s", h.log)
	}
	// When the last one is deleted, it is the same again.
	source := someKey(t)
	h = mustOpen(t, s, source)
	h.mustSet(t, "A", canary)
	if _, err := opened(t, s, Nowhere("nothing is configured"), nil); err == nil || !strings.Contains(err.Error(), "nothing is configured") {
		t.Errorf("without a key: %v", err)
	}
	if err := h.Delete(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	if rows, err := s.List(t.Context(), namespace, store.Range{}); err != nil || len(rows) != 0 {
		t.Errorf("the store has %v, %v", rows, err)
	}
	mustOpen(t, s, Nowhere("nothing is configured"))
	h.mustSet(t, "A", canary)
	mustOpen(t, s, source).wantValues(t, map[string]string{"A": canary})
}

func TestRefused(t *testing.T) {
	h := mustOpen(t, memory(t), someKey(t))
	for name, tc := range map[string]struct{ name, value, text string }{
		"no name":     {"", canary, "can not be the name"},
		"a bad name":  {canary, "x", "can not be the name"},
		"long name":   {strings.Repeat("A", 129), canary, "can not be the name"},
		"empty":       {"A", "", "is empty"},
		"too long":    {"A", strings.Repeat(canary, MaxValue/len(canary)+1), "16384 at most"},
		"not in UTF8": {"A", canary + "\xff", "not text in UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := h.Set(t.Context(), tc.name, []byte(tc.value))
			wantCode(t, err, call.CodeInvalidArgument, tc.text)
		})
	}
	h.wantValues(t, map[string]string{})
}

func TestAsManyAsThereCanBe(t *testing.T) {
	// At its limits all of it is still sealed anew in one transaction.
	t.Run("secrets", func(t *testing.T) {
		h := mustOpen(t, memory(t), someKey(t))
		for i := range MaxSecrets {
			h.mustSet(t, fmt.Sprintf("%s%d", strings.Repeat("N", 125), i), strings.Repeat("v", MaxTotal/MaxSecrets))
		}
		_, _, err := h.Set(t.Context(), "ONE_MORE", []byte("v"))
		wantCode(t, err, call.CodeConflict, "500 secrets")
		if _, err := h.Rotate(t.Context(), NewKey()); err != nil {
			t.Error(err)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		h := mustOpen(t, memory(t), someKey(t))
		for i := range MaxTotal / MaxValue {
			h.mustSet(t, fmt.Sprint("N", i), strings.Repeat("v", MaxValue))
		}
		h.mustSet(t, "N1", strings.Repeat("w", MaxValue)) // what is replaced does not count
		_, _, err := h.Set(t.Context(), "ONE_MORE", []byte("v"))
		wantCode(t, err, call.CodeConflict, "1048576 at most")
		if _, err := h.Rotate(t.Context(), NewKey()); err != nil {
			t.Error(err)
		}
	})
}

// raw is what the store has in the namespace.
func raw(t interface{ Fatal(...any) }, s Store) map[string][]byte {
	entries, err := s.List(context.Background(), namespace, store.Range{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		out[string(e.Key)] = e.Value
	}
	return out
}

func put(t interface{ Fatal(...any) }, s Store, key string, value []byte) {
	op := store.KVOp{Namespace: namespace, Key: []byte(key), Value: value, Delete: value == nil}
	if _, err := s.Commit(context.Background(), store.Commit{KV: []store.KVOp{op}}); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsInClear(t *testing.T) {
	s := memory(t)
	h := mustOpen(t, s, someKey(t))
	h.mustSet(t, "A", canary)
	for key, record := range raw(t, s) {
		if bytes.Contains(record, []byte(canary[:6])) || bytes.Contains(record, h.data[:8]) {
			t.Errorf("%s is in clear: %q", key, record)
		}
	}
	for _, printed := range []string{fmt.Sprintf("%v %+v %#v %s", h.data, h.data, h.data, *h.data), fmt.Sprintf("%+v", h.source)} {
		if strings.Contains(printed, fmt.Sprint(h.data[0], " ", h.data[1])) || strings.Contains(printed, fmt.Sprintf("0x%x, 0x%x", h.data[0], h.data[1])) {
			t.Errorf("a key is printed: %s", printed)
		}
	}
}

func TestTampering(t *testing.T) {
	// A change of any byte of any record is found when it is opened.
	s, source := memory(t), someKey(t)
	h := mustOpen(t, s, source)
	h.mustSet(t, "A", canary)
	h.mustSet(t, "B", "another value")
	good := raw(t, s)
	keys := []string{"key", "secret/A", "secret/B"}
	rapid.Check(t, func(rt *rapid.T) {
		key := rapid.SampledFrom(keys).Draw(rt, "record")
		record := bytes.Clone(good[key])
		switch rapid.SampledFrom([]string{"flip", "cut", "grow"}).Draw(rt, "how") {
		case "flip":
			record[rapid.IntRange(0, len(record)-1).Draw(rt, "at")] ^= rapid.ByteRange(1, 255).Draw(rt, "bits")
		case "cut":
			record = record[:rapid.IntRange(1, len(record)-1).Draw(rt, "to")]
		case "grow":
			record = append(record, rapid.Byte().Draw(rt, "more"))
		}
		put(rt, s, key, record)
		defer put(rt, s, key, good[key])
		h, err := opened(t, s, source, nil)
		if err == nil || strings.Contains(err.Error(), canary) {
			rt.Fatalf("it opens, or says too much: %v", err)
		}
		if names := h.live.Names(); len(names) > 0 {
			rt.Fatalf("live are %v", names)
		}
	})
	mustOpen(t, s, source)
}

func TestEveryByte(t *testing.T) {
	// The same of each single byte of one record, without chance.
	data := NewKey()
	head := secretHead{generation: 3, version: 7, setAt: clock()}
	record := secretKind.seal(data, "A", head, []byte(canary))
	if value, err := secretKind.open(data, "A", record); err != nil || string(value) != canary {
		t.Fatal(string(value), err)
	}
	for i := range record {
		bad := bytes.Clone(record)
		bad[i] ^= 1
		if _, err := secretKind.open(data, "A", bad); err == nil {
			t.Errorf("byte %d can be changed", i)
		}
	}
	// The head of one version on the body of another.
	next := secretKind.seal(data, "A", secretHead{generation: 3, version: 8, setAt: clock()}, []byte("newer"))
	if _, err := secretKind.open(data, "A", append(bytes.Clone(next[:secretHeader]), record[secretHeader:]...)); err == nil {
		t.Error("an old value opens as the newer version")
	}
	if _, err := secretKind.open(data, "B", record); err == nil {
		t.Error("it opens under another name")
	}
	if _, err := secretKind.open(NewKey(), "A", record); err == nil {
		t.Error("it opens with another key")
	}
	if again := secretKind.seal(data, "A", head, []byte(canary)); bytes.Equal(again[secretHeader:], record[secretHeader:]) {
		t.Error("the same value is sealed the same twice")
	}
}

func TestMoved(t *testing.T) {
	s, source := memory(t), someKey(t)
	h := mustOpen(t, s, source)
	h.mustSet(t, "A", canary)
	h.mustSet(t, "B", "another value")
	put(t, s, "secret/B", raw(t, s)["secret/A"])
	if _, err := opened(t, s, source, nil); err == nil || !strings.Contains(err.Error(), "the secret B in the store: it does not open") {
		t.Errorf("the record of A in the place of B: %v", err)
	}
	put(t, s, "secret/B", nil)
	put(t, s, "key", nil)
	if _, err := opened(t, s, source, nil); err == nil || !strings.Contains(err.Error(), "data key is missing") {
		t.Errorf("without the data key: %v", err)
	}
}

func TestLocked(t *testing.T) {
	// Who has lost the key can still list and delete.
	s := memory(t)
	h := mustOpen(t, s, someKey(t))
	h.mustSet(t, "A", canary)
	h.mustSet(t, "B", canary)
	put(t, s, "secret/B", []byte("damaged"))
	v, err := Open(t.Context(), Options{Store: s, Live: liveOf(t, nil), Locked: true})
	if err != nil {
		t.Fatal(err)
	}
	all, err := v.List(t.Context())
	if err != nil || len(all) != 2 || all[0].Version != 1 {
		t.Errorf("List: %+v, %v", all, err)
	}
	_, _, err = v.Set(t.Context(), "C", []byte("x"))
	wantCode(t, err, call.CodeConflict, "without their master key")
	_, err = v.Rotate(t.Context(), nil)
	wantCode(t, err, call.CodeConflict, "without their master key")
	for _, name := range []string{"B", "A"} {
		if err := v.Delete(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	mustOpen(t, s, Nowhere(""))
}

func TestWrongKey(t *testing.T) {
	s, dir := memory(t), t.TempDir()
	path := filepath.Join(dir, "new", "folder", "a.key")
	h := mustOpen(t, s, OwnFile(path))
	_, keyFile, err := h.Set(t.Context(), "A", []byte(canary))
	if err != nil || keyFile != path || !strings.Contains(h.log.String(), "make a backup") {
		t.Fatalf("the key file is %q, %v; the log has %s", keyFile, err, h.log)
	}
	if _, keyFile, err := h.Set(t.Context(), "B", []byte("b")); err != nil || keyFile != "" {
		t.Errorf("the second secret made a key: %q, %v", keyFile, err)
	}
	// Where it is there already, a new store says so all the same.
	if _, keyFile, err := mustOpen(t, memory(t), OwnFile(path)).Set(t.Context(), "A", []byte(canary)); err != nil || keyFile != path {
		t.Errorf("the key file is %q, %v", keyFile, err)
	}
	for _, p := range []string{path, filepath.Dir(path)} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", p, info.Mode(), err)
		}
	}
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(content string, mode fs.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(name, text string, source Source) {
		t.Helper()
		_, err := opened(t, s, source, nil)
		var wrong *KeyError
		if err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), strings.TrimSpace(string(key))) {
			t.Errorf("%s: %v", name, err)
		} else if !asKeyError(err, &wrong) {
			t.Errorf("%s: %v is no KeyError", name, err)
		}
	}
	refused("another key", "is the wrong one: the store's secrets are sealed with the key "+fingerprint(h.head.check), someKey(t))
	refused("no file", "there is no file "+path+"x", File(path+"x"))
	write(string(key), 0o604)
	refused("others can read it", "chmod 600", File(path))
	write(string(key), 0o620)
	refused("the group can write it", "chmod 600", File(path))
	write("", 0o600)
	refused("empty", "openssl rand -base64 32", File(path))
	write(string(key[:20]), 0o600)
	refused("cut off", "not a master key", File(path))
	refused("a folder", "is not a file", File(dir))
	write(string(key), 0o440)
	mustOpen(t, s, File(path)).wantValues(t, map[string]string{"A": canary, "B": "b"})
}

func TestFileOfSomebodyElse(t *testing.T) {
	// A file that is configured is not made: it may be a mount that is missing.
	path := filepath.Join(t.TempDir(), "a.key")
	h := mustOpen(t, memory(t), File(path))
	_, _, err := h.Set(t.Context(), "A", []byte(canary))
	wantCode(t, err, call.CodeConflict, "there is no master key in "+path)
	if _, err := os.Stat(path); err == nil {
		t.Error("it was made")
	}
}

func TestParseKey(t *testing.T) {
	k := NewKey()
	for _, text := range []string{string(k.text()), strings.TrimRight(string(k.text()), "=\n"), fmt.Sprintf("  %x\n", k[:]), strings.ToUpper(fmt.Sprintf("%x", k[:])), strings.NewReplacer("+", "-", "/", "_").Replace(string(k.text()))} {
		if got, err := ParseKey(text); err != nil || *got != *k {
			t.Errorf("a form of it is not read: %v", err)
		}
	}
	for _, text := range []string{"", "a", strings.Repeat("A", 42), strings.Repeat("A", 43), strings.Repeat("0", 64), strings.Repeat("zz", 32), canary, strings.Repeat("A", 44)} {
		if _, err := ParseKey(text); err == nil || text != "" && text != "a" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// BenchmarkOpen is what a start takes longer with as many secrets as there can be.
func BenchmarkOpen(b *testing.B) {
	s, source := memory(b), someKey(b)
	h := mustOpen(b, s, source)
	for i := range MaxSecrets {
		h.mustSet(b, fmt.Sprint("N", i), strings.Repeat("v", MaxTotal/MaxSecrets))
	}
	for b.Loop() {
		v, err := Open(b.Context(), Options{Store: s, Live: liveOf(b, nil), Source: source})
		if err != nil {
			b.Fatal(err)
		}
		v.Close()
	}
}
