// Package runtime is a run's life: the engine that starts runs, walks their
// calls along the road and delivers the outcomes, one turn at a time.
//
// A call comes out of a VM as plain bytes, passes the stations (guard, record,
// trace and log, perform) and goes back as an outcome. Durability, retries and
// tracing are stations on that road; a binding only performs.
//
// A durable run is driven by an actor, which writes its journal and is there
// only while the run has something to do: begin with actor.go. A request is
// driven by an execution alone: execution.go and fetch.go.
//
//	e, err := runtime.New(ctx, runtime.Options{Store: s, Log: l, Scripts: registry, Workers: w, Bindings: b})
//	e.Run()
//	run, _, err := e.Start(ctx, runtime.StartRequest{Script: "orders/fulfil", Input: input})
//	run, err = e.Wait(ctx, run.ID, 10*time.Second)
//
// The one invariant: outcomes reach a run's VM one at a time, in the order
// they were recorded, and nothing of a turn is performed before the turn is.
//
// It must not know HTTP servers, the list of bindings, or goja.
package runtime
