// Package site is the script origin: it finds the script that a request is
// for, turns the request into the plain message that its fetch handler takes,
// and the handler's answer into an HTTP response.
//
//	s := site.New(site.Options{Engine: engine, Dev: true})
//	err := s.Update([]site.RouteSource{{Name: "hello", File: "scripts/hello.ts", State: site.Live, Revision: "9f2c", Handlers: []string{"fetch"}}})
//	http.ListenAndServe(addr, s)
//
// # Routes
//
// A script "a/b" with a fetch handler answers /a/b and below, "index" answers /
// and so everything that nobody else does. config.http.path says another
// place: exactly that path, with :name for a segment, and below it too when it
// ends in /*. The longest prefix wins; among equally long ones a literal
// segment wins over a parameter, from left to right, and the request's method
// decides between those that are left. A trailing slash makes no difference,
// and the URL a script sees is the one that was asked for. Everything under
// /_/ belongs to the server.
//
// The one invariant: a request is routed by one table, whole, which never
// changes: an update builds another and swaps the pointer, so a lookup takes
// no lock and no request falls between two tables.
//
// The package must not know how scripts are built or run, the admin API, or
// the VM: requests and responses are the plain messages of runtime/worker.
package site
