// Logins of connections: what is kept of them is a secret that nobody sets and
// nobody names. They are sealed with the same data key, and never live.

package vault

import (
	"context"
	"errors"
	"fmt"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/store"
)

// Login returns what is kept of the login of a connection, and which version of
// it. Without one, both are zero. It is read from the store each time, because
// another process may have changed it. Whoever asked wipes value.
func (v *Vault) Login(ctx context.Context, name string) (value []byte, at store.Version, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e, record, err := v.login(ctx, name)
	if err != nil || e.at == 0 {
		return nil, 0, err
	}
	value, err = loginKind.open(v.data, name, record)
	if err != nil {
		return nil, e.at, call.Errorf(call.CodeStore, "%v", brokenLogin(name, err))
	}
	return value, e.at, nil
}

// login reads a record, and makes sure that v has the key that it was sealed
// with. v.mu is held.
func (v *Vault) login(ctx context.Context, name string) (e entry, record []byte, err error) {
	for {
		if err := v.unlocked(ctx); err != nil {
			return e, nil, err
		}
		found, err := v.o.Store.Get(ctx, namespace, keyKey, loginKind.key(name))
		if err != nil {
			return e, nil, failed("read the login of "+clipLogin(name), err)
		}
		if found[0].Version != v.at {
			v.stale = true // another process has rotated the key, or made the first
			continue
		}
		if found[1].Version == 0 {
			delete(v.logins, name)
			return e, nil, nil
		}
		head, err := loginKind.read(found[1].Value)
		if err != nil {
			head = secretHead{} // opening it will say so; a login takes its place
		}
		e = entry{secretHead: head, at: found[1].Version, size: len(found[1].Value) - secretLeast + 1}
		v.logins[name] = e
		return e, found[1].Value, nil
	}
}

// KeepLogin seals a login in the place of the version at, and commits it with
// what else c has. When another one is there, nothing is changed and the error is
// a CONFLICT_ERROR. keyFile is as for Set. The caller wipes value.
func (v *Vault) KeepLogin(ctx context.Context, name string, value []byte, at store.Version, c store.Commit) (now store.Version, keyFile string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	before, _, err := v.login(ctx, name)
	switch {
	case err != nil:
		return 0, "", err
	case before.at != at:
		return 0, "", call.Errorf(call.CodeConflict, "the login of %s was changed meanwhile", clipLogin(name))
	case len(value) > MaxLogin:
		return 0, "", call.Errorf(call.CodeConflict, "the tokens of %s have %d bytes together; they can have %d at most", clipLogin(name), len(value), MaxLogin)
	case before.at == 0 && len(v.logins) >= MaxLogins:
		return 0, "", call.Errorf(call.CodeConflict, "the store keeps %d logins, and can not keep more; remove those that nobody uses with \"reprise connections logout NAME\"", MaxLogins)
	case v.total()+len(value)-before.size > MaxTotal:
		return 0, "", call.Errorf(call.CodeConflict, "all secrets and logins in the store would have more than %d bytes; delete those that nobody uses", MaxTotal)
	}
	now, head, keyFile, err := v.keep(ctx, &loginKind, name, value, before, c)
	if err != nil {
		return 0, "", failed("keep the login of "+clipLogin(name), err)
	}
	v.logins[name] = entry{secretHead: head, at: now, size: len(value)}
	return now, keyFile, nil
}

// DeleteLogin forgets a login. It needs no master key.
func (v *Vault) DeleteLogin(ctx context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for range 3 { // others may change it, and are not waited for
		if err := v.fresh(ctx); err != nil {
			return err
		}
		e, ok := v.logins[name]
		if !ok {
			return call.Errorf(call.CodeNotFound, "nobody has logged in for the connection %s", clipLogin(name))
		}
		err := v.drop(ctx, &loginKind, name, e.at)
		if err == nil {
			delete(v.logins, name)
			v.forgetKey()
			v.o.Logger.InfoContext(ctx, "the login of the connection "+name+" was removed", "connection", name)
			return nil
		}
		if _, moved := errors.AsType[*store.CheckError](err); !moved {
			return failed("remove the login of "+clipLogin(name), err)
		}
	}
	return call.Errorf(call.CodeConflict, "the login of %s is being changed; try again", clipLogin(name))
}

func brokenLogin(name string, err error) error {
	return fmt.Errorf("the login of %s in the store: %w; log in again with \"reprise connections login %s\"", clipLogin(name), err, clipLogin(name))
}

// clipLogin shortens the name of a connection that somebody else has made up.
func clipLogin(name string) string {
	if !connections.ValidConnection(name) {
		return "of that name"
	}
	return name
}
