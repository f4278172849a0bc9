// Package retry is the native part of the module reprise:retry. The loop itself
// is a dozen lines of JavaScript in stdlib/modules/retry.ts, so that a stack
// trace through it reads like one through a script; here is what the loop asks:
// whether an error is worth another attempt, how long to wait, and to wait.
//
//	await retry(({ attempt }) => importPage(attempt), { attempts: 5, delay: "1s" });
//
// Pauses are calls of kind "timer", and jitter comes from the run's randomness,
// so a replayed run waits and draws the same. Inside, calls try once by
// default: two layers of retries do not multiply.
//
// The one invariant: an error is thrown on as it was; retry adds the property
// attempts to it and nothing else.
//
// It must not know HTTP: an HTTPError is recognized by its fields.
package retry
