package vault

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"reprise/connections"
	"reprise/store"
)

// Limits. A rotation seals everything anew in one transaction of the store, so
// all values together, with 0.2 KB around each, have to fit into one: 2.4 MiB.
const (
	// MaxValue is the longest value: a private key or a service account's file.
	MaxValue = 16 << 10
	// MaxSecrets is how many secrets the store keeps.
	MaxSecrets = 500
	// MaxTotal is how long all their values may be together, logins included.
	MaxTotal = 1 << 20
	// MaxLogin is the longest login: two tokens that are as long as headers can be.
	MaxLogin = 32 << 10
	// MaxLogins is how many logins the store keeps.
	MaxLogins = 200
)

// Names in the store. Scripts can not reach this namespace: those of theirs
// begin with "script:" or "shared:".
const namespace = "secrets"

var keyKey = []byte("key")

// Store is what the vault needs of the store.
type Store interface {
	Commit(ctx context.Context, c store.Commit) (store.Committed, error)
	Get(ctx context.Context, namespace string, keys ...[]byte) ([]store.Entry, error)
	List(ctx context.Context, namespace string, r store.Range) ([]store.Entry, error)
}

// Options are what a vault is made with.
type Options struct {
	Store Store
	// Live gets the values. It is needed.
	Live *connections.Secrets
	// Source is where the master key lies.
	Source Source
	// Locked opens without the master key: List and Delete work, and nothing else.
	Locked bool
	// Logger gets what is done, with names and without values; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Vault keeps secrets. It is safe for concurrent use. Its errors are *call.Error:
// INVALID_ARGUMENT_ERROR for a name, value or key that can not be one,
// NOT_FOUND_ERROR, CONFLICT_ERROR for what the state does not allow,
// UNAVAILABLE_ERROR while the store takes no writes, STORE_ERROR.
type Vault struct {
	o Options

	mu sync.Mutex // held while something is read or changed; guards the rest
	state
	stale bool // nobody knows whether the last commit happened
}

// state is what the store has.
type state struct {
	head keyHead
	at   store.Version // of the key's record; zero while there is none
	data *Key          // the data key; nil while there is none, or locked
	kept map[string]entry
	// logins are those of connections.
	logins map[string]entry
}

// entry is a secret or a login in the store.
type entry struct {
	secretHead
	at   store.Version
	size int // of the value
}

// The places that a secret's value can come from.
const (
	Environment = "environment"
	Stored      = "store"
)

// Secret is what is known of a secret, but for its value.
type Secret struct {
	Name    string     `json:"name" example:"CRM_KEY"`
	Source  string     `json:"source" enum:"environment,store" doc:"Where the value in use comes from. The environment wins over the store"`
	Version uint64     `json:"version,omitempty" doc:"Of the value in the store: how often it was set. Absent where the store has none" example:"2"`
	SetAt   *time.Time `json:"setAt,omitempty" doc:"When the value in the store was set"`
	Hosts   []string   `json:"hosts,omitempty" nullable:"false" doc:"Where it may be sent; absent means anywhere" example:"[\"crm.example.com\"]"`
}

// Open reads the secrets that a store keeps and makes them live. Without any, no
// key is needed. The error says what to do when the key is missing or wrong, or
// a record was changed.
func Open(ctx context.Context, o Options) (*Vault, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	v := &Vault{o: o}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v, v.load(ctx)
}

// Close forgets the data key. What is live stays so.
func (v *Vault) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.data.Wipe()
	v.stale = true
}

// List describes all secrets by name, those of the environment too.
func (v *Vault) List(ctx context.Context) ([]Secret, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.fresh(ctx); err != nil {
		return nil, err
	}
	out := []Secret{}
	given := v.o.Live.Given()
	names := append(slices.Collect(maps.Keys(v.kept)), given...)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		out = append(out, v.describe(name, given))
	}
	return out, nil
}

func (v *Vault) describe(name string, given []string) Secret {
	s := Secret{Name: name, Source: Stored, Hosts: v.o.Live.Hosts(name)}
	if e, ok := v.kept[name]; ok {
		s.Version, s.SetAt = e.version, &e.setAt
	}
	if slices.Contains(given, name) {
		s.Source = Environment
	}
	return s
}
