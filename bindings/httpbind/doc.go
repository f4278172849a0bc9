// Package httpbind is the module reprise:http: requests to APIs, on resty.
//
// Its VM side ([Module], [Connect]) checks options and makes calls of kind
// "http.request"; the Web platform's fetch makes the same ones. Its host side
// ([New]) performs them: it puts secrets in, sends, follows redirects, tries
// again, reads the answer up to a limit, or passes it on as it arrives, and takes the
// secrets out of it.
//
//	b := httpbind.New(httpbind.Options{Connections: set, Secrets: secrets})
//	outcome := b.Do(ctx, performance)
//
// Retries are a plain loop here and not a library's: every try has to be
// reported to the engine before the next, every pause belongs to the engine
// (it may park the run), a write may be repeated only on certain failures, and
// Retry-After is honoured in both its forms and up to a limit. What is left for
// a library after that is the exponential function.
//
// The one invariant: no value of a secret is in an outcome or a reported
// attempt. Whatever leaves this package has been scrubbed ([connections.Use]).
//
// Where a URL that a script chose may lead is decided by [egress.Policy], before
// each hop and again when it is dialled (roads.go).
//
// It must not know runs, journals or the list of other bindings.
//
// Read in this order: binding.go (the host side's loop), prepare.go, upstream.go,
// roads.go, lanes.go, send.go, receive.go, cached.go, failures.go, backoff.go; then module.go (the VM side), options.go, promise.go.
package httpbind
