// Package admin is the admin origin: the API under /api/v1, the live tail, the
// studio, metrics and probes.
//
//	guard := admin.NewGuard(admin.GuardOptions{Token: token, Addr: "127.0.0.1:8081"})
//	h := admin.New(admin.Options{Guard: guard, Runs: engine, Scripts: scripts, Logs: log, Studio: studio.Handler(studio.Options{})})
//
// Endpoints are defined once, as typed functions; the OpenAPI document and the
// checks of requests come from the same definitions.
//
// The one invariant: nothing but the page, its assets and the probes answers
// without the token, and no page of another origin gets any answer at all. An
// endpoint can not forget that: it is registered through the guard.
//
// The package must not know the engine's insides, how scripts are built, or
// the script origin. It declares the few methods that it needs of them.
package admin
