// Package connections holds what the host knows about upstream APIs and keeps
// from scripts: base URLs, credentials and limits ([Set], [Signer], [Passage]),
// secret values ([Secrets]) and the access tokens bought with them ([OAuth]).
//
// A script holds a secret as a token, rps_NAME_ and 32 hexadecimal digits that
// only this run could know ([Token]). A binding replaces the tokens of a
// request just before it leaves, and takes the values out of whatever comes
// back before the outcome is made:
//
//	use := secrets.Use(caller.SecretKey)
//	header, err := use.Text(header)   // the values, for the wire
//	err = use.CheckHost("api.example.com")
//	body = use.Scrub(body)            // the tokens again
//
// The one invariant: no value of a secret is in anything this package returns
// but what a [Use] resolves for the wire, and what
// [Secrets.Value] gives the server to compare. Errors name secrets, never values.
//
// It must not know runs, VMs or how requests are made.
package connections
