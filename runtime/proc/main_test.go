//go:build unix

package proc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reprise/runtime/proc"
)

// TestMain makes this test binary the children of its tests, too.
func TestMain(m *testing.M) {
	if how := os.Getenv("TEST_CHILD"); how != "" {
		badChild(how)
	}
	proc.Main(roles)
	goleak.VerifyTestMain(m)
}

// roles are what the children of the tests do.
var roles = map[string]proc.Role{
	"echo":    echo,
	"return":  func(_ *proc.Conn, args []string) int { var n int; fmt.Sscan(args[0], &n); return n },
	"die":     func(_ *proc.Conn, args []string) int { die(args[0]); return 0 },
	"spin":    spin,
	"environ": func(c *proc.Conn, _ []string) int { c.Send(1, []byte(strings.Join(os.Environ(), "\n"))); return 0 },
	"last words": func(c *proc.Conn, args []string) int {
		for range 1000 {
			c.Send(1, make([]byte, 1000))
		}
		return 0
	},
}

// echo sends everything back.
func echo(c *proc.Conn, _ []string) int {
	for {
		kind, payload, err := c.Receive()
		if err != nil {
			return 0
		}
		if err := c.Send(kind, payload); err != nil {
			return 1
		}
	}
}

// spin says that it runs, and then only computes, on all CPUs.
func spin(c *proc.Conn, _ []string) int {
	for range 8 {
		go compute()
	}
	c.Send(1, []byte("spinning"))
	return compute()
}

func compute() int {
	for n := 1; ; n++ {
		if n == 0 {
			return 1
		}
	}
}

func start(t testing.TB, role string, o proc.Options) *proc.Process {
	t.Helper()
	p, err := proc.Start(role, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		<-p.Done()
		p.Conn().Close()
	})
	return p
}

// receive returns the next frame, as text.
func receive(t testing.TB, c *proc.Conn) string {
	t.Helper()
	_, payload, err := c.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return string(payload)
}

// ask sends a frame and returns the answer, as text.
func ask(t testing.TB, c *proc.Conn, question string) string {
	t.Helper()
	if err := c.Send(1, []byte(question)); err != nil {
		t.Fatal(err)
	}
	return receive(t, c)
}

// want fails unless err is target.
func want(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got the error %v, want %v", err, target)
	}
}

// ended waits for the end of a child that ought to end by itself.
func ended(t testing.TB, p *proc.Process) proc.Exit {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("the child does not end")
	}
	return p.Exit()
}

func parse(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
