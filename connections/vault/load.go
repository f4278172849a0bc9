package vault

import (
	"context"
	"fmt"
	"strings"

	"reprise/runtime/call"
	"reprise/store"
)

// fresh makes sure that v.state is what the store has. v.mu is held.
func (v *Vault) fresh(ctx context.Context) error {
	if !v.stale {
		return nil
	}
	if err := v.load(ctx); err != nil {
		return call.Errorf(call.CodeUnavailable, "the secrets of the store can not be read: %v", err)
	}
	return nil
}

// unlocked is fresh for what needs the data key.
func (v *Vault) unlocked(ctx context.Context) error {
	if v.o.Locked {
		return call.Errorf(call.CodeConflict, "the secrets were opened without their master key, so they can be listed and deleted and nothing else")
	}
	return v.fresh(ctx)
}

// load reads what the store has, and makes it live. v.mu is held.
func (v *Vault) load(ctx context.Context) error {
	next, records, err := v.read(ctx)
	if err != nil {
		return fmt.Errorf("read the secrets of the store: %w", err)
	}
	if next.at != 0 && !v.o.Locked {
		values, err := v.open(ctx, &next, records)
		if err == nil {
			err = v.o.Live.Replace(values)
		}
		if err != nil {
			next.data.Wipe()
			return err
		}
	} else if err := v.o.Live.Replace(nil); err != nil {
		return err
	}
	v.data.Wipe()
	v.state, v.stale = next, false
	return nil
}

// read reads the records, and what they say in clear.
func (v *Vault) read(ctx context.Context) (s state, records map[string][]byte, err error) {
	s.kept, s.logins, records = map[string]entry{}, map[string]entry{}, map[string][]byte{}
	r := store.Range{Limit: MaxSecrets + MaxLogins + 2} // the key and one too many
	entries, err := v.o.Store.List(ctx, namespace, r)
	if err != nil {
		return s, nil, err
	}
	for _, e := range entries {
		if string(e.Key) == string(keyKey) {
			if s.head, err = readKey(e.Value); err != nil && !v.o.Locked {
				return s, nil, fmt.Errorf("the record of the data key: %w", err)
			}
			s.at = e.Version
			records[string(keyKey)] = e.Value
			continue
		}
		k, into := &secretKind, s.kept
		name, ok := strings.CutPrefix(string(e.Key), secretKind.prefix)
		if !ok {
			k, into = &loginKind, s.logins
			name, ok = strings.CutPrefix(string(e.Key), loginKind.prefix)
		}
		if !ok {
			return s, nil, fmt.Errorf("there is a record %q, which is no secret; was it written by a newer version?", e.Key)
		}
		head, err := k.read(e.Value)
		if err != nil && !v.o.Locked && k == &secretKind { // without the key it can still be deleted
			return s, nil, broken(name, err)
		}
		into[name] = entry{secretHead: head, at: e.Version, size: len(e.Value) - secretLeast + 1}
		records[string(e.Key)] = e.Value
	}
	if n := len(s.kept) + len(s.logins); n > 0 && s.at == 0 && !v.o.Locked {
		return s, nil, fmt.Errorf("the record of the data key is missing, so nobody can read the %d secrets and logins; restore a backup, or delete them with \"reprise secret delete NAME\" and \"reprise connections logout NAME\" while the server is stopped", n)
	}
	return s, records, nil
}

// open opens all records with the master key, and gives s the data key.
func (v *Vault) open(ctx context.Context, s *state, records map[string][]byte) (values map[string]string, err error) {
	master, err := v.o.Source.find(s.head.check)
	if err != nil {
		return nil, &KeyError{err}
	}
	defer master.Wipe()
	if s.data, err = unwrap(master, records[string(keyKey)]); err != nil {
		return nil, fmt.Errorf("the data key of the secrets: %w; restore a backup", err)
	}
	values = make(map[string]string, len(s.kept))
	for name := range s.kept {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		value, err := secretKind.open(s.data, name, records[secretKind.prefix+name])
		if err != nil {
			return nil, broken(name, err)
		}
		values[name] = string(value)
		clear(value)
	}
	return values, nil
}

// broken is the error of a record that can not be read.
func broken(name string, err error) error {
	return fmt.Errorf("the secret %s in the store: %w; stop the server, delete it with \"reprise secret delete %s\" and set it again, or restore a backup", clip(name), err, clip(name))
}
