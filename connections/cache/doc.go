// Package cache keeps what an upstream answered, for as long as HTTP (RFC 9111,
// RFC 5861) and the operator let it, and has one of many ask who want the same:
//
//	found := c.Find(request, now)              // fresh, usable, old or none
//	flight, leads := c.Join(request)           // ask, or wait for who does
//	kept, why := c.Put(flight, answer, asked, now)
//	c.Land(flight, &answer)                    // those who wait have it
//	c.Forget(url)                              // something was written there
//
// A request's key has all that the answer depends on, credentials and headers
// among them; so Vary is kept by itself, and whoever finds an answer could have
// got the same one from the upstream.
//
// The one invariant: what was asked for before something was written to a URL is
// not found after that.
//
// It must not know scripts, secrets or how requests are made.
package cache
