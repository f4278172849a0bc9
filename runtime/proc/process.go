// The parent's side: a child from its start to its end.

package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	goruntime "runtime"
	"time"
)

// maxMaxFrame is the largest limit of a frame: its length must stay an int.
const maxMaxFrame = 1 << 30

// Options say how a child is started.
type Options struct {
	// Args are given to the role.
	Args []string
	// Env are variables of the child, each NAME=value. From the parent's
	// environment it gets nothing but what steers Go's runtime, so that no
	// secret is ever in it.
	Env []string
	// Stderr gets what the child writes to its standard error: nothing, unless
	// it crashes. nil discards it; Exit has its tail in any case.
	Stderr io.Writer
	// Shared is how many bytes of memory the child shares with the parent, for
	// what must be readable when the child has ended and can say nothing.
	Shared int
	// MaxFrame is the largest payload of a frame, in both directions.
	// 64 MiB if zero.
	MaxFrame int
	// HelloTimeout is how long a child may take to start. 10 seconds if zero.
	HelloTimeout time.Duration
}

// Process is a child. Its connection is the caller's to close.
type Process struct {
	cmd      *exec.Cmd
	conn     *Conn
	lifeline *os.File // the child ends when this does
	shared   []byte
	meter    meter
	done     chan struct{}
	exit     Exit // written before done is closed
}

// Start executes this program again, as a child that does the role, and returns
// when the child has said hello. If it does not, it is killed, and the error has
// what it wrote.
func Start(role string, o Options) (*Process, error) {
	if o.MaxFrame == 0 {
		o.MaxFrame = DefaultMaxFrame
	}
	if o.MaxFrame < 0 || o.MaxFrame > maxMaxFrame {
		return nil, fmt.Errorf("proc: MaxFrame is %d; it must be from 1 to %d", o.MaxFrame, maxMaxFrame)
	}
	if o.HelloTimeout == 0 {
		o.HelloTimeout = helloPatience
	}
	p, err := launch(role, o)
	if err != nil {
		return nil, fmt.Errorf("proc: a process %q can not be started: %w", role, err)
	}
	if _, err := p.conn.greet(o.HelloTimeout); err != nil {
		p.Kill()
		<-p.done
		return nil, fmt.Errorf("proc: the process %q did not start; %s: %w", role, p.exit, err)
	}
	return p, nil
}

// launch starts the child, whether it will say hello or not.
func launch(role string, o Options) (*Process, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	held, lifeline, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	defer held.Close()

	files := []*os.File{theirs, held} // connFD and lifelineFD
	var memory []byte
	if o.Shared > 0 {
		file, mapped, err := share(o.Shared)
		if err != nil {
			return nil, errors.Join(err, lifeline.Close(), ours.Close())
		}
		defer file.Close()
		files, memory = append(files, file), mapped // sharedFD
	}
	conn, err := newConn(ours, o.MaxFrame)
	if err != nil {
		return nil, errors.Join(err, lifeline.Close())
	}
	p := &Process{conn: conn, lifeline: lifeline, shared: memory, done: make(chan struct{})}
	if memory != nil {
		goruntime.AddCleanup(p, unshare, memory)
	}
	p.cmd = command(role, o)
	p.cmd.ExtraFiles = files
	tail := &tail{next: o.Stderr}
	p.cmd.Stderr = tail
	started := make(chan error)
	go p.live(tail, started)
	if err := <-started; err != nil {
		return nil, errors.Join(err, p.conn.Close())
	}
	return p, nil
}

// live starts the child, waits for its end, and takes it away.
//
// It keeps one thread of the operating system for that, and not only because
// waiting blocks one anyway: on Linux the child is killed when the thread that
// started it ends, be it that the whole process does (see command). A thread
// that is locked to this goroutine lasts as long as it.
func (p *Process) live(tail *tail, started chan<- error) {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	defer p.lifeline.Close()
	err := p.cmd.Start()
	if err == nil {
		p.meter.open(p.cmd.Process.Pid)
	}
	started <- err
	if err != nil {
		return
	}
	_ = p.cmd.Wait() // how it ended is in its state
	p.meter.close()
	p.exit = exitOf(p.cmd.ProcessState, tail)
	close(p.done)
}

// Conn returns the connection to the child. It outlives the child: what was
// sent before the end can be received after it.
func (p *Process) Conn() *Conn { return p.conn }

// Shared returns the memory that the child shares, also after its end. What
// stands there is what the child wrote, or anything. It is valid as long as the
// Process is used.
func (p *Process) Shared() []byte { return p.shared }

// Pid returns the child's number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Kill ends the child at once. It may be called at any time, and never hits
// another process that has got the child's number since.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it fails if the child has ended, as it should
}

// Done returns a channel that is closed when the child has ended and nothing is
// left of it.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit tells how the child ended. It waits for that.
func (p *Process) Exit() Exit {
	<-p.done
	return p.exit
}

// Usage is what a child has used.
type Usage struct {
	RSS int64         // bytes of memory that it occupies now
	CPU time.Duration // of all its threads since it started, in steps of 10 ms
}

// Usage returns what the child has used so far. It costs some microseconds and
// no memory. Where the system does not tell, or the child has ended, that is an
// error: errors.ErrUnsupported, os.ErrProcessDone.
func (p *Process) Usage() (Usage, error) { return p.meter.read() }
