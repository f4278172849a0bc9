// Package metrics counts what happens, for Prometheus.
//
//	m := metrics.New(metrics.Options{Version: version, Tails: sockets.Count})
//	engine := runtime.New(ctx, runtime.Options{Meter: m, …})
//	mux.Handle("/metrics", m.Handler())
//
// The one invariant: the number of time series is bounded. Labels are names of
// scripts, kinds of calls, statuses and results; never an id, a URL or a
// message. Beyond a cap, further names share the label "other".
//
// The package must not know the engine, HTTP routes or the store: others
// report to it, and gauges are functions that it is given.
package metrics
