// Package tail carries the log to those who watch it: the websocket endpoint
// GET /api/v1/tail, the Go client of it, and the form of an entry on a
// terminal. The protocol is docs/reference/tail.md.
//
// The one invariant: a socket never slows anything down. Each has three
// goroutines of its own: one reads frames, one takes batches from its
// subscription of the log, and one, alone, writes. A reader that stalls stalls
// these and nothing else; what it misses meanwhile is said in a gap.
//
// The package must not know how tokens are made, what scripts are, or where
// the log is stored.
//
//	sockets := tail.Handler(tail.Options{Log: log, Authenticate: checkToken, CheckOrigin: sameHost})
//	mux.Handle("GET /api/v1/tail", sockets)
//	...
//	sockets.Shutdown(ctx)
//
//	client, err := tail.Dial(ctx, tail.DialOptions{URL: "http://127.0.0.1:8081", Token: token, Filter: "level:>=warn", Tail: 50})
//	for {
//		frame, err := client.Next(ctx)
//		...
//		for _, e := range frame.Entries {
//			tail.Format(os.Stdout, e, true)
//		}
//	}
package tail
