package logins

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/store"
)

// tokens are what is kept of a login.
type tokens struct {
	// TokenURL and ClientID are who gave them, and to whom, as the settings have
	// it: they are shown to nobody else.
	TokenURL string    `json:"tokenURL"`
	ClientID string    `json:"clientId"`
	Access   string    `json:"access"`
	Refresh  string    `json:"refresh,omitempty"`
	Had      time.Time `json:"had"`           // when the access token was had
	Ends     time.Time `json:"ends,omitzero"` // zero: nobody has said
	At       time.Time `json:"at"`            // when somebody has logged in
	Scopes   []string  `json:"scopes,omitempty"`
	// Refused is why the provider gives no more for Refresh. Empty: it does.
	Refused string `json:"refused,omitempty"`
}

// take puts what an endpoint has answered into t.
func (t *tokens) take(got *oauth2.Token, now time.Time) error {
	if kind := got.TokenType; kind != "" && !strings.EqualFold(kind, "bearer") {
		return call.Errorf(call.CodeUnavailable, "the provider has given a token of a type that is not known; only bearer tokens are")
	}
	t.Access, t.Had, t.Ends, t.Refused = got.AccessToken, now, time.Time{}, ""
	if !got.Expiry.IsZero() {
		t.Ends = now.Add(time.Until(got.Expiry)).Truncate(time.Second)
	}
	if got.RefreshToken != "" {
		t.Refresh = got.RefreshToken
	}
	if scope, ok := got.Extra("scope").(string); ok && scope != "" {
		t.Scopes = strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' })
	}
	return nil
}

// are reports whether t are tokens of those settings.
func (t *tokens) are(a *connections.Auth) bool {
	return t != nil && t.TokenURL == a.TokenURL && t.ClientID == a.ClientID
}

// ended reports whether the access token is over. The upstream has refused
// refused.
func (t *tokens) ended(now time.Time, refused string) bool {
	return t.Access == refused || !t.Ends.IsZero() && !now.Before(t.Ends)
}

// aging reports whether the access token should be renewed.
func (t *tokens) aging(now time.Time) bool {
	return !t.Ends.IsZero() && !now.Before(connections.FreshUntil(t.Had, t.Ends))
}

// lacks says why somebody has to log in, or nothing.
func (t *tokens) lacks(a *connections.Auth, now time.Time, refused string) string {
	switch {
	case t == nil:
		return "nobody has logged in"
	case !t.are(a):
		return "its tokenURL or clientId has changed since somebody logged in"
	case !t.ended(now, refused):
		return ""
	case t.Refused != "":
		return t.Refused
	case t.Refresh == "":
		return "its access token is over, and the provider gave no refresh token; many do when scopes or authorizationParams ask for it"
	}
	return ""
}

// needed is the error of a connection that waits for a person.
func needed(name, why string) *call.Error {
	return call.Errorf(call.CodeLoginNeeded, "the connection %s needs a login: %s; run: reprise connections login %s", name, why, name).
		WithData(map[string]string{"connection": name})
}

// load reads what is kept; nil without a login.
func (l *Logins) load(ctx context.Context, name string) (*tokens, store.Version, error) {
	value, at, err := l.o.Keeper.Login(ctx, name)
	if err != nil || value == nil {
		return nil, at, err
	}
	defer clear(value)
	var t tokens
	if err := json.Unmarshal(value, &t); err != nil {
		return nil, at, call.Errorf(call.CodeStore, "the login of %s in the store has a form that is not known; log in again", name) // the error might quote it
	}
	return &t, at, nil
}

// keep writes t in the place of the version at, and gives the lease back.
func (l *Logins) keep(ctx context.Context, name string, t *tokens, at store.Version) (keyFile string, err error) {
	value, err := json.Marshal(t)
	if err != nil {
		return "", call.Errorf(call.CodeInternal, "a login can not be written: %v", err)
	}
	defer clear(value)
	_, keyFile, err = l.o.Keeper.KeepLogin(ctx, name, value, at, store.Commit{KV: []store.KVOp{{Namespace: leases, Key: []byte(name), Delete: true}}})
	return keyFile, err
}
