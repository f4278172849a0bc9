package studio

import (
	"embed"
	"io/fs"
)

// The all: prefix keeps files that begin with "." or "_"; the first is why a
// tree without a build compiles (dist/.gitkeep), the second is what bundlers
// like to call their chunks.
//
//go:embed all:dist
var dist embed.FS

// embedded returns the build, rooted at its index.html.
func embedded() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// fs.Sub fails on an invalid path only, and this one is a constant.
		panic("studio: " + err.Error())
	}
	return sub
}

// Built says whether this program carries the front end. Without it, Handler
// serves a page that says how to build it.
func Built() bool { return built(embedded()) }

func built(files fs.FS) bool {
	_, err := fs.Stat(files, indexFile)
	return err == nil
}
