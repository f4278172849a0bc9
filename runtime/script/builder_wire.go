// What the server and its builder process say to each other.
//
//	setup  ──▶   which project, what may be read, limits (JSON)
//	       ◀──   ready
//	build  ──▶   number script [text]
//	       ◀──   read: number path stamp       of each file, while it builds
//	       ◀──   built: number revision        or
//	             failed: number error
//	       ◀──   report: what it says of its rights, once
//
// The server does not believe what comes back: hostile sources may have taken
// over who sends it. It names revisions itself, by their content; it reads
// configs itself, from the literal that stands in the source; and it takes no
// path that a build of the project can not depend on.

package script

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/call/wire"
)

const (
	frameSetup byte = iota + 1 // to the builder
	frameBuild                 // to the builder
	frameReady                 // from the builder, as all below
	frameRead
	frameBuilt
	frameFailed
	frameReport
)

// BuilderFrame is how large a frame to or from a builder process can be: that of
// the largest revision.
const BuilderFrame = maxUnpacked

// What the server takes from a builder at most, in one answer.
const (
	mostInputs    = 100_000
	mostPath      = 4 << 10
	mostText      = 16 << 10 // of a message
	mostNotes     = 20
	mostFrame     = 64 << 10 // of code
	mostDepth     = 16       // of a config
	mostRivals    = 1_000
	mostReport    = 64 << 10
	mostPositions = math.MaxInt32
)

// builderSetup is what a builder process is told first.
type builderSetup struct {
	Root, Scripts      string
	Roots, Bases       []string
	ReadOnly, ListOnly []string
	Limits             call.Limits
	Memory             int64
}

// buildRequest asks for a revision.
type buildRequest struct {
	script  Script
	hasText bool
	text    string
}

// about begins a frame that concerns a build.
func about(number uint64) []byte { return wire.AppendNumber(make([]byte, 0, 64), number) }

func (r *buildRequest) append(number uint64) []byte {
	b := wire.AppendNumber(make([]byte, 0, 256+len(r.text)), number)
	b = wire.AppendText(b, r.script.Name)
	b = wire.AppendText(b, r.script.File)
	b = wire.AppendText(b, r.script.Path)
	b = wire.AppendTexts(b, r.script.Rivals[:min(len(r.script.Rivals), mostRivals)])
	b = append(b, wire.Flags(r.hasText))
	return wire.AppendText(b, r.text)
}

func parseRequest(b []byte) (number uint64, q buildRequest, err error) {
	r := wire.NewReader(b)
	number = r.Number()
	q.script = Script{Name: r.Text(), File: r.Text(), Path: r.Text(), Rivals: r.Texts()}
	q.hasText, q.text = r.Flag(), r.Text()
	return number, q, r.End()
}

func appendStamp(b []byte, path string, st stamp) []byte {
	b = wire.AppendText(b, path)
	b = wire.AppendNumber(b, st.size+1) // a folder's is -1
	b = append(b, wire.Flags(!st.modified.IsZero()))
	b = binary.BigEndian.AppendUint64(b, uint64(st.modified.Unix()))
	return wire.AppendNumber(b, st.modified.Nanosecond())
}

func appendInputs(b []byte, in inputs) []byte {
	b = wire.AppendNumber(b, len(in))
	for _, path := range slices.Sorted(maps.Keys(in)) {
		b = appendStamp(b, path, in[path])
	}
	return b
}

func appendProblems(b []byte, list []Problem) []byte {
	b = wire.AppendNumber(b, len(list))
	for i := range list {
		p := &list[i]
		b = wire.AppendText(b, cut(p.Message, mostText))
		b = appendPosition(b, p.Pos)
		b = wire.AppendText(b, cut(p.Frame, mostFrame))
		notes := p.Notes[:min(len(p.Notes), mostNotes)]
		b = wire.AppendNumber(b, len(notes))
		for _, n := range notes {
			b = wire.AppendText(b, cut(n, mostText))
		}
	}
	return b
}

// cut shortens a text to so many bytes.
func cut(s string, most int) string {
	const end = "…"
	if len(s) <= most {
		return s
	}
	return s[:most-len(end)] + end
}

func appendPosition(b []byte, p call.Position) []byte {
	b = wire.AppendText(b, cut(p.File, mostPath))
	b = wire.AppendNumber(b, min(max(p.Line, 0), mostPositions))
	return wire.AppendNumber(b, min(max(p.Column, 0), mostPositions))
}

// appendBuilt appends a revision, but for what its id and its config are: the
// other side finds out.
func appendBuilt(b []byte, r *Revision) []byte {
	b = wire.AppendText(b, r.Code)
	b = wire.AppendText(b, r.Map)
	b = wire.AppendNumber(b, len(r.Sources))
	for _, s := range r.Sources {
		b = wire.AppendText(b, cut(s.Path, mostPath))
		b = wire.AppendText(b, s.Content)
	}
	b = appendLiteral(b, r.Config.literal)
	b = appendProblems(b, r.Warnings)
	b = appendInputs(b, r.seen)
	return wire.AppendNumber(b, max(r.BuiltIn, 0))
}

// appendFailed appends an error. One that is no BuildError has no code.
func appendFailed(b []byte, err error) []byte {
	e := &BuildError{}
	if !errors.As(err, &e) {
		e = &BuildError{Problem: Problem{Message: err.Error()}}
	}
	b = wire.AppendText(b, e.Code)
	b = appendProblems(b, e.Problems())
	return appendInputs(b, e.seen)
}

func appendLiteral(b []byte, l *literal) []byte {
	if l == nil {
		return append(b, byte(absent))
	}
	b = append(b, byte(l.kind))
	b = appendPosition(b, l.pos)
	b = wire.AppendNumber(b, max(l.length, 0))
	switch l.kind {
	case boolLiteral:
		b = append(b, wire.Flags(l.truth))
	case numberLiteral:
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(l.number))
	case stringLiteral:
		b = wire.AppendText(b, l.text)
	case arrayLiteral:
		b = wire.AppendNumber(b, len(l.items))
		for _, item := range l.items {
			b = appendLiteral(b, item)
		}
	case objectLiteral:
		b = wire.AppendNumber(b, len(l.fields))
		for _, f := range l.fields {
			b = appendLiteral(b, f.key)
			b = appendLiteral(b, f.value)
		}
	}
	return b
}

// answerReader reads what a builder says, and believes none of it.
type answerReader struct {
	wire.Reader
	project *Project
}

// bounded reads a text that must not be longer.
func (r *answerReader) bounded(most int) string {
	n := r.Integer(int64(most))
	return string(r.Take(uint64(n)))
}

// stamp reads a file that a build depends on, as it was.
func (r *answerReader) stamp() (path string, st stamp) {
	path = r.bounded(mostPath)
	if r.Err() == nil && (!filepath.IsAbs(path) || filepath.Clean(path) != path || !r.project.near(path)) {
		r.Failf("%.200q is nothing that a build may depend on", path)
	}
	size := r.Integer(math.MaxInt64)
	there := r.Flag()
	var seconds int64
	if s := r.Take(8); len(s) == 8 {
		seconds = int64(binary.BigEndian.Uint64(s))
	}
	nanoseconds := r.Integer(int64(time.Second) - 1)
	st.size = size - 1
	if there {
		st.modified = time.Unix(seconds, nanoseconds)
	}
	return path, st
}

func (r *answerReader) inputs() inputs {
	n := r.Count(12)
	if n > mostInputs {
		r.Failf("%d inputs are more than there can be", n)
		return nil
	}
	in := make(inputs, n)
	for range n {
		path, st := r.stamp()
		in[path] = st
	}
	return in
}

func (r *answerReader) position() call.Position {
	return call.Position{File: r.bounded(mostPath), Line: int(r.Integer(mostPositions)), Column: int(r.Integer(mostPositions))}
}

func (r *answerReader) problems() []Problem {
	n := r.Count(6)
	if n > mostProblems+1 { // those that are shown, and how many are not
		r.Failf("%d problems are more than there can be", n)
		return nil
	}
	var out []Problem
	for range n {
		p := Problem{Message: r.bounded(mostText), Pos: r.position(), Frame: r.bounded(mostFrame)}
		for range r.Integer(mostNotes) {
			p.Notes = append(p.Notes, r.bounded(mostText))
		}
		out = append(out, p)
	}
	return out
}

// built reads the revision of a script. limits are those that its config may ask
// for.
func (r *answerReader) built(s Script, limits call.Limits) (*Revision, error) {
	rev := &Revision{Script: s.Name, File: s.File}
	rev.Code, rev.Map = append([]byte{}, r.Bytes()...), append([]byte{}, r.Bytes()...) // they live for different times
	for n := r.Count(2); n > 0 && r.Err() == nil; n-- {
		rev.Sources = append(rev.Sources, Source{Path: r.bounded(mostPath), Content: r.Text()})
	}
	l := r.literal(0)
	rev.Warnings, rev.seen, rev.BuiltIn = r.problems(), r.inputs(), r.Duration()
	if err := r.End(); err != nil {
		return nil, err
	}
	config, problems := parseConfig(s.Name, l, limits)
	if len(problems) > 0 {
		return nil, fmt.Errorf("the config that it read is not valid: %s", cut(problems[0].Message, 200))
	}
	if l != nil {
		l.release()
	}
	rev.Config, rev.Bytes, rev.Inputs = config, len(rev.Code), rev.seen.paths()
	rev.ID = revisionID(string(rev.Code), config.Raw)
	return rev, nil
}

// failed reads why there is no revision. broken says that the answer makes no
// sense.
func (r *answerReader) failed() (failed, broken error) {
	code := call.Code(r.bounded(mostPath))
	problems, seen := r.problems(), r.inputs()
	if err := r.End(); err != nil {
		return nil, err
	}
	switch {
	case len(problems) == 0:
		return nil, errors.New("an error says nothing")
	case code == "":
		return errors.New(problems[0].Message), nil
	case code != call.CodeCompile && code != call.CodeConfig:
		return nil, fmt.Errorf("there is no error %.40q of building", code)
	}
	return &BuildError{Code: code, Problem: problems[0], Others: problems[1:], Inputs: seen.paths(), seen: seen}, nil
}

// literal reads a value of a config.
func (r *answerReader) literal(depth int) *literal {
	kind := literalKind(r.Byte())
	if kind > objectLiteral || depth > mostDepth {
		r.Failf("a config is not valid")
	}
	if kind == absent || r.Err() != nil {
		return nil
	}
	l := &literal{kind: kind, pos: r.position(), length: int(r.Integer(math.MaxInt32)), frame: func(int) string { return "" }}
	switch kind {
	case boolLiteral:
		l.truth = r.Flag()
	case numberLiteral:
		if s := r.Take(8); len(s) == 8 {
			l.number = math.Float64frombits(binary.BigEndian.Uint64(s))
		}
		if math.IsInf(l.number, 0) || math.IsNaN(l.number) {
			r.Failf("a config has a number that is none")
		}
	case stringLiteral:
		l.text = r.Text()
	case arrayLiteral:
		for n := r.Count(4); n > 0 && r.Err() == nil; n-- {
			if item := r.literal(depth + 1); item != nil {
				l.items = append(l.items, item)
			}
		}
	case objectLiteral:
		for n := r.Count(8); n > 0 && r.Err() == nil; n-- {
			key, value := r.literal(depth+1), r.literal(depth+1)
			if key == nil || key.kind != stringLiteral || value == nil {
				r.Failf("a config has a key that is none")
				break
			}
			l.fields = append(l.fields, field{key, value})
		}
	}
	return l
}
