// Package logs keeps the log of everything that happens: what scripts print,
// the calls they make, runs that start and end, reloads, the server itself.
// One entry schema serves the disk, the websocket, the API and the terminal.
//
// An entry travels like this:
//
//	Emit ──> ring (memory, newest entries) ──> writer ──> blocks in a store.LogStore
//	              └── subscriptions, queries: each reads the ring at its own position
//
// The one invariant: [Log.Emit] never waits for a reader or for the disk. It
// numbers the entry, puts it into the ring and, at most once per few
// milliseconds, kicks one goroutine that wakes the others. Whoever can not
// follow loses its place in the ring and is told so: a subscription by a [Gap],
// the disk by a count and an entry. Nothing is ever lost in silence.
//
// Sequence numbers grow by one per entry and are never used twice: a log that
// was closed goes on where it stopped; after a crash the numbers that may have
// been seen and not kept are skipped.
//
// The package must not know HTTP, websockets, scripts or any store engine.
//
//	log, err := logs.Open(ctx, logs.Options{Store: store})
//	log.Emit(logs.Entry{Level: logs.Info, Kind: logs.KindServer, Msg: "ready"})
//	filter, err := logs.ParseFilter("level:>=warn script:orders/*")
//	sub := log.Subscribe(logs.SubscribeOptions{Filter: filter, Tail: 200})
//	for {
//		ev, err := sub.Next(ctx)
//		...
//	}
package logs
