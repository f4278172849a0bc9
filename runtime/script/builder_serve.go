// The builder process: what happens in it.

package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"reprise/runtime/call"
	"reprise/runtime/proc"
)

const (
	// heapShare is how many percent of the process's memory the collector tries
	// to stay within.
	heapShare = 70
	// mostStack is how large a parser's stack may become. Growing doubles it, and
	// both halves have to fit into the process's memory. Sources that pass the
	// precheck need some MiB.
	mostStack = 64 << 20
)

// ServeBuilds is the role of a builder process: it builds what its parent asks
// for until the parent is gone. confine is called before any source is looked
// at.
func ServeBuilds(c *proc.Conn, confine Confine) error {
	return serveBuilds(c, confine, BuilderOptions{})
}

// Confine gives up all rights of this process but those in keep. The report is
// what the parent is to be told of that; it is made when the first build is
// done, so that nobody waits for it.
type Confine func(keep proc.Rights) (report func() []byte, err error)

func serveBuilds(c *proc.Conn, confine Confine, o BuilderOptions) error {
	kind, payload, err := c.Receive()
	if errors.Is(err, proc.ErrGone) {
		return nil
	}
	if err == nil && kind != frameSetup {
		err = fmt.Errorf("a builder must be set up first, and got frame %d", kind)
	}
	if err != nil {
		return err
	}
	var told builderSetup
	if err := json.Unmarshal(payload, &told); err != nil {
		return fmt.Errorf("set up a builder: %w", err)
	}
	report, err := confine(proc.Rights{ReadOnly: told.ReadOnly, ListOnly: told.ListOnly})
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(told.Memory / 100 * heapShare)
	debug.SetMaxStack(mostStack)
	o.Limits = told.Limits
	s := &buildServer{conn: c, builder: NewBuilder(o), project: told.project()}
	s.report = sync.OnceFunc(func() { s.say(frameReport, report()) })
	if err := c.Send(frameReady); err != nil {
		return nil //nolint:nilerror // the parent is gone
	}
	return s.serve()
}

// project is the one that the parent has opened.
func (t *builderSetup) project() *Project {
	return &Project{Root: t.Root, Scripts: t.Scripts, roots: t.Roots, bases: t.Bases}
}

// buildServer is a builder process at work.
type buildServer struct {
	conn    *proc.Conn
	builder *Builder
	project *Project
	report  func() // tells the parent of our rights, once
}

func (s *buildServer) serve() error {
	for {
		kind, payload, err := s.conn.Receive()
		if errors.Is(err, proc.ErrGone) || errors.Is(err, proc.ErrClosed) {
			return nil
		}
		if err == nil && kind != frameBuild {
			err = fmt.Errorf("a builder knows no frame %d", kind)
		}
		if err != nil {
			return err
		}
		number, request, err := parseRequest(payload)
		if err != nil {
			return fmt.Errorf("a request to build: %w", err)
		}
		go s.build(number, &request) // the parent says how many at once
	}
}

// build builds and answers. The parent learns of each file that is read at once:
// if this process does not live to answer, a change of one of them will be what
// makes another attempt worth while.
func (s *buildServer) build(number uint64, r *buildRequest) {
	defer s.report()
	j := newJob(s.builder, s.project, r.script)
	if r.hasText {
		j.text = &r.text
	}
	j.told = func(path string, st stamp) { s.say(frameRead, appendStamp(about(number), path, st)) }
	rev, err := j.build()
	if err == nil {
		err = s.conn.Send(frameBuilt, appendBuilt(about(number), rev))
		if !errors.Is(err, proc.ErrTooLarge) {
			return
		}
		tooLarge := buildError(call.CodeCompile, Problem{Pos: call.Position{File: rev.File}, Message: fmt.Sprintf("this script is too large with its map and sources: %s; import less", err)})
		tooLarge.seen = rev.seen
		err = tooLarge
	}
	s.say(frameFailed, appendFailed(about(number), err))
}

// say sends a frame. When the parent is gone, serve notices.
func (s *buildServer) say(kind byte, payload []byte) { _ = s.conn.Send(kind, payload) }
