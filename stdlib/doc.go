// Package stdlib holds what scripts import as "reprise:NAME": the text of each
// module, and (in types) its declarations for editors. All of it is embedded.
//
// A module is an ES module in JavaScript or TypeScript, one file in modules:
// modules/http.ts is "reprise:http", modules/a/b.ts is "reprise:a/b". A module
// on top of a Go binding takes what the binding exports and names it, so that a
// misspelt import fails the build with a line and not the run:
//
//	const m = __reprise.module("http");
//	export const http = m.http;
//
// A module without a binding is plain code on top of other modules; the native
// module "std", which scripts can not import, makes its errors and checks its
// options. Its tests are here: they bundle scripts and play the upstream.
//
// The one invariant: importing a module has no effect. The builder drops
// modules, and exports, that a script does not use.
//
// The package knows the standard library and nothing of ours.
//
//	text, ok := stdlib.Module("http")
package stdlib
