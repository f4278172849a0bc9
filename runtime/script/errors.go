package script

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"reprise/runtime/call"
)

// Problem is one thing that is wrong with a source.
type Problem struct {
	// Message says what is wrong, and what to do, in a sentence or two.
	Message string `json:"message"`
	// Pos is where, in the user's own file.
	Pos call.Position `json:"src,omitzero"`
	// Frame shows the line with a caret below it. It may be empty.
	Frame string `json:"frame,omitempty"`
	// Notes add to the message.
	Notes []string `json:"notes,omitempty"`
}

// String returns "file:line:column: message" and the notes.
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.Pos.Line > 0:
		b.WriteString(p.Pos.String() + ": ")
	case p.Pos.File != "":
		b.WriteString(p.Pos.File + ": ")
	}
	b.WriteString(p.Message)
	for _, n := range p.Notes {
		b.WriteString("\n  note: " + n)
	}
	return b.String()
}

// BuildError says why a script has no new revision: its sources do not build
// (COMPILE_ERROR) or its config is not valid (CONFIG_ERROR). It converts to a
// *call.Error with errors.As.
type BuildError struct {
	Code call.Code
	// Problem is the first thing that is wrong.
	Problem
	// Others are the rest, in the order of the sources.
	Others []Problem
	// Inputs are the files that were read before the build failed, and the
	// folders in which what it did not find would be. One of them will have to
	// change.
	Inputs []string

	seen inputs
}

func buildError(code call.Code, problems ...Problem) *BuildError {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if a.Pos.File != b.Pos.File {
			return 0
		}
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	problems = shown(problems)
	return &BuildError{Code: code, Problem: problems[0], Others: problems[1:]}
}

// mostProblems is how many problems of a build are told: more than anybody
// reads at a time.
const mostProblems = 100

// shown cuts a list of problems short, and says so.
func shown(list []Problem) []Problem {
	more := len(list) - mostProblems
	if more <= 0 {
		return list
	}
	return append(list[:mostProblems:mostProblems], Problem{Message: fmt.Sprintf("and %d more, which are not shown", more)})
}

// Problems returns all that is wrong.
func (e *BuildError) Problems() []Problem {
	return append([]Problem{e.Problem}, e.Others...)
}

// Error returns all messages, each with its position, one to a line.
func (e *BuildError) Error() string { return e.join(Problem.String) }

// Text returns all messages with their code frames, for a terminal.
func (e *BuildError) Text() string {
	return e.join(func(p Problem) string {
		if p.Frame == "" {
			return p.String()
		}
		return p.String() + "\n" + p.Frame
	})
}

func (e *BuildError) join(text func(Problem) string) string {
	var all []string
	for _, p := range e.Problems() {
		all = append(all, text(p))
	}
	return strings.Join(all, "\n")
}

// CallError returns the failure as scripts, the API and the log show it. Its
// data has src, frame and, when more than one thing is wrong, all problems.
func (e *BuildError) CallError() *call.Error {
	data := map[string]any{}
	if !e.Pos.IsZero() {
		data["src"] = e.Pos
	}
	if e.Frame != "" {
		data["frame"] = e.Frame
	}
	if len(e.Others) > 0 || len(e.Notes) > 0 {
		data["problems"] = e.Problems()
	}
	return call.Errorf(e.Code, "%s", e.Error()).WithData(data)
}

// As lets errors.As find the *call.Error.
func (e *BuildError) As(target any) bool {
	if t, ok := target.(**call.Error); ok {
		*t = e.CallError()
		return true
	}
	return false
}
