package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"golang.org/x/sync/singleflight"
)

const (
	// keysFor is how long an issuer's keys are used without a look for new ones.
	keysFor = time.Hour
	// keysAgain is how soon they may be fetched again for a key that is not among
	// them: anybody can make up the name of a key.
	keysAgain = time.Minute
	// keysRetry is how soon they may be fetched again when they could not be had.
	keysRetry = 5 * time.Second
	// keysTimeout is how long the issuer may take.
	keysTimeout = 10 * time.Second
	// maxKeys is the largest set of keys, in bytes.
	maxKeys = 256 << 10
	// maxIssuers is how many sets are kept: one for each URL in a config.
	maxIssuers = 1000
)

// keys fetches the public keys of issuers and keeps them for a while. It is safe
// for concurrent use; of many that want a set at the same time one fetches it.
type keys struct {
	client  *http.Client
	flights singleflight.Group

	mu   sync.Mutex
	sets map[string]fetched // by URL; guarded by mu
}

// fetched is what came of the last times that a set was fetched.
type fetched struct {
	set   jwk.Set // the last one that could be had; nil for none
	at    time.Time
	tried time.Time // when it was last fetched, or tried to
	err   error     // of that time
}

func newKeys(client *http.Client) *keys { return &keys{client: client, sets: map[string]fetched{}} }

// of returns the keys at a URL; fresh says that there are no newer ones to be had
// now. When they are old, and the issuer does not answer, they hold.
func (k *keys) of(ctx context.Context, url string, now time.Time) (set jwk.Set, fresh bool, err error) {
	known := k.known(url)
	if known.set != nil && now.Sub(known.at) < keysFor {
		return known.set, false, nil
	}
	if known.err == nil || now.Sub(known.tried) >= keysRetry {
		known = k.fetch(ctx, url, now)
	}
	if known.set != nil {
		return known.set, true, nil
	}
	return nil, true, known.err
}

// again fetches the keys once more, if that was not done just now.
func (k *keys) again(ctx context.Context, url string, now time.Time) (jwk.Set, error) {
	known := k.known(url)
	if now.Sub(known.tried) >= keysAgain {
		known = k.fetch(ctx, url, now)
	}
	if known.set == nil {
		return nil, known.err
	}
	return known.set, nil
}

func (k *keys) known(url string) fetched {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sets[url]
}

func (k *keys) fetch(ctx context.Context, url string, now time.Time) fetched {
	// Who began it may go away while others wait for it.
	ctx = context.WithoutCancel(ctx)
	out, _, _ := k.flights.Do(url, func() (any, error) {
		ctx, cancel := context.WithTimeout(ctx, keysTimeout)
		defer cancel()
		set, err := k.get(ctx, url)
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.sets) >= maxIssuers {
			clear(k.sets)
		}
		is := k.sets[url]
		is.tried, is.err = now, err
		if err == nil {
			is.set, is.at = set, now
		}
		k.sets[url] = is
		return is, nil
	})
	return out.(fetched)
}

func (k *keys) get(ctx context.Context, url string) (jwk.Set, error) {
	if k.client == nil {
		return nil, errors.New("this server fetches none")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	res, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeys+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("GET %s: %w", url, err)
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("GET %s was answered with %d", url, res.StatusCode)
	case len(body) > maxKeys:
		return nil, fmt.Errorf("GET %s: the answer has more than %d bytes", url, maxKeys)
	}
	set, err := jwk.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("GET %s: the answer is no set of keys", url)
	}
	return publicOnly(set)
}

// publicOnly leaves out shared secrets: a set that anybody can fetch has none, and
// one that has would let anybody sign.
func publicOnly(set jwk.Set) (jwk.Set, error) {
	out := jwk.NewSet()
	for i := range set.Len() {
		key, ok := set.Key(i)
		if !ok || key.KeyType().String() == "oct" {
			continue
		}
		public, err := key.PublicKey()
		if err != nil {
			continue
		}
		if err := out.AddKey(public); err != nil {
			return nil, err
		}
	}
	return out, nil
}
