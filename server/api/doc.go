// Package api holds what goes over the wire of the admin API: the documents
// that its endpoints answer with and its client reads. docs/reference/admin-api.md
// describes them for users.
//
//	var s api.Script
//	err := json.Unmarshal(body, &s)
//
// The one invariant: these types are the contract. A field is added, never
// renamed; nothing here has behaviour.
//
// The package must not know HTTP, the engine or where the values come from.
package api
