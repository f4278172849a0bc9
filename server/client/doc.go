// Package client talks to a running server through its admin API. The command
// line uses it; so can any Go program.
//
//	c, err := client.Open(".reprise") // the server of this data directory
//	if errors.Is(err, client.ErrNotRunning) { … }
//	run, err := c.StartRun(ctx, api.StartRun{Script: "orders/fulfil", Wait: "10s"})
//	var e *call.Error
//	if errors.As(err, &e) && e.Code == string(call.CodeNotFound) { … }
//
// The one invariant: what a server says of an error reaches the caller: its
// sentence as the error's text, its code through errors.As to a *call.Error,
// and all of it through errors.As to a *problem.Problem.
//
// The package must not know the engine, the store or the server's insides.
package client
