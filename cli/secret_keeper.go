// Who keeps the secrets that "reprise secret" is about: the server that uses the
// data folder, or, where none does, the folder itself.

package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"reprise/connections"
	"reprise/connections/vault"
	"reprise/server/api"
	"reprise/server/client"
	"reprise/server/datadir"
	"reprise/store/badger"
)

// secretKeeper is who keeps secrets: a running server, or the data folder.
type secretKeeper interface {
	Secrets(ctx context.Context) ([]vault.Secret, error)
	SetSecret(ctx context.Context, name, value string) (api.SecretSet, error)
	DeleteSecret(ctx context.Context, name string) error
	RotateKey(ctx context.Context, req api.RotateKey) (vault.Rotated, error)
	Logout(ctx context.Context, connection string) error
}

// folder keeps secrets in a data folder that no server uses.
type folder struct{ v *vault.Vault }

func (f folder) Secrets(ctx context.Context) ([]vault.Secret, error) { return f.v.List(ctx) }

func (f folder) SetSecret(ctx context.Context, name, value string) (out api.SecretSet, err error) {
	b := []byte(value)
	defer clear(b)
	out.Secret, out.KeyFile, err = f.v.Set(ctx, name, b)
	return out, err
}

func (f folder) DeleteSecret(ctx context.Context, name string) error { return f.v.Delete(ctx, name) }

func (f folder) Logout(ctx context.Context, connection string) error {
	return f.v.DeleteLogin(ctx, connection)
}

func (f folder) RotateKey(ctx context.Context, req api.RotateKey) (vault.Rotated, error) {
	var next *vault.Key
	if req.NewKey != "" {
		var err error
		if next, err = vault.ParseKey(req.NewKey); err != nil {
			return vault.Rotated{}, err
		}
		defer next.Wipe()
	}
	return f.v.Rotate(ctx, next)
}

// access is what a command needs of a data folder.
type access struct {
	makes  bool // it makes the folder if it is not there
	locked bool // it needs no master key
}

// withSecrets calls do with who keeps the secrets.
func (r *remote) withSecrets(cmd *cobra.Command, need access, do func(secretKeeper) error) error {
	config, err := loadConfig(cmd, ".", os.Environ(), true)
	if err != nil {
		return err
	}
	if _, err := datadir.ReadInfo(config.Data); r.url != "" || err == nil {
		err := r.with(cmd, func(c *client.Client) error { return do(c) })
		if cmd.Flags().Changed("url") || !errors.Is(err, client.ErrNotRunning) {
			return err
		}
		// It died without saying so.
	}
	return inFolder(cmd.Context(), config, need, do)
}

// inFolder calls do with the data folder as the keeper.
func inFolder(ctx context.Context, c *Config, need access, do func(secretKeeper) error) (err error) {
	live, err := connections.NewSecrets(c.Secrets, c.SecretHosts)
	if err != nil {
		return usagef("%w", err)
	}
	o := badger.Options{Dir: c.storeDir()}
	if !need.makes && !c.hasStore() {
		o = badger.Options{InMemory: true} // as empty, and leaves nothing
	}
	store, err := badger.Open(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	v, err := vault.Open(ctx, vault.Options{Store: store, Live: live, Source: c.masterKey(), Locked: need.locked})
	if err != nil {
		return keyUsage(err)
	}
	defer v.Close()
	return do(folder{v})
}
