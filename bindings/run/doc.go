// Package run is the native part of the module reprise:run: sleeping, waiting
// for signals, people and other runs, steps, and the running run.
//
//	const hold = await step("reserve", () => env.shop.post("/holds").json(), {
//		retry: { attempts: 3 }, timeout: "10s",
//		undo: (hold) => env.shop.delete(`/holds/${hold.id}`),
//	});
//	const ok = await waitFor("approval", { timeout: "7 days" });
//
// What can be a loop of a few lines (step, ask) is JavaScript in
// stdlib/modules/run.ts, so that a stack trace through it reads like one
// through a script; here is what it asks. All that waits is a call which the
// engine parks: a timer, or a kind of runtime/call/kinds.go. The host side
// performs the three that are over at once: a run is started, a signal sent,
// the form of an ask made.
//
//	bindings = append(bindings, run.New(engine))
//
// A step is a scope and not a memo: its function runs again when a run is
// replayed, and its calls answer from the journal.
//
// The invariants: when a handler fails, every step that succeeded has its undo
// called exactly once, newest first, each after the one before; steps with an
// undo that are still running are waited for, so that none slips through. And
// what outlives a request is refused in one: a fetch handler is not recorded.
//
// It must not know journals or HTTP, and of the engine only [Engine].
//
// Read in this order: module.go, sleep.go, wait.go, ask.go, start.go,
// publish.go, step.go, undo.go, run.ts; then args.go and host.go.
package run
