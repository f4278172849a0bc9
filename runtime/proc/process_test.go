//go:build unix

package proc_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"reprise/runtime/proc"
)

func TestAChildAnswers(t *testing.T) {
	p := start(t, "echo", proc.Options{})
	if got := ask(t, p.Conn(), "hello"); got != "hello" {
		t.Fatalf("got %q", got)
	}
	if p.Pid() == os.Getpid() {
		t.Fatal("the child is this process")
	}
	// When the connection is closed, the child has done its work.
	p.Conn().Close()
	if e := ended(t, p); e.Code != 0 || e.Signal != 0 || e.String() != "it exited with code 0" {
		t.Fatalf("%s: %+v", e, e)
	}
}

func TestHowAChildEnded(t *testing.T) {
	// Whoever reads it can tell what happened.
	for _, c := range []struct {
		how    string
		code   int
		signal syscall.Signal
		says   string
		check  func(proc.Exit) bool
	}{
		{"exit", 7, 0, "it exited with code 7", nil},
		{"panic", 2, 0, "it exited with code 2: panic: so it is", nil},
		{"elsewhere", 2, 0, "it exited with code 2: panic: assignment to entry in nil map", nil},
		{"overflow", 2, 0, "it exited with code 2: runtime: goroutine stack exceeds 16777216-byte limit", proc.Exit.StackOverflow},
		{"segfault", 2, 0, "it exited with code 2: panic: runtime error: invalid memory address or nil pointer dereference", nil},
		{"signal", -1, syscall.SIGKILL, "it was ended by signal 9 (killed)", nil},
		{"chatter", 1, 0, "it exited with code 1: the end", nil},
	} {
		t.Run(c.how, func(t *testing.T) {
			p := start(t, "die", proc.Options{Args: []string{c.how}})
			e := ended(t, p)
			if e.Code != c.code || e.Signal != c.signal || e.String() != c.says || c.check != nil && !c.check(e) {
				t.Fatalf("%q, code %d, signal %d\n%s", e, e.Code, e.Signal, e.Stderr)
			}
			if len(e.Stderr) > 16<<10 {
				t.Fatalf("%d bytes of its stderr are kept", len(e.Stderr))
			}
			_, _, err := p.Conn().Receive()
			want(t, err, proc.ErrGone)
		})
	}
}

func TestStderrIsPassedOn(t *testing.T) {
	var all bytes.Buffer
	p := start(t, "die", proc.Options{Args: []string{"chatter"}, Stderr: &all})
	ended(t, p)
	if all.Len() != 100*1000+len("\nthe end\n") {
		t.Fatalf("%d bytes", all.Len())
	}
}

func TestTheExitCodeIsTheRoles(t *testing.T) {
	p := start(t, "return", proc.Options{Args: []string{"5"}})
	if e := ended(t, p); e.Code != 5 {
		t.Fatal(e)
	}
}

func TestLastWordsArrive(t *testing.T) {
	// What a role has sent before it returned is not lost.
	p := start(t, "last words", proc.Options{})
	for range 1000 {
		receive(t, p.Conn())
	}
	_, _, err := p.Conn().Receive()
	want(t, err, proc.ErrGone)
}

func TestKill(t *testing.T) {
	p := start(t, "spin", proc.Options{})
	receive(t, p.Conn())
	p.Kill()
	if e := ended(t, p); e.Signal != syscall.SIGKILL {
		t.Fatal(e)
	}
	p.Kill() // does nothing any more
	want(t, syscall.Kill(p.Pid(), 0), syscall.ESRCH)
	want(t, p.Conn().Send(1), proc.ErrGone)
}

func TestSignalsForTheParentDoNotEndAChild(t *testing.T) {
	// A Ctrl-C goes to all processes of a terminal; the parent decides what follows.
	p := start(t, "echo", proc.Options{})
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if err := syscall.Kill(p.Pid(), s); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, p.Conn(), "still there"); got != "still there" {
			t.Fatal(got)
		}
	}
}

func TestTheEnvironmentIsNotInherited(t *testing.T) {
	t.Setenv("STRIPE_KEY", "secret")
	t.Setenv("GOMAXPROCS", "3")
	p := start(t, "environ", proc.Options{Env: []string{"COLOUR=blue"}})
	got := strings.Split(receive(t, p.Conn()), "\n")
	allowed := map[string]bool{"TZ=UTC": true, "COLOUR=blue": true, "GOMAXPROCS=3": true}
	for _, name := range []string{"GODEBUG", "GOTRACEBACK", "GOGC", "GOMEMLIMIT", "GORACE"} {
		allowed[name+"="+os.Getenv(name)] = true
	}
	for _, v := range got {
		if !allowed[v] {
			t.Errorf("the child has %s", v)
		}
		delete(allowed, v)
	}
	if allowed["TZ=UTC"] || allowed["COLOUR=blue"] || allowed["GOMAXPROCS=3"] {
		t.Errorf("the child has only %q", got)
	}
}

func TestARoleThatIsNotThere(t *testing.T) {
	_, err := proc.Start("juggler", proc.Options{})
	if err == nil || !strings.Contains(err.Error(), `there is no role "juggler" in this program`) {
		t.Fatal(err)
	}
	want(t, err, proc.ErrGone)
}

func TestRolesAreNoCommands(t *testing.T) {
	// Who types one, or sets the variable, gets a sentence and not a process that hangs.
	for _, c := range []struct {
		env, says string
	}{
		{"OTHER=1", `reprise: "echo" is not a command to type: Reprise starts this process by itself. See reprise --help for those that are.`},
		{"REPRISE_ROLE=echo", "reprise: the variable REPRISE_ROLE is set, but this process was not started by Reprise; unset it."},
	} {
		cmd := exec.Command(os.Args[0], "echo")
		cmd.Env = append(os.Environ(), c.env)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || strings.TrimSpace(string(out)) != c.says {
			t.Errorf("%v: %s", err, out)
		}
	}
}
