// Package vault keeps the values of secrets in the store, sealed, and hands
// them to [connections.Secrets], so that one which is set or deleted holds for
// the next call.
//
// Values are sealed (XChaCha20-Poly1305) with a data key. That is random, and
// lies in the store, too, wrapped with the master key, which lies elsewhere: in
// the environment or in a file outside of the data directory ([Source]).
//
//	v, err := vault.Open(ctx, vault.Options{Store: s, Live: secrets, Source: vault.File(path)})
//	set, err := v.Set(ctx, "CRM_KEY", value)  // for the next call
//	done, err := v.Rotate(ctx, nil)           // another master key, all sealed anew
//
// It keeps what there is of the logins of connections in the same way
// ([Vault.KeepLogin]), and hands that to nobody but who asks for it by name.
//
// The one invariant: nothing of a value is in the store, in an error, in a log
// line or in what this package returns; and what was sealed under one name and
// version opens under no other, and a login not as a secret.
//
// It must not know runs, HTTP or the command line.
package vault
