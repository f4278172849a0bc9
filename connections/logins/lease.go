// Who may ask for new tokens. A refresh token that is shown twice may be taken
// for stolen, so two servers that share a store must not do it at the same time:
// whoever does has a lease, which is in the store, and ends by itself if its
// holder has died.

package logins

import (
	"context"
	"errors"
	"time"

	"reprise/store"
)

// leases is the namespace of the store where they are. Scripts can not reach it.
const leases = "logins.leases"

const (
	// endpointTimeout is how long a token endpoint may take.
	endpointTimeout = 20 * time.Second
	// leaseFor is how long a lease is held at most: an answer of the endpoint, and
	// a slow disk.
	leaseFor = 30 * time.Second
	// lookAgain is how often those look who wait for another's.
	lookAgain = 100 * time.Millisecond
)

// take takes the lease. held is false while another has it.
func (l *Logins) take(ctx context.Context, name string) (held store.Version, err error) {
	done, err := l.o.Store.Commit(ctx, store.Commit{
		Checks: []store.Check{{Namespace: leases, Key: []byte(name)}},
		KV:     []store.KVOp{{Namespace: leases, Key: []byte(name), Value: []byte("held"), Expires: time.Now().Add(leaseFor)}},
	})
	if _, other := errors.AsType[*store.CheckError](err); other {
		return 0, nil
	}
	return done.Version, err
}

// release gives it back, if it is still one's own. If that fails it ends by itself.
func (l *Logins) release(ctx context.Context, name string, held store.Version) {
	_, err := l.o.Store.Commit(context.WithoutCancel(ctx), store.Commit{
		Checks: []store.Check{{Namespace: leases, Key: []byte(name), Version: held}},
		KV:     []store.KVOp{{Namespace: leases, Key: []byte(name), Delete: true}},
	})
	if err != nil {
		l.o.Logger.DebugContext(ctx, "the lease of a login was not given back", "connection", name, "error", err)
	}
}
