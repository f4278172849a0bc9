// Package studio serves the web front end of Reprise: the list of scripts and
// the live tail, as one page at the admin origin's "/".
//
// The front end is a Vite build of its own (src, index.html, package.json in
// this folder). `make build` writes it to dist, from where it is embedded; a
// program that was built without it works too, and its page says what to do.
//
// Invariant: nothing served here is secret and nothing here needs a token. The
// page carries no data; it reads everything through the admin API, with the
// token that the user brings in the URL's fragment.
//
// The package must not know the admin API, the engine or the tail: it hands
// out files, and that is all.
//
//	mux.Handle("/", studio.Handler(studio.Options{}))
//	if !studio.Built() {
//		logger.Warn("the studio is not in this build", "hint", "make build")
//	}
package studio
