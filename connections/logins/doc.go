// Package logins has the access tokens of connections that a person logs in for:
// OAuth 2.0 authorization codes with PKCE, and the refresh tokens that come with
// them.
//
// Somebody begins a login, opens its URL, and comes back with a code, which is
// exchanged for tokens. These are kept sealed, and given out to calls, renewed
// in time, once for all who want them:
//
//	begun, err := l.Begin("crm")             // open begun.URL
//	name, err := l.Callback(ctx, logins.Answer{…}) // what the provider sent back
//	token, err := l.Token(ctx, "crm")
//
// The one invariant: a token that a provider has shown once is kept before
// anybody uses what came with it, and nothing that a provider says takes it away
// again. No token is in an error, in a log line or in what describes a login.
//
// It must not know HTTP servers, runs or the command line.
package logins
