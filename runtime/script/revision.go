package script

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"reprise/runtime/call"
)

// formatVersion is part of every revision's id. It changes with the form of
// the code that the builder hands to the engine.
const formatVersion = "reprise-bundle/1"

// Revision is the immutable built form of a script. Equal ids mean equal code
// and config, wherever the project is. What does not change the code, such as a
// comment, leaves the id and may move lines: then there is a newer Revision
// value with the same id and another map.
type Revision struct {
	// Script is the script's name.
	Script string
	// File is the script's file below the project, with slashes.
	File string
	// ID is the hash of code and config, in hexadecimal.
	ID string
	// Config is what the script's config says.
	Config Config
	// Code is one JavaScript expression: an async function that takes the host
	// object and hands the script's namespace to its exports function.
	Code []byte
	// Map is the source map of Code, for the engine that runs it: goja shows
	// the user's file, line and column, counted from one, when Code is parsed
	// under a name without a slash. (It is a standard map but for this: columns
	// on both sides are one higher, and generated ones count bytes, which is
	// how goja reads a map.)
	Map []byte
	// Sources are the files and modules that Code was made from.
	Sources []Source
	// Inputs are the absolute paths of the files that were read.
	Inputs []string
	// Bytes is the length of Code.
	Bytes int
	// BuiltIn is how long the build took.
	BuiltIn time.Duration
	// Warnings are oddities that did not stop the build.
	Warnings []Problem
	// Handlers are what the script exports: run, fetch, scheduled. The registry
	// fills them in from its Check function before anybody sees the revision.
	Handlers []string

	seen inputs
}

// Source is one file of a revision.
type Source struct {
	// Path is relative to the project, or names a module ("reprise:http").
	Path    string
	Content string
}

func revisionID(code string, config json.RawMessage) string {
	h := sha256.New()
	for _, part := range []string{formatVersion, string(config), code} {
		fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Position returns where in the source the value at a path of config keys
// stands ("http", "path"), or the nearest value around it.
func (r *Revision) Position(keys ...string) call.Position {
	return r.Config.literal.at(keys).pos
}

// ConfigError returns a CONFIG_ERROR about the value at a path of config keys,
// with its position and code frame. It is for checks that look beyond one
// script, such as that for routes that two scripts claim.
func (r *Revision) ConfigError(keys []string, format string, args ...any) *BuildError {
	at := r.Config.literal.at(keys)
	p := Problem{Message: fmt.Sprintf(format, args...), Pos: at.pos}
	for _, s := range r.Sources {
		if s.Path == at.pos.File {
			p.Frame = codeFrame(s.Content, at.pos, at.length)
		}
	}
	if p.Pos.IsZero() {
		p.Pos = call.Position{File: r.File}
	}
	e := buildError(call.CodeConfig, p)
	e.Inputs = r.Inputs
	return e
}
