// Package store is the seam between Reprise and what keeps its data: one
// interface that an engine implements. store/badger is the embedded default;
// a cluster engine will implement the same contract.
//
// What is kept: journals of runs, key-value data of scripts, rows (indexes
// such as the list of runs), timers, and, in a separate place with weaker
// guarantees, blocks of log lines.
//
// The one invariant: a [Commit] is atomic. All of its checks hold and all of
// its parts are stored, or nothing is. Nothing may be added here that only one
// engine can do.
//
//	res, err := s.Commit(ctx, store.Commit{
//		Checks: []store.Check{{Namespace: "orders", Key: key, Version: got.Version}},
//		KV:     []store.KVOp{{Namespace: "orders", Key: key, Value: v}},
//	})
package store
