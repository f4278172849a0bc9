// Package crashtest proves that durable runs do not depend on when a process
// dies nor on the order in which outcomes come: it holds tests only.
//
// A life is an engine on a store that stops after some commit, with an upstream
// that remembers what it was asked and a client that tries again what was not
// acknowledged. All of it is in one process and under the clock of
// testing/synctest, so that a sleep of days takes no time.
//
//	go test ./runtime/crashtest             # every commit of every script, a sample of the rest
//	go test -tags soak ./runtime/crashtest  # every prefix that a crash can leave, 1,000 orders each
//	go test ./runtime/crashtest -update     # the golden journals anew
//
// The one invariant: whatever a test does to a run, what others can see of it in
// the end is what an undisturbed run would have shown. It must not know how the
// engine works: only its API, the store's contract and what reaches the upstream.
package crashtest
