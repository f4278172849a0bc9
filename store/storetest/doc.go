// Package storetest is the one conformance suite for every engine of package
// store: [Run] says in plain tests what the contract means, [RunModel] holds an
// engine against a model in plain Go maps with random operations, [RunLogs] is
// for log stores. [Faults] is a store that stops as if the process had died, for
// the crash tests of everybody else.
//
// Its one invariant: nothing here knows an engine. What an engine must do is
// said in package store and tested here; what only one engine does is tested
// beside that engine.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return mustOpen(t) })
//	}
package storetest
