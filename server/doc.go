// Package server is HTTP in and out: the script origin, where scripts answer,
// and the admin origin with the API, the live tail and the studio. Two origins,
// because a page that a script serves must never be able to drive the studio.
//
//	srv, err := server.New(server.Options{Addr: "127.0.0.1:8080", Admin: "127.0.0.1:8081", DataDir: ".reprise",
//		Engine: engine, Scripts: registry, Log: log, Metrics: meter})
//	err = srv.Start(ctx)            // both answer when it returns
//	fmt.Println(srv.StudioURL())    // http://127.0.0.1:8081/#token=…
//	err = srv.ScriptsChanged()      // whenever the registry has news
//	err = srv.Close(ctx)            // stop accepting, let requests end
//
// The rooms: site routes requests to scripts, ask is the page that people answer
// a run's questions on, admin is the API, tail the
// websocket, studio the page, metrics what Prometheus reads, datadir the files
// that tell other programs where the server is, client what those programs
// use, problem and api the documents that go over the wire.
//
// The one invariant: whoever holds a port of the admin origin and not the token
// learns nothing and changes nothing.
//
// The package must not know how scripts are executed or stored.
package server
