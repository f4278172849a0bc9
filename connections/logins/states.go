package logins

import (
	"time"

	"reprise/connections"
)

// States describes all connections, by name, with their logins.
func (l *Logins) States() []connections.State {
	all := l.o.Connections.States()
	for i := range all {
		if a, err := l.auth(all[i].Name); err == nil {
			all[i].Login = l.describe(all[i].Name, a)
		}
	}
	return all
}

// describe says how the login of a connection is. What is not known is read.
func (l *Logins) describe(name string, a *connections.Auth) *connections.Login {
	e := l.entry(name)
	e.mu.Lock()
	t, refused := e.tokens, e.refused
	e.mu.Unlock()
	if t == nil {
		var err error
		if t, _, err = l.load(l.ctx, name); err != nil {
			return &connections.Login{State: connections.LoginNeeded, Reason: err.Error()}
		}
	}
	return t.describe(a, l.o.Now(), refused)
}

// describe says what is known of t, but for the tokens.
func (t *tokens) describe(a *connections.Auth, now time.Time, refused string) *connections.Login {
	out := &connections.Login{State: connections.Authorized}
	if why := t.lacks(a, now, refused); why != "" {
		out.State, out.Reason = connections.LoginNeeded, why
	}
	if !t.are(a) {
		return out
	}
	if !t.Ends.IsZero() {
		ends := t.Ends.UTC()
		out.Until = &ends
	}
	if t.Refused != "" { // also while the access token is good
		out.State, out.Reason = connections.LoginNeeded, t.Refused
	}
	at := t.At.UTC()
	out.At, out.Renews, out.Scopes = &at, t.Refresh != "" && t.Refused == "", t.Scopes
	return out
}
