package proc

import (
	"fmt"
	"strings"
)

// Rights are what a child keeps when it gives up all others.
type Rights struct {
	// ReadOnly are the folders and files, by their absolute paths, that may
	// still be read. A builder has some; a worker has none.
	ReadOnly []string
	// ListOnly are folders, by their absolute paths, in which and below which
	// only names may be read: what is there, and no content.
	ListOnly []string
	// Files is how many files may be open at once. 256 if zero. It counts only
	// with ReadOnly or ListOnly: without, no file can be opened.
	Files int
}

// files says whether any file or folder may be opened.
func (r *Rights) files() bool { return len(r.ReadOnly)+len(r.ListOnly) > 0 }

// defaultFiles is enough to bundle with, which reads some files at a time.
const defaultFiles = 256

// Report says what of its rights a process has given up. What the system does
// not offer is in Missing, as sentences for people; whether that will do is
// the caller's to decide.
type Report struct {
	// NoNewPrivs: no program it could execute would have more rights than it.
	NoNewPrivs bool
	// Landlock is the version of the kernel's rules on files that hold, or 0.
	Landlock int
	// Seccomp: it may make those system calls only that Go's runtime needs.
	Seccomp bool
	// Limits: it leaves no core file, writes no file, opens no more of them.
	Limits bool
	// NotDumpable: processes of the same user can not look into it.
	NotDumpable bool
	// Missing are what this system lacks.
	Missing []string
}

// Complete says that nothing is missing.
func (r Report) Complete() bool { return len(r.Missing) == 0 }

// String lists what holds.
func (r Report) String() string {
	var held []string
	add := func(ok bool, name string) {
		if ok {
			held = append(held, name)
		}
	}
	add(r.NoNewPrivs, "no_new_privs")
	add(r.Landlock > 0, fmt.Sprintf("landlock (version %d)", r.Landlock))
	add(r.Seccomp, "seccomp")
	add(r.Limits, "limits")
	add(r.NotDumpable, "not dumpable")
	if len(held) == 0 {
		return "a process of its own, and nothing else"
	}
	return strings.Join(held, ", ")
}

// Check is what SelfCheck found out.
type Check struct {
	Denied  []string // what was tried in vain
	Allowed []string // what was possible and should not be
}
