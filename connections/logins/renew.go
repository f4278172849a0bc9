package logins

import (
	"context"
	"errors"
	"slices"
	"time"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/store"
)

// takenBack are the codes of an endpoint that will not take the refresh token any
// more: the standard's, and those of large providers that have their own.
var takenBack = []string{"invalid_grant", "bad_refresh_token", "invalid_refresh_token"}

// renewal is the work of a flight.
type renewal struct {
	l       *Logins
	c       *client
	e       *entry
	changes int    // of e when it began
	refused string // an access token that the upstream did not take
	held    store.Version

	tokens *tokens       // as the store has them
	at     store.Version // which version that is
}

// renew returns an access token that the store has, or asks for a new one. It is
// done by one at a time.
func (l *Logins) renew(ctx context.Context, name string, e *entry) (string, error) {
	c, err := l.client(name)
	if err != nil {
		return "", err
	}
	if err := l.keepAgain(ctx, name, e); err != nil {
		return "", err
	}
	r := &renewal{l: l, c: c, e: e}
	r.refused, r.changes = e.now()
	// The store may have what this process does not know: after a start, or when
	// another process was faster.
	if token, over, err := r.known(ctx); over {
		return token, err
	}
	for {
		if r.held, err = l.take(ctx, name); err != nil {
			return "", unkeepable(name, err)
		}
		token, over, err := r.known(ctx)
		switch {
		case over:
			r.release(ctx)
			return token, err
		case r.held != 0:
			return r.refresh(ctx)
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return "", closing()
		}
	}
}

func (r *renewal) release(ctx context.Context) {
	if r.held != 0 {
		r.l.release(ctx, r.c.name, r.held)
	}
}

// known reads what the store has. over is false if it should be renewed and can be.
func (r *renewal) known(ctx context.Context) (token string, over bool, err error) {
	if r.tokens, r.at, err = r.l.load(ctx, r.c.name); err != nil {
		return "", true, err
	}
	t := r.tokens
	r.e.set(r.changes, func() { r.e.tokens = t })
	now := r.l.o.Now()
	if why := t.lacks(r.c.auth, now, r.refused); why != "" {
		return "", true, needed(r.c.name, why)
	}
	if !t.ended(now, r.refused) && (!t.aging(now) || t.Refresh == "" || t.Refused != "") {
		return t.Access, true, nil
	}
	return "", false, nil
}

// refresh shows the refresh token to the provider, and keeps what comes back. The
// lease is held.
func (r *renewal) refresh(ctx context.Context) (string, error) {
	t := r.tokens
	got, err := r.l.buy(ctx, r.c, map[string]string{"grant_type": "refresh_token", "refresh_token": t.Refresh}, t.Refresh, t.Access)
	next := *t
	if err == nil {
		err = next.take(got, r.l.o.Now().UTC())
	}
	if refused, ok := errors.AsType[*connections.GrantError](err); ok && slices.Contains(takenBack, refused.Code) {
		next.Refused = "the provider does not take its refresh token any more (" + refused.Code + describe(refused.Description) + ")"
	} else if err != nil {
		r.release(ctx)
		return r.early(ctx, err)
	}
	if _, err := r.l.keep(ctx, r.c.name, &next, r.at); err != nil {
		return r.notKept(ctx, &next, err)
	}
	r.e.set(r.changes, func() { r.e.tokens = &next })
	if next.Refused != "" {
		err = needed(r.c.name, next.Refused)
		r.l.o.Logger.WarnContext(ctx, err.Error(), "connection", r.c.name)
		return r.early(ctx, err)
	}
	r.e.set(r.changes, func() { r.e.refused = "" })
	return next.Access, nil
}

// early returns the token that there is, where it still is one: then the renewal
// came early, and can be tried again.
func (r *renewal) early(ctx context.Context, err error) (string, error) {
	now := r.l.o.Now()
	if r.tokens.ended(now, r.refused) {
		return "", err
	}
	r.e.set(r.changes, func() { r.e.paused = now.Add(earlyPause) })
	r.l.o.Logger.DebugContext(ctx, "an access token was not renewed early: "+err.Error(), "connection", r.c.name)
	return r.tokens.Access, nil
}

func describe(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// notKept decides what becomes of tokens that the store did not take. Where
// somebody else has written there, theirs count: a login is newer, and another
// renewal would have been impossible without the lease.
func (r *renewal) notKept(ctx context.Context, next *tokens, why error) (string, error) {
	if call.CodeOf(why) == call.CodeConflict {
		before := r.at
		token, over, err := r.known(ctx)
		if over && r.at != before {
			r.release(ctx)
			return token, err
		}
	}
	if next.Refused == "" { // the old ones may be worth nothing any more
		r.e.set(r.changes, func() { r.e.unkept = &unkept{tokens: next, at: r.at} })
	}
	return "", unkeepable(r.c.name, why)
}

// keepAgain tries to keep what the store did not take before.
func (l *Logins) keepAgain(ctx context.Context, name string, e *entry) error {
	e.mu.Lock()
	u := e.unkept
	e.mu.Unlock()
	if u == nil {
		return nil
	}
	if _, err := l.keep(ctx, name, u.tokens, u.at); err != nil {
		_, now, loadErr := l.load(ctx, name)
		if loadErr != nil || now == u.at {
			return unkeepable(name, err)
		}
		// It was taken after all, or there are others by now.
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.unkept == u {
		e.unkept, e.refused = nil, ""
	}
	return nil
}

func unkeepable(name string, err error) error {
	return call.Errorf(call.CodeUnavailable, "the access token of %s can not be renewed now, because the store does not take what would be given: %v", name, err)
}
