package proc

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
)

const (
	// maxTail is how much is kept of what a child wrote last: the traces of
	// some goroutines.
	maxTail = 16 << 10

	// maxFatal is how much is kept of the line that says why it crashed.
	maxFatal = 500
)

// Exit tells how a child ended.
type Exit struct {
	// Code is what the role returned or the process exited with. It is -1 if a
	// signal ended it; 2 is how Go's runtime ends a program that crashes.
	Code int
	// Signal is the signal that ended it, or 0.
	Signal syscall.Signal
	// Fatal is the line with which Go's runtime began to say why it crashed, as
	// in "fatal error: concurrent map writes", or "".
	Fatal string
	// Stderr is the end of what it wrote to its standard error, up to 16 KiB.
	Stderr string
}

// OutOfMemory says whether the child asked the system for memory it did not get.
func (e Exit) OutOfMemory() bool {
	return strings.Contains(e.Fatal, "out of memory") || strings.Contains(e.Fatal, "cannot allocate memory")
}

// StackOverflow says whether a goroutine's stack grew over Go's limit.
func (e Exit) StackOverflow() bool {
	return strings.Contains(e.Fatal, "stack overflow") || strings.Contains(e.Fatal, "stack exceeds")
}

// String tells it in half a sentence.
func (e Exit) String() string {
	s := fmt.Sprintf("it exited with code %d", e.Code)
	if e.Signal != 0 {
		s = fmt.Sprintf("it was ended by signal %d (%v)", int(e.Signal), e.Signal)
	}
	if e.Fatal != "" {
		return s + ": " + e.Fatal
	}
	if last := lastLine(e.Stderr); last != "" {
		return s + ": " + last
	}
	return s
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

func exitOf(state *os.ProcessState, t *tail) Exit {
	e := Exit{Code: state.ExitCode()}
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		e.Signal = w.Signal()
	}
	e.Fatal, e.Stderr = t.read()
	return e
}

// tail keeps the end of what is written to it, and the line in which Go's
// runtime says why the program crashes: the traces behind it may be long.
type tail struct {
	next io.Writer // gets everything; may be nil

	mu    sync.Mutex
	kept  []byte
	line  []byte // the line that is being written, up to maxFatal
	fatal string
}

// crashes are how lines begin with which Go's runtime says why.
var crashes = [][]byte{[]byte("fatal error: "), []byte("panic: "), []byte("runtime: goroutine stack exceeds"), []byte("runtime: out of memory"), []byte("SIG")}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - maxTail; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	t.lines(p)
	t.mu.Unlock()
	if t.next != nil {
		_, _ = t.next.Write(p) // a writer that fails must not keep the child from writing
	}
	return len(p), nil
}

// lines looks for the line that says why. mu must be held.
func (t *tail) lines(p []byte) {
	for t.fatal == "" && len(p) > 0 {
		part, rest, whole := bytes.Cut(p, []byte("\n"))
		t.line = append(t.line, part[:min(len(part), maxFatal-len(t.line))]...)
		if !whole {
			return
		}
		t.judge()
		p = rest
	}
}

// judge takes the line for the reason if it looks like one. mu must be held.
func (t *tail) judge() {
	for _, c := range crashes {
		if bytes.HasPrefix(t.line, c) {
			t.fatal = string(t.line)
		}
	}
	t.line = t.line[:0]
}

func (t *tail) read() (fatal, kept string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.judge() // a last line without an end
	return t.fatal, string(t.kept)
}
