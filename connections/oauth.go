package connections

import (
	"context"
	"crypto/sha256"
	"maps"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

const (
	// refreshEarly is how long before its end a token is replaced; for short
	// tokens it is a fifth of their life.
	refreshEarly = time.Minute
	// unknownLife is how long a token without expires_in is kept. One that dies
	// earlier is found out by the 401.
	unknownLife = time.Hour
	// maxGrants bounds the cache. A script could make up scopes without end.
	maxGrants = 1000
)

// FreshUntil is until when nobody needs to replace a token that was had then and
// ends then.
func FreshUntil(had, ends time.Time) time.Time {
	return ends.Add(-min(refreshEarly, ends.Sub(had)/5))
}

// OAuth buys access tokens and shares them between all runs. Of many who want
// the same token one asks, the others wait for the answer. It is safe for
// concurrent use.
type OAuth struct {
	client *http.Client
	mu     sync.Mutex
	grants map[[sha256.Size]byte]*granted
}

// granted is the state of one grant.
type granted struct {
	turn chan struct{} // holds one element while nobody is asking

	mu    sync.Mutex // guards the rest
	token string
	fresh time.Time // until when nobody needs to ask
	ends  time.Time
	asked int   // how often the endpoint was asked
	err   error // what the last asking ended with
}

// NewOAuth returns an empty cache that talks to token endpoints through client.
func NewOAuth(client *http.Client) *OAuth {
	return &OAuth{client: client, grants: map[[sha256.Size]byte]*granted{}}
}

// Token returns a valid access token for g. The error is ctx's, the client's,
// or a *GrantError when the endpoint refused; it may quote the credentials, so
// scrub it.
func (o *OAuth) Token(ctx context.Context, g Grant) (string, error) {
	e := o.entry(g)
	token, asked, state := e.state(time.Now())
	switch state {
	case tokenFresh:
		return token, nil
	case tokenAging:
		select {
		case <-e.turn: // nobody is asking yet
		default:
			return token, nil
		}
	case tokenNone:
		select {
		case <-e.turn:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	defer func() { e.turn <- struct{}{} }()
	return o.ask(ctx, e, g, asked)
}

// ask gets a token while holding e's turn. asked is the count from before the
// wait for the turn: if it has moved, somebody else got the answer meanwhile.
func (o *OAuth) ask(ctx context.Context, e *granted, g Grant, asked int) (string, error) {
	token, now, state := e.state(time.Now())
	if state == tokenFresh {
		return token, nil
	}
	if failed := e.failure(); now != asked && failed != nil {
		return "", failed
	}
	t, err := g.Buy(ctx, o.client)
	switch {
	case err == nil:
		e.settle(t, nil)
		return t.AccessToken, nil
	case state == tokenAging:
		return token, nil // still good; the next one to want it asks again
	case ctx.Err() != nil:
		return "", err // says nothing about the endpoint
	}
	e.settle(nil, err)
	return "", err
}

// Drop forgets token, if it is still the current one: the upstream refused it.
func (o *OAuth) Drop(g Grant, token string) {
	e := o.entry(g)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.token == token {
		e.token, e.fresh, e.ends = "", time.Time{}, time.Time{}
	}
}

func (o *OAuth) entry(g Grant) *granted {
	key := g.key()
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.grants[key]
	if e == nil {
		if len(o.grants) >= maxGrants {
			o.forget()
		}
		e = &granted{turn: make(chan struct{}, 1)}
		e.turn <- struct{}{}
		o.grants[key] = e
	}
	return e
}

// forget makes room: tokens that are over go first, then anything. o.mu is held.
func (o *OAuth) forget() {
	now := time.Now()
	maps.DeleteFunc(o.grants, func(_ [sha256.Size]byte, e *granted) bool {
		_, _, state := e.state(now)
		return state == tokenNone
	})
	for key := range o.grants {
		if len(o.grants) < maxGrants {
			return
		}
		delete(o.grants, key)
	}
}

type tokenState uint8

const (
	tokenNone tokenState = iota
	tokenAging
	tokenFresh
)

func (e *granted) state(now time.Time) (token string, asked int, state tokenState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case now.Before(e.fresh):
		state = tokenFresh
	case now.Before(e.ends):
		state = tokenAging
	}
	return e.token, e.asked, state
}

func (e *granted) failure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

func (e *granted) settle(t *oauth2.Token, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	e.err = err
	if err != nil {
		return
	}
	now := time.Now()
	e.token, e.ends = t.AccessToken, t.Expiry
	if e.ends.IsZero() {
		e.ends = now.Add(unknownLife)
	}
	e.fresh = FreshUntil(now, e.ends)
}
