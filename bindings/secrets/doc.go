// Package secrets is the module reprise:secrets: secret(NAME) gives a script a
// token that stands for a value it never sees. The host puts the value in its
// place in requests, see package connections. hmac, sign and verify are calls: the
// host has the key.
//
//	import { secret } from "reprise:secrets";
//	await http.get(url, { headers: { "x-token": secret("CRM_TOKEN") } });
//
// The one invariant: a VM holds names and tokens of secrets, never values.
//
// It must not know where values come from.
package secrets
