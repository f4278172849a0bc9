// Package problem is how both origins say what went wrong: RFC 9457 problem
// documents that carry a code of the catalogue in runtime/call, its hint, and
// a sentence about this occurrence.
//
//	problem.New(http.StatusNotFound, call.CodeNotFound, "there is no run %s", id).Write(w)
//	problem.Of(err).Write(w) // a *call.Error knows its status by its code
//
// The one invariant: a problem says nothing that the caller did not put into
// it. What an outsider may know of an error is decided where the problem is
// made, and the text of a foreign error is never taken over unseen.
//
// The package must not know endpoints, routes or the engine.
package problem
