// Bundling in a process of its own. Parsers are made for sources that people
// write; one that was made to hurt can overflow a stack, take all memory, or
// never come to an end, and none of that can be stopped from inside. So the
// server asks a child that may read the project and nothing else, and kills it
// when it takes too much.
//
//	Build ──▶ common: several builds at once ──▶ revision, or what is wrong
//	             │ the process ended, and nobody knows because of which build
//	             ▼
//	          alone: one build at a time ──▶ the process ended: this one it was
//
// A process is started when something is to be built, and dismissed when
// nothing was for a while.

package script

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/proc"
)

const (
	// DefaultBuilderMemory is what the builder process may take, if sources are not
	// allowed to be so large that it would not do for one build: sources of 4 MiB
	// need some 450 MiB.
	DefaultBuilderMemory = 1 << 30
	memoryPerSource      = 160
	// DefaultBuilderIdle is how long a builder process without work is kept: as
	// long as somebody who edits may think.
	DefaultBuilderIdle = time.Minute
	// mostBuilds is how many builds share the memory of the process.
	mostBuilds = 8
)

// BuilderProcessOptions configure a BuilderProcess.
type BuilderProcessOptions struct {
	// Spawn starts a process whose role it is to ServeBuilds, with frames of up to
	// BuilderFrame. It is needed.
	Spawn func() (*proc.Process, error)
	// Limits are as in BuilderOptions.
	Limits call.Limits
	// Timeout limits one build, without its wait for others. Zero:
	// DefaultBuildTimeout.
	Timeout time.Duration
	// Memory is what a builder process may take, in bytes. Zero:
	// DefaultBuilderMemory, or 160 times the largest sources, if that is more.
	Memory int64
	// Concurrency limits how many builds run at once. Zero: one per core, and 8 at
	// most.
	Concurrency int
	// Idle is how long a process is kept that has nothing to do. Zero:
	// DefaultBuilderIdle.
	Idle time.Duration
	// OnReport is told what a process says of its rights. It must not block.
	OnReport func(said []byte)
	// OnEnd is told of a process that did not end because it was told to. It must
	// not block.
	OnEnd func(BuilderEnd)
}

// BuilderEnd is the end of a builder process.
type BuilderEnd struct {
	// Why is half a sentence: "it took more than 1GiB of memory".
	Why string
	// Scripts are those that were being built.
	Scripts []string
}

// BuilderProcess builds in child processes. It is safe for concurrent use.
type BuilderProcess struct {
	options BuilderProcessOptions
	ctx     context.Context
	close   context.CancelFunc
	running sync.WaitGroup // builds, and what watches over processes
	common  lane
	alone   lane

	mu       sync.Mutex
	closed   bool            // guarded by mu
	suspects map[string]bool // scripts whose last build ended its process; guarded by mu
}

var (
	// errAgain says that a process has ended with more than one build in it, or
	// for no reason that shows.
	errAgain         = errors.New("the builder process ended, and this build may not be why")
	errBuilderClosed = call.Errorf(call.CodeUnavailable, "nothing is built any more: the server is stopping")
)

// NewBuilderProcess returns a builder whose processes are started when they are
// needed. It has to be closed.
func NewBuilderProcess(o BuilderProcessOptions) *BuilderProcess {
	o.Limits = o.Limits.OrDefaults()
	o.Timeout = cmp.Or(o.Timeout, DefaultBuildTimeout)
	o.Memory = cmp.Or(o.Memory, max(DefaultBuilderMemory, memoryPerSource*o.Limits.Source))
	o.Idle = cmp.Or(o.Idle, DefaultBuilderIdle)
	o.Concurrency = cmp.Or(o.Concurrency, min(goruntime.GOMAXPROCS(0), mostBuilds))
	if o.OnReport == nil {
		o.OnReport = func([]byte) {}
	}
	if o.OnEnd == nil {
		o.OnEnd = func(BuilderEnd) {}
	}
	b := &BuilderProcess{options: o, suspects: map[string]bool{}}
	b.ctx, b.close = context.WithCancel(context.Background()) //nolint:forbidigo // it lives until Close
	b.common = lane{owner: b, slots: make(chan struct{}, o.Concurrency)}
	b.alone = lane{owner: b, slots: make(chan struct{}, 1)}
	return b
}

// Close ends the processes, and waits until they are gone. What is being built
// is given up.
func (b *BuilderProcess) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.close()
	b.running.Wait()
}

// Build implements Builds.
func (b *BuilderProcess) Build(ctx context.Context, p *Project, s Script) (*Revision, error) {
	return b.build(ctx, p, &buildRequest{script: s})
}

// BuildText implements Builds.
func (b *BuilderProcess) BuildText(ctx context.Context, p *Project, s Script, text string) (*Revision, error) {
	return b.build(ctx, p, &buildRequest{script: s, hasText: true, text: text})
}

// build builds with others, and alone if that ended the process. A script that
// is known to end it is not put with others again.
func (b *BuilderProcess) build(ctx context.Context, p *Project, r *buildRequest) (*Revision, error) {
	if !b.isSuspect(r.script.Name) {
		rev, err := b.common.build(ctx, p, r)
		if !errors.Is(err, errAgain) {
			return rev, err
		}
	}
	return b.alone.build(ctx, p, r)
}

func (b *BuilderProcess) isSuspect(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.suspects[name]
}

// suspect notes whether a script ended its process.
func (b *BuilderProcess) suspect(name string, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if is {
		b.suspects[name] = true
	} else {
		delete(b.suspects, name)
	}
}

// begin runs f, unless this is closed.
func (b *BuilderProcess) begin(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.running.Go(f)
	}
	return !b.closed
}

// lane is a place for one process. One that must not be used any more, because
// the project's folders are others now, may still be finishing what it has.
type lane struct {
	owner *BuilderProcess
	slots chan struct{} // has room for the builds that run

	mu    sync.Mutex
	child *builderChild // the last one; guarded by mu
}

// build waits for a slot, and then for the build. A build whose caller has given
// up is not stopped, and keeps its slot until it ends.
func (l *lane) build(ctx context.Context, p *Project, r *buildRequest) (*Revision, error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-l.owner.ctx.Done():
		return nil, errBuilderClosed
	}
	type result struct {
		rev *Revision
		err error
	}
	done := make(chan result, 1)
	begun := l.owner.begin(func() {
		defer func() { <-l.slots }()
		rev, err := l.perform(p, r)
		done <- result{rev, err}
	})
	if !begun {
		<-l.slots
		return nil, errBuilderClosed
	}
	select {
	case r := <-done:
		return r.rev, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// perform has a process build. It ends in time: a process that takes longer is
// killed.
func (l *lane) perform(p *Project, r *buildRequest) (*Revision, error) {
	b := l.owner
	c, j, err := l.enlist(p, r)
	if err != nil {
		return nil, err
	}
	late := time.AfterFunc(b.options.Timeout, func() { c.kill(outOfTime(b.options.Timeout, j)) })
	_ = c.conn.Send(frameBuild, r.append(j.number)) // if it can not be sent, the process has ended
	a := <-j.answer
	late.Stop()
	switch {
	case a.end == nil:
		b.suspect(r.script.Name, false)
		return a.rev, a.err
	case b.ctx.Err() != nil:
		return nil, errBuilderClosed
	case l != &b.alone && !a.end.certain(j):
		return nil, errAgain
	}
	b.suspect(r.script.Name, true)
	return nil, a.end.failure(j)
}

// enlist gives a build to the lane's process, and starts one if there is none
// that sees the project as it is now.
func (l *lane) enlist(p *Project, r *buildRequest) (*builderChild, *buildJob, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sees := p.sight()
	if c := l.child; c != nil {
		if c.project == p && c.sees.same(sees) {
			if j := c.enlist(r); j != nil {
				return c, j, nil
			}
		} else {
			c.retire()
		}
		l.child = nil
	}
	var err error
	for try := range mostLaunches {
		if try > 0 {
			select {
			case <-time.After(time.Duration(try) * launchPause):
			case <-l.owner.ctx.Done():
				return nil, nil, errBuilderClosed
			}
		}
		var c *builderChild
		if c, err = l.owner.launch(p, sees); err != nil {
			continue
		}
		l.child = c
		if j := c.enlist(r); j != nil {
			return c, j, nil
		}
		err = errors.New("it ended at once")
	}
	if l.owner.ctx.Err() != nil {
		return nil, nil, errBuilderClosed
	}
	return nil, nil, call.Errorf(call.CodeUnavailable, "%s can not be built: the builder process does not start: %s", r.script.File, err)
}

const (
	// mostLaunches is how often a process is tried to be started, with a pause
	// that grows.
	mostLaunches = 3
	launchPause  = 300 * time.Millisecond
	// readyPatience is how long a process that has started may take until it has
	// given up its rights.
	readyPatience = 10 * time.Second
)

// childEnd is why a process has ended.
type childEnd struct {
	why    string    // half a sentence
	text   string    // the sentence for the script whose build it was
	guilty *buildJob // whose build it was, if that is certain
	alone  bool      // no other build was in the process
	ours   bool      // we killed it because of what is built
	seen   inputs    // what the build had read
}

// certain says whether it is certain that a build is to blame.
func (e *childEnd) certain(j *buildJob) bool { return e.guilty == j || e.ours && e.alone }

// failure is the error of the script whose build it was.
func (e *childEnd) failure(j *buildJob) error {
	err := buildError(call.CodeCompile, Problem{Message: e.text, Pos: call.Position{File: j.request.script.File}})
	err.seen = e.seen
	err.Inputs = err.seen.paths()
	return err
}

func outOfTime(timeout time.Duration, j *buildJob) childEnd {
	return childEnd{
		ours: true, guilty: j, why: fmt.Sprintf("a build took longer than %s", timeout),
		text: fmt.Sprintf("the build took longer than %s and was given up; is the source generated, or nested very deeply?", timeout),
	}
}

func outOfMemory(allowed int64) childEnd {
	size := call.FormatSize(allowed)
	return childEnd{
		ours: true, why: fmt.Sprintf("it took more than %s of memory", size),
		text: fmt.Sprintf("the build took more than %s of memory and was given up; import less, keep data out of the code, and nest less deeply", size),
	}
}

func outOfOrder(err error) childEnd {
	return childEnd{
		ours: true, why: fmt.Sprintf("what it said made no sense (%v)", err),
		text: fmt.Sprintf("the builder process gave an answer that makes no sense and was ended (%v); do these sources attack the bundler?", err),
	}
}

// crashed is the end of a process that nobody has killed.
func crashed(exit proc.Exit) childEnd {
	e := childEnd{why: exit.String(), text: fmt.Sprintf("the builder process ended while it built this (%s); it is not the server that failed, and other scripts are built", exit)}
	switch {
	case exit.StackOverflow():
		e.text = "the bundler ran out of stack and was ended; the source is nested too deeply"
	case exit.OutOfMemory():
		e.text = "the bundler ran out of memory and was ended; import less, keep data out of the code, and nest less deeply"
	}
	return e
}
