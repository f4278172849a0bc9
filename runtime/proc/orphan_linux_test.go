package proc_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	goruntime "runtime"

	"golang.org/x/sys/unix"

	"reprise/runtime/proc"
)

func init() {
	// middle starts a child of its own and says which.
	roles["middle"] = func(c *proc.Conn, args []string) int {
		p, err := proc.Start(args[0], proc.Options{})
		if err != nil {
			c.Send(1, []byte(err.Error()))
			return 1
		}
		p.Conn().Send(1, []byte("stop")) // confined does; others do not read
		c.Send(1, []byte(strconv.Itoa(p.Pid())))
		return echo(c, nil)
	}
	roles["stopped"] = func(*proc.Conn, []string) int {
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		return 0
	}
}

// adopt makes this process the parent of its children's orphans, so that their
// end can be waited for.
func adopt(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
}

func TestAChildDoesNotOutliveItsParent(t *testing.T) {
	// Whatever it is doing: it waits for frames, computes, was stopped, has no rights.
	adopt(t)
	for _, role := range []string{"echo", "spin", "stopped", "worker"} {
		t.Run(role, func(t *testing.T) {
			p := start(t, "middle", proc.Options{Args: []string{role}})
			said := receive(t, p.Conn())
			pid, err := strconv.Atoi(said)
			if err != nil {
				t.Fatal(said)
			}
			p.Kill()
			var status unix.WaitStatus
			for {
				got, err := unix.Wait4(pid, &status, 0, nil)
				if errors.Is(err, unix.EINTR) {
					continue
				}
				if errors.Is(err, unix.ECHILD) { // not ours yet: its parent is about to go
					<-p.Done()
					goruntime.Gosched()
					continue
				}
				if err != nil || got != pid || !status.Exited() && !status.Signaled() {
					t.Fatal(got, err, status)
				}
				break
			}
		})
	}
}

func TestTheLifelineAloneEndsAChild(t *testing.T) {
	// Where the kernel does not kill the child, and although it never receives.
	p := start(t, "spin", proc.Options{})
	receive(t, p.Conn())
	p.CutLifeline()
	if e := ended(t, p); e.Code != 3 {
		t.Fatal(e)
	}
}

func TestAChildOutlivesTheThreadThatAskedForIt(t *testing.T) {
	// The kernel would kill it with the thread that started it.
	var p *proc.Process
	var err error
	tid := onAThreadThatEnds(func() { p, err = proc.Start("echo", proc.Options{}) })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { p.Kill(); <-p.Done(); p.Conn().Close() }()
	for unix.Tgkill(unix.Getpid(), tid, 0) == nil {
		goruntime.Gosched() // until the thread has ended
	}
	if got := ask(t, p.Conn(), "still there"); got != "still there" {
		t.Fatal(got)
	}
}

// onAThreadThatEnds calls f and returns the number of the thread, which ends
// with its goroutine. The main thread never does, and is passed over.
func onAThreadThatEnds(f func()) (tid int) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		goruntime.LockOSThread() // without unlocking
		if tid = unix.Gettid(); tid == unix.Getpid() {
			defer goruntime.UnlockOSThread()
			tid = onAThreadThatEnds(f)
			return
		}
		f()
	}()
	<-done
	return tid
}

func TestNothingIsLeft(t *testing.T) {
	// Of 200 children no file, no goroutine, no process.
	once := func(i int) {
		role := []string{"echo", "die", "spin", "juggler"}[i%4]
		p, err := proc.Start(role, proc.Options{Args: []string{"exit"}})
		if role == "juggler" {
			if err == nil {
				t.Fatal("a role that is not there was started")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if role != "die" {
			p.Kill()
		}
		p.Conn().Close()
		ended(t, p)
	}
	for i := range 8 { // what is made once, and kept
		once(i)
	}
	files, goroutines := openFiles(t), goruntime.NumGoroutine()
	for i := range 200 {
		once(i)
	}
	for goruntime.NumGoroutine() > goroutines {
		goruntime.Gosched() // those that have closed done are about to end; a test that hangs here leaks
	}
	if n := openFiles(t); n > files {
		t.Errorf("%d files are open, before it were %d", n, files)
	}
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("there is still a child: %d, %v", pid, err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestAChildInheritsTwoFiles(t *testing.T) {
	// Beside the standard ones, and nothing that its parent has open, not even
	// what the parent has inherited itself.
	left, err := syscall.Dup(1)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(left)
	p := start(t, "echo", proc.Options{})
	ask(t, p.Conn(), "ready")
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	var others []string // than the standard ones, and those of Go's runtime
	for _, e := range entries {
		to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", p.Pid(), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(e.Name())
		if n > 2 && !strings.HasPrefix(to, "anon_inode:[event") && !strings.HasPrefix(to, "/sys/fs/cgroup/") {
			kind, _, _ := strings.Cut(to, ":")
			others = append(others, kind)
		}
	}
	slices.Sort(others)
	if !slices.Equal(others, []string{"pipe", "socket"}) {
		t.Errorf("it has %q", others)
	}
}

func TestUsage(t *testing.T) {
	p := start(t, "spin", proc.Options{})
	receive(t, p.Conn())
	for {
		u, err := p.Usage()
		if err != nil {
			t.Fatal(err)
		}
		if u.RSS < 1<<20 || u.RSS > 1<<30 {
			t.Fatalf("%d bytes", u.RSS)
		}
		if u.CPU > 50e6 { // it rises
			break
		}
	}
	if n := testing.AllocsPerRun(100, func() { p.Usage() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	p.Kill()
	<-p.Done()
	_, err := p.Usage()
	want(t, err, os.ErrProcessDone)
}

func BenchmarkUsage(b *testing.B) {
	p := start(b, "echo", proc.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Usage(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p, err := proc.Start("echo", proc.Options{})
		if err != nil {
			b.Fatal(err)
		}
		p.Kill()
		<-p.Done()
		p.Conn().Close()
	}
}
