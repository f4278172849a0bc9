package vault

import (
	"context"

	"reprise/runtime/call"
	"reprise/store"
)

// Rotated is what a rotation did.
type Rotated struct {
	Secrets     int    `json:"secrets" doc:"How many were sealed anew" example:"3"`
	Logins      int    `json:"logins,omitempty" doc:"How many logins of connections were, too"`
	Fingerprint string `json:"fingerprint" doc:"Of the master key that is needed from now on" example:"5f0c91ab"`
	KeyFile     string `json:"keyFile,omitempty" doc:"The file that has it; absent where the server can not write it: then give it the next time it starts" example:"/home/ada/.config/reprise/keys/4b0d….key"`
	OldKeyFile  string `json:"oldKeyFile,omitempty" doc:"The file that has the one before, which opens backups and nothing else"`
}

// Rotate seals all secrets anew, with another data key under another master key:
// next, or a random one if that is nil. Whatever happens meanwhile, all secrets
// open with the old master key or all with the new one; see [Source]. The
// caller wipes next.
func (v *Vault) Rotate(ctx context.Context, next *Key) (Rotated, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.unlocked(ctx); err != nil {
		return Rotated{}, err
	}
	if v.at == 0 {
		return Rotated{}, call.Errorf(call.CodeConflict, "the store keeps no secrets, and no logins, so there is no key to rotate")
	}
	old, err := v.o.Source.find(v.head.check)
	if err != nil {
		return Rotated{}, call.Errorf(call.CodeConflict, "the key was not rotated: %v", err)
	}
	defer old.Wipe()
	switch {
	case next == nil && v.o.Source.path == "":
		return Rotated{}, call.Errorf(call.CodeConflict, "the master key comes from %s, which the server can not change; give the next one with --new-key-file, and put it there before the server starts again", v.o.Source.where)
	case next == nil:
		next = NewKey()
		defer next.Wipe()
	case *next == *old:
		return Rotated{}, call.Errorf(call.CodeInvalidArgument, "this is the master key already; make another one")
	}
	c, then, err := v.reseal(ctx, next)
	if err != nil {
		return Rotated{}, failed("seal the secrets with another key", err)
	}
	if err := v.o.Source.prepare(old, next); err != nil {
		then.data.Wipe()
		return Rotated{}, call.Errorf(call.CodeConflict, "%v", err)
	}
	done, err := v.commit(ctx, c)
	if err != nil {
		then.data.Wipe() // commit has looked what happened, and the source has mended the file
		return Rotated{}, failed("seal the secrets with another key", err)
	}
	v.become(then, done.Version)
	out := Rotated{Secrets: len(v.kept), Logins: len(v.logins), Fingerprint: fingerprint(v.head.check)}
	if v.o.Source.path != "" {
		out.KeyFile, out.OldKeyFile = v.o.Source.path, v.o.Source.path+oldSuffix(old)
	}
	if err := v.o.Source.settle(); err != nil {
		// The next start finds it where it is.
		v.o.Logger.WarnContext(ctx, err.Error())
		out.KeyFile += nextSuffix
	}
	if v.o.Source.given != nil {
		*v.o.Source.given = *next
	}
	v.o.Logger.InfoContext(ctx, "the master key of the secrets was rotated", "secrets", out.Secrets, "logins", out.Logins, "fingerprint", out.Fingerprint)
	return out, nil
}

// reseal makes the commit that writes all records anew, and the state that the
// store has after it.
func (v *Vault) reseal(ctx context.Context, master *Key) (c store.Commit, then state, err error) {
	_, records, err := v.read(ctx)
	if err != nil {
		return c, then, err
	}
	then = state{head: keyHead{generation: v.head.generation + 1, check: master.check()}, data: NewKey(), kept: map[string]entry{}, logins: map[string]entry{}}
	c.Checks = []store.Check{{Namespace: namespace, Key: keyKey, Version: v.at}}
	c.KV = []store.KVOp{{Namespace: namespace, Key: keyKey, Value: wrap(master, then.data, then.head.generation)}}
	for name, e := range v.kept {
		if err := v.resealOne(&c, &then, &secretKind, name, e, records); err != nil {
			then.data.Wipe()
			return c, then, broken(name, err)
		}
	}
	for name, e := range v.logins {
		if err := v.resealOne(&c, &then, &loginKind, name, e, records); err != nil {
			then.data.Wipe()
			return c, then, brokenLogin(name, err)
		}
	}
	return c, then, nil
}

// resealOne adds one record to c, and to then.
func (v *Vault) resealOne(c *store.Commit, then *state, k *kind, name string, e entry, records map[string][]byte) error {
	value, err := k.open(v.data, name, records[k.prefix+name])
	if err != nil {
		return err
	}
	defer clear(value)
	c.Checks = append(c.Checks, store.Check{Namespace: namespace, Key: k.key(name), Version: e.at})
	e.generation = then.head.generation
	c.KV = append(c.KV, store.KVOp{Namespace: namespace, Key: k.key(name), Value: k.seal(then.data, name, e.secretHead, value)})
	if k == &loginKind {
		then.logins[name] = e
	} else {
		then.kept[name] = e
	}
	return nil
}

// become makes next the state, which a commit of that version has written.
func (v *Vault) become(next state, at store.Version) {
	next.at = at
	for _, all := range []map[string]entry{next.kept, next.logins} {
		for name, e := range all {
			e.at = at
			all[name] = e
		}
	}
	v.data.Wipe()
	v.state = next
}
