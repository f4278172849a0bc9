//go:build unix

package proc

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// pair returns the two ends of a connection. Neither is inherited by a process
// that happens to be started at the same time.
func pair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), "child"), os.NewFile(uintptr(fds[1]), "parent"), nil
}

// inherited says whether this process has got the two files of a child, and
// makes them its own.
func inherited() bool {
	kind, err := syscall.GetsockoptInt(connFD, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil || kind != syscall.SOCK_STREAM {
		return false
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(lifelineFD, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return false
	}
	syscall.CloseOnExec(connFD)
	syscall.CloseOnExec(lifelineFD)
	// A file that does not block is waited for by Go's poller, and not by a thread.
	return syscall.SetNonblock(lifelineFD, true) == nil
}

// closeForeign closes what the child has inherited besides: files that whoever
// started the server had left open, and that Start hands on like any program
// does. They are told from the child's own, which would be closed on exec.
func closeForeign() {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return // there is no list; GiveUp closes what can be opened, not what is open
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= lifelineFD {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = syscall.Close(fd) // whatever it was, it is none of ours
		}
	}
}
