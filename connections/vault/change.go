package vault

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/store"
)

// Set seals a value and makes it live. keyFile is not empty when it is the first
// and the master key is in a file that nobody has placed there: it wants a
// backup. The caller wipes value.
func (v *Vault) Set(ctx context.Context, name string, value []byte) (s Secret, keyFile string, err error) {
	if err := checkValue(name, value); err != nil {
		return s, "", err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.unlocked(ctx); err != nil {
		return s, "", err
	}
	if err := v.room(name, len(value)); err != nil {
		return s, "", err
	}
	at, head, keyFile, err := v.keep(ctx, &secretKind, name, value, v.kept[name], store.Commit{})
	if err != nil {
		return s, "", failed("keep the secret "+name, err)
	}
	v.kept[name] = entry{secretHead: head, at: at, size: len(value)}
	if err := v.o.Live.Put(name, string(value)); err != nil {
		return s, "", internal(err)
	}
	v.o.Logger.InfoContext(ctx, "the secret "+name+" was set", "secret", name, "version", head.version)
	return v.describe(name, v.o.Live.Given()), keyFile, nil
}

// keep seals a value and commits it with what else c has, in the place of what
// was there before.
func (v *Vault) keep(ctx context.Context, k *kind, name string, value []byte, before entry, c store.Commit) (at store.Version, head secretHead, keyFile string, err error) {
	c.Checks = append(c.Checks,
		store.Check{Namespace: namespace, Key: keyKey, Version: v.at}, // sealed with the data key that there is then
		store.Check{Namespace: namespace, Key: k.key(name), Version: before.at})
	data, keyHead := v.data, v.head
	if v.at == 0 {
		var record []byte
		if data, record, keyFile, err = v.begin(); err != nil {
			return 0, head, "", err
		}
		if keyHead, err = readKey(record); err != nil {
			return 0, head, "", internal(err)
		}
		c.KV = append(c.KV, store.KVOp{Namespace: namespace, Key: keyKey, Value: record})
	}
	head = secretHead{generation: keyHead.generation, version: before.version + 1, setAt: v.o.Now().UTC().Truncate(time.Millisecond)}
	c.KV = append(c.KV, store.KVOp{Namespace: namespace, Key: k.key(name), Value: k.seal(data, name, head, value)})
	done, err := v.commit(ctx, c)
	if err != nil {
		if v.data != data {
			data.Wipe()
		}
		return 0, head, "", err
	}
	if v.at == 0 {
		v.at, v.head, v.data = done.Version, keyHead, data
	}
	return done.Version, head, keyFile, nil
}

// begin makes the first data key, and the master key where that is to be made.
func (v *Vault) begin() (data *Key, record []byte, keyFile string, err error) {
	master, made, err := v.o.Source.first()
	if err != nil {
		return nil, nil, "", call.Errorf(call.CodeConflict, "secrets can not be kept: %v", err)
	}
	defer master.Wipe()
	if v.o.Source.make { // also where the file is left from before: nobody may have been told
		keyFile = v.o.Source.path
		what := map[bool]string{true: "a master key was made in ", false: "secrets are sealed with the master key in "}[made]
		v.o.Logger.Warn(what+keyFile+"; make a backup of it: without it nobody can read the secrets of the store", "file", keyFile, "fingerprint", fingerprint(master.check()))
	}
	data = NewKey()
	return data, wrap(master, data, 1), keyFile, nil
}

// Delete forgets a secret. With the last one the store needs no key any more.
func (v *Vault) Delete(ctx context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.fresh(ctx); err != nil {
		return err
	}
	is, ok := v.kept[name]
	if !ok {
		return v.absent(name)
	}
	if err := v.drop(ctx, &secretKind, name, is.at); err != nil {
		return failed("delete the secret "+name, err)
	}
	delete(v.kept, name)
	v.forgetKey()
	v.o.Live.Remove(name)
	v.o.Logger.InfoContext(ctx, "the secret "+name+" was deleted", "secret", name)
	return nil
}

// drop deletes a record, and with the last one the data key.
func (v *Vault) drop(ctx context.Context, k *kind, name string, at store.Version) error {
	c := store.Commit{
		Checks: []store.Check{{Namespace: namespace, Key: keyKey, Version: v.at}, {Namespace: namespace, Key: k.key(name), Version: at}},
		KV:     []store.KVOp{{Namespace: namespace, Key: k.key(name), Delete: true}},
	}
	if len(v.kept)+len(v.logins) == 1 {
		c.KV = append(c.KV, store.KVOp{Namespace: namespace, Key: keyKey, Delete: true})
	}
	_, err := v.commit(ctx, c)
	return err
}

// forgetKey forgets the data key when the last record is gone, and it with it.
func (v *Vault) forgetKey() {
	if len(v.kept)+len(v.logins) == 0 {
		v.data.Wipe()
		v.at, v.head, v.data = 0, keyHead{}, nil
	}
}

// absent is the error of a secret that the store does not have.
func (v *Vault) absent(name string) error {
	if _, ok := v.o.Live.Value(name); ok {
		return call.Errorf(call.CodeNotFound, "the secret %s is not in the store: it is set as %s%s in the environment of the server", clip(name), connections.EnvPrefix, name)
	}
	return call.Errorf(call.CodeNotFound, "there is no secret %s", clip(name))
}

// commit changes the store and waits for the disk. Whoever asked may go away
// meanwhile. After an error that leaves open whether it happened, what the store
// has is read before anything else is done.
func (v *Vault) commit(ctx context.Context, c store.Commit) (store.Committed, error) {
	ctx = context.WithoutCancel(ctx)
	done, err := v.o.Store.Commit(ctx, c)
	if err != nil {
		v.stale = true
		_ = v.fresh(ctx) // else the next one tries, and says so
	}
	return done, err
}

// checkValue checks what somebody wants to keep. It does not repeat it: a value
// in the place of the name would be in the log.
func checkValue(name string, value []byte) error {
	switch {
	case !connections.ValidName(name):
		return call.Errorf(call.CodeInvalidArgument, "this can not be the name of a secret; use letters, digits and underscores, at most 128")
	case len(value) == 0:
		return call.Errorf(call.CodeInvalidArgument, "the value of the secret %s is empty", name)
	case len(value) > MaxValue:
		return call.Errorf(call.CodeInvalidArgument, "the value of the secret %s has %d bytes; it can have %d at most", name, len(value), MaxValue)
	case !utf8.Valid(value):
		return call.Errorf(call.CodeInvalidArgument, "the value of the secret %s is not text in UTF-8; encode it, for example in base64", name)
	}
	return nil
}

// room checks that a value of that size can be kept beside the others.
func (v *Vault) room(name string, size int) error {
	total := v.total() + size - v.kept[name].size
	if _, is := v.kept[name]; !is && len(v.kept) >= MaxSecrets {
		return call.Errorf(call.CodeConflict, "the store keeps %d secrets, and can not keep more; delete those that nobody uses", MaxSecrets)
	}
	if total > MaxTotal {
		return call.Errorf(call.CodeConflict, "the values of all secrets in the store would have %d bytes; they can have %d at most", total, MaxTotal)
	}
	return nil
}

// total is how long all values are.
func (v *Vault) total() (n int) {
	for _, all := range []map[string]entry{v.kept, v.logins} {
		for _, e := range all {
			n += e.size
		}
	}
	return n
}

// failed makes the error of a store that did not do as it was told.
func failed(doing string, err error) error {
	switch check := (*store.CheckError)(nil); {
	case isCall(err):
		return err // it says all itself
	case errors.As(err, &check):
		return call.Errorf(call.CodeConflict, "could not %s: somebody else has changed it; try again", doing)
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrClosed):
		return call.Errorf(call.CodeUnavailable, "could not %s: %v", doing, err)
	}
	return call.Errorf(call.CodeStore, "could not %s: %v", doing, err)
}

func isCall(err error) bool {
	_, ok := errors.AsType[*call.Error](err)
	return ok
}

// internal is the error of what can not be.
func internal(err error) error { return call.Errorf(call.CodeInternal, "%v", err) }

// clip shortens a name that somebody else has made up.
func clip(name string) string {
	if !connections.ValidName(name) {
		return "of that name"
	}
	return name
}
