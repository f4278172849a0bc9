package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/connections/vault"
	"reprise/server/callback"
	"reprise/server/datadir"
	"reprise/store/badger"
)

// openSecrets makes the secrets: those of the environment, and those that the
// store keeps.
func (a *app) openSecrets(ctx context.Context, logger *slog.Logger) (err error) {
	c := a.config
	if a.secrets, err = connections.NewSecrets(c.Secrets, c.SecretHosts); err != nil {
		return usagef("%w", err)
	}
	if a.options.memory {
		return a.borrowSecrets(ctx, logger)
	}
	a.vault, err = vault.Open(ctx, vault.Options{Store: a.store, Live: a.secrets, Source: c.masterKey(), Logger: logger})
	return keyUsage(err)
}

// openLogins makes the logins of connections. Without a vault there is nothing
// that could keep them.
func (a *app) openLogins(ctx context.Context, logger *slog.Logger) {
	if a.vault == nil {
		return
	}
	a.logins = logins.New(ctx, logins.Options{
		Connections: a.upstreams, Secrets: a.secrets, Keeper: a.vault, Store: a.store, HTTP: a.http.Endpoints(),
		Callback: func() string { return a.publicURL() + callback.Path }, Logger: logger,
	})
	a.http.BindLogins(a.logins)
}

// keyUsage makes a mistake in the configuration of what is wrong with a key.
func keyUsage(err error) error {
	if wrong, ok := errors.AsType[*vault.KeyError](err); ok {
		return usagef("%w", wrong)
	}
	return err
}

// borrowSecrets reads the secrets of the project's data folder for a run that
// keeps nothing itself. Only who has a master key for the folder opens it, and a
// server that is using it keeps it.
func (a *app) borrowSecrets(ctx context.Context, logger *slog.Logger) (err error) {
	c := a.config
	if !c.hasStore() || !c.masterKey().There() {
		return nil
	}
	store, err := openBriefly(ctx, c, logger)
	if _, locked := errors.AsType[*badger.LockedError](err); locked {
		logger.WarnContext(ctx, "the secrets in the store of "+c.Data+" are not there for this run, because a server is using it; set them in .env, or start the run there with: reprise runs start")
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	v, err := vault.Open(ctx, vault.Options{Store: store, Live: a.secrets, Source: c.masterKey(), Logger: logger})
	if err != nil {
		return keyUsage(err)
	}
	v.Close()
	return nil
}

// Another run that borrows secrets at the same moment has the store open for some
// ten milliseconds.
const (
	borrowAgain = 50 * time.Millisecond
	borrowFor   = 3 * time.Second
)

// openBriefly opens the store of the data folder, once no other command has it.
// It does not wait for a server.
func openBriefly(ctx context.Context, c *Config, logger *slog.Logger) (*badger.Store, error) {
	patience := time.After(borrowFor)
	for {
		store, err := badger.Open(badger.Options{Dir: c.storeDir(), Logger: logger})
		_, locked := errors.AsType[*badger.LockedError](err)
		if _, e := datadir.ReadInfo(c.Data); !locked || e == nil {
			return store, err
		}
		select {
		case <-time.After(borrowAgain):
		case <-patience:
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (c *Config) storeDir() string { return filepath.Join(c.Data, "store") }

// hasStore reports whether the data folder has a store.
func (c *Config) hasStore() bool {
	_, err := os.Stat(c.storeDir())
	return err == nil
}
