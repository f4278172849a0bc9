package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"reprise/runtime/call/wire"
	"reprise/runtime/proc"
)

// watchBuilds is how often to look at the memory of a process that builds. It
// can take some 20 MB in that time.
const watchBuilds = 20 * time.Millisecond

// builderChild is a builder process as the server sees it.
type builderChild struct {
	owner   *BuilderProcess
	project *Project
	sees    sight
	child   *proc.Process
	conn    *proc.Conn
	died    chan struct{} // closed when it has ended
	poke    chan struct{} // has room for one: something is built

	reported bool // what it said of its rights; belongs to read

	mu        sync.Mutex
	jobs      map[uint64]*buildJob // being built; guarded by mu
	last      uint64               // number of a job; guarded by mu
	idle      *time.Timer          // dismisses it; guarded by mu
	retired   bool                 // it takes no more; guarded by mu
	dismissed bool                 // it was told to go; guarded by mu
	end       *childEnd            // why it is being killed, or has ended; guarded by mu
}

// buildJob is one build.
type buildJob struct {
	number  uint64
	request *buildRequest
	seen    inputs           // what it has read so far; belongs to the goroutine that reads answers
	answer  chan buildAnswer // has room for one
}

// buildAnswer is a revision, or why there is none, or how the process ended.
type buildAnswer struct {
	rev *Revision
	err error
	end *childEnd
}

// launch starts a process that builds a project.
func (b *BuilderProcess) launch(p *Project, sees sight) (*builderChild, error) {
	child, err := b.options.Spawn()
	if err != nil {
		return nil, err
	}
	c := &builderChild{
		owner: b, project: p, sees: sees, child: child, conn: child.Conn(),
		died: make(chan struct{}), poke: make(chan struct{}, 1), jobs: map[uint64]*buildJob{},
	}
	late := time.AfterFunc(readyPatience, child.Kill)
	err = c.greet()
	late.Stop()
	if err != nil {
		child.Kill()
		exit := child.Exit()
		_ = c.conn.Close() // it is of no use any more
		return nil, fmt.Errorf("%s (%w)", exit, err)
	}
	c.idle = time.AfterFunc(b.options.Idle, c.dismiss)
	b.running.Go(c.read) // it is called within running
	b.running.Go(c.watch)
	return c, nil
}

// greet tells the process what it is to build, and waits until it has given up
// its rights.
func (c *builderChild) greet() error {
	p, o := c.project, &c.owner.options
	told, err := json.Marshal(builderSetup{
		Root: p.Root, Scripts: p.Scripts, Roots: p.roots, Bases: p.bases,
		ReadOnly: c.sees.rights.ReadOnly, ListOnly: c.sees.rights.ListOnly, Limits: o.Limits, Memory: o.Memory,
	})
	if err != nil {
		return err
	}
	if err := c.conn.Send(frameSetup, told); err != nil {
		return err
	}
	kind, _, err := c.conn.Receive()
	if err == nil && kind != frameReady {
		err = fmt.Errorf("it began with frame %d", kind)
	}
	return err
}

// enlist makes a job of a request, or returns nil if the process takes no more.
func (c *builderChild) enlist(r *buildRequest) *buildJob {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil || c.retired || c.dismissed {
		return nil
	}
	c.idle.Stop()
	c.last++
	path := r.script.Path
	j := &buildJob{number: c.last, request: r, seen: inputs{path: stampOf(path)}, answer: make(chan buildAnswer, 1)}
	c.jobs[j.number] = j
	select {
	case c.poke <- struct{}{}:
	default: // it is looked at already
	}
	return j
}

// settle takes the job with this number, which is over then.
func (c *builderChild) settle(number uint64) *buildJob {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := c.jobs[number]
	delete(c.jobs, number)
	if len(c.jobs) == 0 {
		c.unused()
	}
	return j
}

// unused is called with mu held when nothing is being built.
func (c *builderChild) unused() {
	if c.retired {
		c.dismissed = true
		c.child.Kill()
		return
	}
	c.idle.Reset(c.owner.options.Idle)
}

// retire lets the process finish what it has, and then go.
func (c *builderChild) retire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retired = true
	if len(c.jobs) == 0 {
		c.unused()
	}
}

// dismiss ends the process, unless it has something to do.
func (c *builderChild) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.jobs) == 0 {
		c.dismissed = true
		c.child.Kill()
	}
}

// kill ends the process because of what it builds. The first reason counts.
func (c *builderChild) kill(why childEnd) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if why.guilty != nil && c.jobs[why.guilty.number] == nil {
		return // it has been answered after all
	}
	if c.end == nil {
		c.end = &why
	}
	c.child.Kill()
}

// read takes what the process says, until it ends or says what makes no sense.
func (c *builderChild) read() {
	for {
		kind, b, err := c.conn.Receive()
		if err == nil {
			err = c.take(kind, b)
		} else if errors.Is(err, proc.ErrGone) || errors.Is(err, proc.ErrClosed) {
			break
		}
		if err != nil {
			c.kill(outOfOrder(err))
			break
		}
	}
	c.ended()
}

// take takes one frame.
func (c *builderChild) take(kind byte, b []byte) error {
	if kind == frameReport && !c.reported && len(b) <= mostReport {
		c.reported = true
		c.owner.options.OnReport(b)
		return nil
	}
	r := answerReader{wire.NewReader(b), c.project}
	number := r.Number()
	if err := r.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	j := c.jobs[number]
	c.mu.Unlock()
	if j == nil {
		return fmt.Errorf("there is no build %d", number)
	}
	var a buildAnswer
	var broken error
	switch kind {
	case frameRead:
		path, st := r.stamp()
		if len(j.seen) < mostInputs {
			j.seen[path] = st
		}
		return r.End()
	case frameBuilt:
		a.rev, broken = r.built(j.request.script, c.owner.options.Limits)
	case frameFailed:
		a.err, broken = r.failed()
	default:
		broken = fmt.Errorf("there is no frame %d", kind)
	}
	if broken != nil {
		return broken
	}
	c.settle(number).answer <- a
	return nil
}

// ended tells those who wait for the process that it is gone.
func (c *builderChild) ended() {
	c.child.Kill() // if it only closed its connection
	exit := c.child.Exit()
	_ = c.conn.Close() // it is of no use any more
	c.mu.Lock()
	c.idle.Stop()
	if c.end == nil {
		e := crashed(exit)
		c.end = &e
	}
	end, jobs := *c.end, c.jobs
	c.jobs = map[uint64]*buildJob{}
	wanted := c.dismissed || c.owner.ctx.Err() != nil
	c.mu.Unlock()
	close(c.died)
	end.alone = len(jobs) == 1
	var scripts []string
	for _, number := range slices.Sorted(maps.Keys(jobs)) {
		j, of := jobs[number], end
		of.seen = j.seen
		scripts = append(scripts, j.request.script.Name)
		j.answer <- buildAnswer{end: &of}
	}
	if !wanted {
		c.owner.options.OnEnd(BuilderEnd{Why: end.why, Scripts: scripts})
	}
}

// watch kills the process when it takes too much memory, or when nothing is to
// be built any more at all.
func (c *builderChild) watch() {
	for {
		select {
		case <-c.poke:
			if c.watchBusy() {
				continue
			}
		case <-c.owner.ctx.Done():
			c.child.Kill()
		case <-c.died:
		}
		return
	}
}

// watchBusy watches while something is built. It returns whether the process
// goes on.
func (c *builderChild) watchBusy() bool {
	tick := time.NewTicker(watchBuilds)
	defer tick.Stop()
	for c.busy() {
		select {
		case <-tick.C:
		case <-c.owner.ctx.Done():
			c.child.Kill()
			return false
		case <-c.died:
			return false
		}
		u, err := c.child.Usage() // where the system does not tell, time is the only limit
		if err == nil && u.RSS > c.owner.options.Memory {
			c.kill(outOfMemory(c.owner.options.Memory))
			return false
		}
	}
	return true
}

func (c *builderChild) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.jobs) > 0
}
