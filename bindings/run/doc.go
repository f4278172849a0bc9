// Package run is the native part of the module reprise:run: sleep, step and
// the running run. The loop of a step is a dozen lines of JavaScript in
// stdlib/modules/run.ts, so that a stack trace through it reads like one
// through a script; here is what the loop asks: scopes, timeouts, and the list
// of what to undo.
//
//	const hold = await step("reserve", () => env.shop.post("/holds").json(), {
//		retry: { attempts: 3 }, timeout: "10s",
//		undo: (hold) => env.shop.delete(`/holds/${hold.id}`),
//	});
//
// Sleeping, pausing between attempts and timing out are calls of kind "timer",
// which the engine owns; there is no host side here. A step is a scope and not
// a memo: its function runs again when a run is replayed, and its calls answer
// from the journal.
//
// The one invariant: when a handler fails, every step that succeeded has its
// undo called exactly once, newest first, each after the one before; steps with
// an undo that are still running are waited for, so that none slips through.
//
// It must not know the engine, journals or HTTP.
//
// Read in this order: module.go, sleep.go, step.go, undo.go, and run.ts.
package run
