package vault

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"reprise/runtime/call"
	"reprise/store"
)

// mustKeep keeps a login in the place of the version at.
func (h *house) mustKeep(t testing.TB, name, value string, at store.Version) store.Version {
	t.Helper()
	now, _, err := h.KeepLogin(t.Context(), name, []byte(value), at, store.Commit{})
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func (h *house) wantLogin(t testing.TB, name, want string) store.Version {
	t.Helper()
	value, at, err := h.Login(t.Context(), name)
	if err != nil || string(value) != want {
		t.Errorf("the login of %s is %q, %v; want %q", name, value, err, want)
	}
	return at
}

func TestLogins(t *testing.T) {
	s, path := memory(t), filepath.Join(t.TempDir(), "a.key")
	h := mustOpen(t, s, OwnFile(path))
	if at := h.wantLogin(t, "crm", ""); at != 0 {
		t.Error("there is one")
	}
	at, keyFile, err := h.KeepLogin(t.Context(), "crm", []byte(canary), 0, store.Commit{})
	if err != nil || keyFile != path {
		t.Fatalf("%q, %v", keyFile, err)
	}
	if got := h.wantLogin(t, "crm", canary); got != at {
		t.Errorf("it is version %v, and was kept as %v", got, at)
	}
	h.wantValues(t, map[string]string{}) // it is no secret that somebody could use
	if all, err := h.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	for key, record := range raw(t, s) {
		if bytes.Contains(record, []byte(canary)) {
			t.Errorf("%s has the value", key)
		}
	}
	mustOpen(t, s, OwnFile(path)).wantLogin(t, "crm", canary)

	// A version that is not there any more is not replaced.
	next := h.mustKeep(t, "crm", "second", at)
	_, _, err = h.KeepLogin(t.Context(), "crm", []byte("third"), at, store.Commit{})
	wantCode(t, err, call.CodeConflict, "was changed meanwhile")
	_, _, err = h.KeepLogin(t.Context(), "crm", []byte("third"), 0, store.Commit{})
	wantCode(t, err, call.CodeConflict, "was changed meanwhile")
	_, _, err = h.KeepLogin(t.Context(), "crm", []byte("third"), next, store.Commit{Checks: []store.Check{{Namespace: "x", Key: []byte("y"), Version: 7}}})
	wantCode(t, err, call.CodeConflict, "somebody else")
	_, _, err = h.KeepLogin(t.Context(), "crm", bytes.Repeat([]byte("x"), MaxLogin+1), next, store.Commit{})
	wantCode(t, err, call.CodeConflict, "at most")
	h.wantLogin(t, "crm", "second")
}

func TestLoginsOfTwoVaults(t *testing.T) {
	// Two that share a store see what the other has done, a rotated key included.
	s, path := memory(t), filepath.Join(t.TempDir(), "a.key")
	a := mustOpen(t, s, OwnFile(path))
	at := a.mustKeep(t, "crm", "first", 0)
	b := mustOpen(t, s, OwnFile(path))
	b.mustKeep(t, "crm", "second", at)
	at = a.wantLogin(t, "crm", "second")
	if _, err := a.Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	now := b.wantLogin(t, "crm", "second")
	if now == at {
		t.Error("it was not sealed anew")
	}
	b.mustKeep(t, "crm", "third", now)
	a.wantLogin(t, "crm", "third")
	if err := b.DeleteLogin(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	a.wantLogin(t, "crm", "")
	if rows := raw(t, s); len(rows) != 0 {
		t.Errorf("the store has %d records", len(rows))
	}
	a.mustKeep(t, "crm", "fourth", 0) // with the first key again
	b.wantLogin(t, "crm", "fourth")
}

func TestRotateSealsLoginsAnew(t *testing.T) {
	s, old, next := memory(t), NewKey(), NewKey()
	h := mustOpen(t, s, Given(old, "the test"))
	h.mustKeep(t, "crm", canary, 0)
	h.mustSet(t, "A", "a")
	before := raw(t, s)
	done, err := h.Rotate(t.Context(), next)
	if err != nil || done.Secrets != 1 || done.Logins != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	for key, record := range raw(t, s) {
		if bytes.Equal(record, before[key]) {
			t.Errorf("%s was not sealed anew", key)
		}
	}
	at := h.wantLogin(t, "crm", canary)
	h.mustKeep(t, "crm", canary+"2", at)
	mustOpen(t, s, Given(next, "the test")).wantLogin(t, "crm", canary+"2")
	if _, err := opened(t, s, Given(old, "the test"), nil); err == nil {
		t.Error("the old key still opens")
	}
}

func TestLoginsAreBoundToTheirName(t *testing.T) {
	// What was sealed as one login opens as no other, and not as a secret.
	s, source := memory(t), someKey(t)
	h := mustOpen(t, s, source)
	h.mustKeep(t, "crm", canary, 0)
	h.mustKeep(t, "mail", "m", 0)
	h.mustSet(t, "mail", "a secret")
	all := raw(t, s)
	for name, record := range map[string][]byte{
		"another login": all["login/crm"], "a secret": all["secret/mail"], "a changed one": append(bytes.Clone(all["login/mail"][:len(all["login/mail"])-1]), 0), "too short": {format}, "nothing": {},
	} {
		put(t, s, "login/mail", record)
		v, err := opened(t, s, source, nil)
		if err != nil {
			t.Fatalf("%s: the server does not start: %v", name, err)
		}
		_, at, err := v.Login(t.Context(), "mail")
		wantCode(t, err, call.CodeStore, "log in again with \"reprise connections login mail\"")
		if _, err := v.Rotate(t.Context(), NewKey()); err == nil || !strings.Contains(err.Error(), "login of mail") {
			t.Errorf("%s: the key was rotated: %v", name, err)
		}
		v.mustKeep(t, "mail", "new", at) // a login mends it
		v.wantLogin(t, "mail", "new")
		v.wantLogin(t, "crm", canary)
	}
	put(t, s, "login/mail", all["login/mail"])
	put(t, s, "secret/crm", all["login/crm"])
	if _, err := opened(t, s, source, nil); err == nil {
		t.Error("a login opens as a secret")
	}
}

func TestLoginsWithoutTheKey(t *testing.T) {
	// When the key is lost, logins can be removed like secrets; then none is needed.
	s := memory(t)
	h := mustOpen(t, s, someKey(t))
	h.mustKeep(t, "crm", canary, 0)
	h.mustSet(t, "A", "a")
	live := liveOf(t, nil)
	locked, err := Open(t.Context(), Options{Store: s, Live: live, Source: Nowhere("it is lost"), Locked: true})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = locked.Login(t.Context(), "crm")
	wantCode(t, err, call.CodeConflict, "without their master key")
	if err := locked.Delete(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	if _, err := opened(t, s, Nowhere("it is lost"), nil); err == nil {
		t.Error("a login needs no key")
	}
	if err := locked.DeleteLogin(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, locked.DeleteLogin(t.Context(), "crm"), call.CodeNotFound, "nobody has logged in for the connection crm")
	mustOpen(t, s, Nowhere("it is lost"))
}
