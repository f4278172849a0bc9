package main_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// tailing is a running reprise tail.
type tailing struct {
	cmd    *exec.Cmd
	output lines
	errs   lines
	more   chan struct{} // has room for one: there is more output
	ended  chan error
}

func cmdTail(ts *testscript.TestScript, neg bool, args []string) {
	p := programOf(ts)
	if neg || p.tail != nil {
		ts.Fatalf("usage: tail [arg...] (one at a time)")
	}
	path, err := exec.LookPath("reprise")
	ts.Check(err)
	t := &tailing{cmd: exec.Command(path, append([]string{"tail"}, args...)...), more: make(chan struct{}, 1), ended: make(chan error, 1)}
	t.cmd.Dir, t.cmd.Env = ts.Getenv("WORK"), append(os.Environ(), "NO_COLOR=1", "TESTSCRIPT_COMMAND=reprise")
	t.cmd.Stderr = &t.errs
	stdout, err := t.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(t.cmd.Start())
	go func() {
		s := bufio.NewScanner(stdout)
		for s.Scan() {
			t.output.add(s.Text())
			select {
			case t.more <- struct{}{}:
			default:
			}
		}
		t.ended <- t.cmd.Wait()
	}()
	p.tail = t
	ts.Defer(func() { _ = t.cmd.Process.Kill() })
	t.await(ts, regexp.MustCompile("."))
}

func cmdTailed(ts *testscript.TestScript, neg bool, args []string) {
	p := programOf(ts)
	if neg || len(args) != 1 || p.tail == nil {
		ts.Fatalf("usage: tailed REGEXP (after tail)")
	}
	t := p.tail
	p.tail = nil
	t.await(ts, regexp.MustCompile("(?m)"+args[0]))
	ts.Check(t.cmd.Process.Signal(os.Interrupt))
	select {
	case err := <-t.ended:
		if err != nil {
			ts.Fatalf("tail ended badly: %v\n%s", err, t.errs.String())
		}
	case <-time.After(patience):
		ts.Fatalf("tail does not end")
	}
	fmt.Fprint(ts.Stdout(), t.output.String())
}

// await waits until what was printed matches.
func (t *tailing) await(ts *testscript.TestScript, pattern *regexp.Regexp) {
	timeout := time.After(patience)
	for !pattern.MatchString(t.output.String()) {
		select {
		case <-t.more:
		case err := <-t.ended:
			ts.Fatalf("tail ended (%v) and had not printed %s\n%s%s", err, pattern, t.output.String(), t.errs.String())
		case <-timeout:
			ts.Fatalf("tail does not print %s\n%s%s", pattern, t.output.String(), t.errs.String())
		}
	}
}

// Write makes lines a writer, for a process's standard error.
func (l *lines) Write(b []byte) (int, error) {
	l.add(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}
