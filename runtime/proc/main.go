// The child's side: from main to the role.

package proc

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// Role is what a child does. It serves conn until the parent is gone or says
// that it is enough, and returns the exit code. args are those of Options.
type Role func(c *Conn, args []string) int

const (
	// markVar is the variable that makes a process a child, together with the
	// two open files it is started with. Arguments alone do not: anybody can
	// type them, and a test binary has its own.
	markVar = "REPRISE_ROLE"
	// sharedVar says how many bytes of memory the third one has.
	sharedVar = "REPRISE_SHARED"

	connFD     = 3 // the child's end of the socket pair
	lifelineFD = 4 // a pipe on which nothing comes but its end, when the parent is gone
	sharedFD   = 5 // memory that is shared with the parent, with sharedVar
)

// Exit codes of a child that a role does not choose.
const (
	exitRefused  = 2 // it was not started by us, or does not know its role
	exitOrphaned = 3 // the parent is gone
	exitNoHello  = 4 // the parent did not say hello, or is of another version
)

const (
	// helloPatience is how long a side waits for the hello of the other. A
	// process starts in some milliseconds; on a machine that swaps, in seconds.
	helloPatience = 10 * time.Second

	// flushPatience is how long a child that has done its work waits for the
	// parent to take the last frames.
	flushPatience = 5 * time.Second
)

// Main makes a process that Start has started do its role, and exits. In any
// other process it returns. Call it before anything else in main, and in
// TestMain where tests start children.
//
// A user who types the name of a role as a command is told that it is none.
func Main(roles map[string]Role) {
	name, marked := os.LookupEnv(markVar)
	if !marked {
		if len(os.Args) > 1 && roles[os.Args[1]] != nil {
			refuse("%q is not a command to type: Reprise starts this process by itself. See reprise --help for those that are", os.Args[1])
		}
		return
	}
	// The mark is this process's alone, not that of what it may start.
	_ = os.Unsetenv(markVar) // a name without = or NUL can be unset
	if len(os.Args) < 2 || os.Args[1] != name || !inherited() {
		refuse("the variable %s is set, but this process was not started by Reprise; unset it", markVar)
	}
	role := roles[name]
	if role == nil {
		refuse("there is no role %q in this program; was it replaced while it ran? Start it anew", name)
	}
	os.Exit(perform(name, role, os.Args[2:]))
}

func refuse(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "reprise: "+format+".\n", args...)
	os.Exit(exitRefused)
}

func perform(name string, role Role, args []string) int {
	// The parent says when it is enough. A Ctrl-C in its terminal, or a stop of
	// its whole group, comes to the child as well and must not end it first.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	nameProcess("reprise " + name)
	shared, err := sharedMemory()
	if err != nil {
		refuse("the memory that it shares with its parent can not be used: %v", err)
	}
	closeForeign()

	lifeline := os.NewFile(lifelineFD, "lifeline")
	go watch(lifeline)

	c, err := newConn(os.NewFile(connFD, "parent"), DefaultMaxFrame)
	if err != nil {
		refuse("the connection to the parent can not be used: %v", err)
	}
	c.shared = shared
	theirs, err := c.greet(helloPatience)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitNoHello
	}
	c.in.max = int(theirs.maxFrame)
	code := role(c, args)
	late := time.AfterFunc(flushPatience, func() { _ = c.Close() }) // it can not fail
	defer late.Stop()
	_ = c.Flush() // the parent may be gone, or want no more
	return code
}

// sharedMemory is what Options.Shared asked for, or nil.
func sharedMemory() ([]byte, error) {
	text, ok := os.LookupEnv(sharedVar)
	if !ok {
		return nil, nil
	}
	_ = os.Unsetenv(sharedVar) // as with the mark
	size, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(sharedFD, "shared")
	defer file.Close()
	return mapped(file, size)
}

// watch ends the process when the parent is gone, whatever its goroutines do:
// one that loops is preempted.
func watch(lifeline *os.File) {
	_, _ = io.Copy(io.Discard, lifeline) // nothing is ever written; any end of it is the end
	os.Exit(exitOrphaned)
}
