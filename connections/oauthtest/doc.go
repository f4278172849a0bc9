// Package oauthtest is an OAuth 2.0 provider for tests, and an API that takes its
// tokens. It is strict: it takes nothing that the standards forbid, and says
// invalid_grant as real ones do, for a code that is used twice, a verifier that
// is not the one of the challenge, a refresh token from before the last one.
//
//	p := oauthtest.New(oauthtest.Options{ClientID: "me", ClientSecret: "s", RedirectURL: callback})
//	defer p.Close()
//	// … p.URL + "/authorize", p.URL + "/token", p.URL + "/api"
//	p.Count("refresh_token")
//
// The one invariant: it answers from what it has seen, so that a test can not pass
// because of its forbearance. It must not know the code that is tested.
package oauthtest
