// Package scripts holds the example scripts: a demo shop of four upstream APIs
// and, on top of them, the orchestrations that people come for. They are what
// `make run` serves and what the tests run, and the first thing to read.
//
// The one invariant: the examples use nothing but what a user's project has.
// The package knows the standard library and nothing of ours.
//
//	text, err := fs.ReadFile(scripts.Examples(), "orders/fulfil.ts")
package scripts

import (
	"embed"
	"io/fs"
)

//go:embed *.ts */*.ts
var files embed.FS

// Examples returns the example scripts, as the folder of a project's scripts.
func Examples() fs.FS { return files }
