// Package script turns sources into revisions and keeps them current.
//
// A [Project] is the folder a user works in; it knows which of its files are
// scripts. A [Builder] bundles one script with everything it imports into a
// [Revision]: one JavaScript expression that the engine can run, its source
// map, its config (read without executing anything) and a content hash that
// names it. A [Registry] holds the current revision of every script, and
// rebuilds exactly those that a changed file is part of.
//
// The one invariant: a revision that works is never replaced by one that does
// not. Whatever goes wrong with a save is kept beside the last good revision,
// as an error with file, line and code frame.
//
// What a bundle looks like:
//
//	(async (__reprise) => {"use strict";
//	…modules, in the order they are evaluated…
//	__reprise.exports(namespaceOfTheScript);
//	})
//
// The package must not know the engine: it uses goja's parser to read syntax
// and never evaluates. What a script exports is found out by the Check function
// that the engine supplies. esbuild and fsnotify are imported here only.
//
//	project, err := script.OpenProject(".")
//	registry := script.NewRegistry(script.Options{Project: project, Builder: script.NewBuilder(script.BuilderOptions{}), Check: check})
//	err = registry.Load(ctx)       // every script once
//	go registry.Watch(ctx)         // and again whenever it is saved
//	rev := registry.Current("orders/fulfil")
package script
