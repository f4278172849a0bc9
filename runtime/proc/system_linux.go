package proc

import (
	"os"
	"syscall"
)

// executable is this program as it runs, even if its file has been replaced.
func executable() string {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self
	}
	return os.Args[0]
}

// attributes make the kernel kill the child when its parent dies. The child
// watches its lifeline, too, but can not while it is stopped.
//
// The kernel means the thread that started the child, and not the process: when
// a thread of Go's ends, as one does whose goroutine ends locked to it, the
// children started from it would die with it. So each child is started on a
// thread that stays until the child has ended (see live).
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// nameProcess sets the name that ps and top show, which would be "exe".
func nameProcess(name string) {
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0) // a name is not worth an error
}
