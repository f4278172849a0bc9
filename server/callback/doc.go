// Package callback is where OAuth providers send people back to who have logged
// in for a connection. It hands on what a provider has sent, and shows a page
// that says what came of it:
//
//	h := callback.New(callback.Options{Logins: logins})
//	// GET /_/oauth/callback?state=S&code=C
//	// GET /_/oauth/callback?state=S&error=access_denied
//
// The page works without scripts, loads nothing, and is not cached.
//
// The one invariant: whoever comes without the state of a login that was begun
// learns nothing, not even which connections there are; and nothing that came in
// the URL is shown but a provider's error, as text.
//
// It must not know how codes are exchanged, or where tokens are kept.
package callback
