// Package call holds the one mechanism everything in Reprise hangs on: a call
// is one interaction of a script with the world outside its VM, and an outcome
// is what came back.
//
// A binding's VM side makes a [Call] from plain bytes; the engine walks it
// along the road (guard, record, trace, perform) and answers with an [Outcome]
// that the VM receives as one turn. Both have a binary form ([Call.Append],
// [ParseCall], [Outcome.Append], [ParseOutcome]) because they are journaled and
// will cross a pipe to worker processes.
//
// The one invariant: nothing in a Call or an Outcome points into a VM or into
// the host. They are bytes, strings and numbers, and survive being written
// down and read back unchanged.
//
// The package is a leaf. It must not know bindings, the store, goja or HTTP.
//
//	c := call.Call{ID: 1, Kind: "kv.get", Class: call.Read, Args: []byte(`{"key":["a"]}`)}
//	o := call.Failed(c.ID, call.Errorf(call.CodeTimeout, "no answer within %s", d))
package call
