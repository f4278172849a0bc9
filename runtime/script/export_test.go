package script

import (
	"errors"

	"reprise/runtime/call"
	"reprise/runtime/call/wire"
	"reprise/runtime/proc"
)

// What the tests of builder processes look into.

// ServeBuildsWith is ServeBuilds with modules that the tests make.
func ServeBuildsWith(c *proc.Conn, confine Confine, o BuilderOptions) error {
	return serveBuilds(c, confine, o)
}

// The frames of a builder process.
const (
	FrameReady  = frameReady
	FrameRead   = frameRead
	FrameBuilt  = frameBuilt
	FrameFailed = frameFailed
)

// Stamps returns what a revision or an error depends on, and how that looked.
func Stamps(rev *Revision, err error) map[string]any {
	in := inputs{}
	if rev != nil {
		in = rev.seen
	}
	if e, ok := errors.AsType[*BuildError](err); ok {
		in = e.seen
	}
	out := map[string]any{}
	for path, st := range in {
		out[path] = st
	}
	return out
}

// StampNow returns how a file looks now.
func StampNow(path string) any { return stampOf(path) }

// Sight returns what a builder process may read of a project.
func Sight(p *Project) proc.Rights { return p.sight().rights }

// EncodeBuilt returns the frame of a revision, and EncodeFailed that of an error.
func EncodeBuilt(number uint64, rev *Revision) []byte { return appendBuilt(about(number), rev) }

func EncodeFailed(number uint64, err error) []byte { return appendFailed(about(number), err) }

// EncodeRead returns the frame that a file was read.
func EncodeRead(number uint64, path string) []byte {
	return appendStamp(about(number), path, stampOf(path))
}

// ParseRequest returns the script that a build is asked of.
func ParseRequest(b []byte) (number uint64, s Script, err error) {
	number, r, err := parseRequest(b)
	return number, r.script, err
}

// ParseBuilt and ParseFailed read answers, without their numbers.
func ParseBuilt(b []byte, p *Project, s Script) (*Revision, error) {
	r := answerReader{wire.NewReader(b), p}
	r.Number()
	return r.built(s, call.Limits{}.OrDefaults())
}

func ParseFailed(b []byte, p *Project) (failed, broken error) {
	r := answerReader{wire.NewReader(b), p}
	r.Number()
	return r.failed()
}

// Building is how many builds a process has that are not alone.
func Building(b *BuilderProcess) int {
	b.common.mu.Lock()
	defer b.common.mu.Unlock()
	c := b.common.child
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.jobs)
}
