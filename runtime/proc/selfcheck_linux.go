// What a process tries after it has given up its rights, to see that it has.
// Each probe is harmless where it succeeds: it undoes what it did. That
// something could be done is the answer, and errors of undoing it are not.

package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probe tries something that should be denied. Its error says that it was.
type probe struct {
	what string
	try  func() error
}

// probeThreads is on how many threads at once each is tried: rights belong to
// threads, and one that was forgotten would be a hole.
const probeThreads = 8

// SelfCheck tries what a process that has given up its rights but those in keep
// must not do, and tells what was denied and what was not. It is made for a
// child of Start: what it tries on its parent is harmless, but not polite.
func SelfCheck(keep Rights) Check {
	var c Check
	for _, p := range probes(keep) {
		if onThreads(p.try) {
			c.Denied = append(c.Denied, p.what)
		} else {
			c.Allowed = append(c.Allowed, p.what)
		}
	}
	return c
}

// denied says whether err is a refusal: of the filter, of landlock, or of a
// limit.
func denied(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENOSYS)
}

func probes(keep Rights) []probe {
	list := []probe{
		{"open a socket", trySocket},
		{"execute a program", tryExec},
		{"fork", tryFork},
		{"trace the parent", tryTrace},
		{"read the parent's memory", tryReadMemory},
		{"send a signal to the parent", trySignal},
		{"raise its own limits", tryLimit},
		{"make memory executable", tryExecutable},
		{"make new namespaces", func() error { return errOf(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) }},
		{"mount a file system", func() error { return errOf(unix.SYS_MOUNT, 0, 0, 0, 0, 0) }},
		{"load programs into the kernel", func() error { return errOf(unix.SYS_BPF, ^uintptr(0), 0, 0) }},
		{"use io_uring", func() error { return errOf(unix.SYS_IO_URING_SETUP, 0, 0) }},
		{"make a file in memory", tryMemoryFile},
	}
	for _, path := range []string{"/", "/etc/passwd", "/dev/null", "/proc/self/status", fmt.Sprintf("/proc/%d/mem", parent), os.TempDir()} {
		if exists(path) && !readable(keep, path) {
			list = append(list, probe{"open " + path, func() error { return tryOpen(path) }})
		}
	}
	for _, dir := range writeProbes(keep) {
		list = append(list, probe{"write to " + dir, func() error { return tryCreate(dir) }},
			probe{"change the mode of " + dir, func() error { return tryChmod(dir) }})
	}
	return list
}

// parent is the number of the process that started this one: it can not be
// asked for later.
var parent = os.Getppid()

// mostWritten is in how many folders writing is tried. They are all alike.
const mostWritten = 3

// writeProbes are folders in which writing is tried.
func writeProbes(keep Rights) []string {
	dirs := []string{os.TempDir()}
	for _, path := range slices.Concat(keep.ReadOnly, keep.ListOnly) {
		if len(dirs) <= mostWritten && isFolder(path) {
			dirs = append(dirs, path)
		}
	}
	return dirs
}

// readable says whether path, which is a file or a folder, may be opened.
func readable(keep Rights, path string) bool {
	covers := func(dir string) bool {
		rel, err := filepath.Rel(dir, path)
		return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
	}
	return slices.ContainsFunc(keep.ReadOnly, covers) || isFolder(path) && slices.ContainsFunc(keep.ListOnly, covers)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// exists says whether there can be such a file; if that can not be told, it can.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, os.ErrNotExist)
}

func errOf(number uintptr, args ...uintptr) error {
	var a [5]uintptr
	copy(a[:], args)
	if _, _, errno := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], 0); errno != 0 {
		return errno
	}
	return nil
}

// onThreads tries something on several threads at once, and says whether it was
// denied to all.
func onThreads(try func() error) bool {
	var wg, here sync.WaitGroup
	var allowed atomic.Bool
	here.Add(probeThreads)
	for range probeThreads {
		wg.Go(func() {
			goruntime.LockOSThread()
			defer goruntime.UnlockOSThread()
			here.Done()
			here.Wait() // so that each has a thread of its own
			if !denied(try()) {
				allowed.Store(true)
			}
		})
	}
	wg.Wait()
	return !allowed.Load()
}

func tryOpen(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err
}

func tryCreate(dir string) error {
	path := filepath.Join(dir, fmt.Sprintf(".reprise-self-check-%d", unix.Getpid()))
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err == nil {
		_ = unix.Close(fd)
		_ = unix.Unlink(path)
	}
	return err
}

// tryChmod tries it with a file that is not there, which is seen only when it
// was allowed.
func tryChmod(dir string) error {
	return unix.Chmod(filepath.Join(dir, ".reprise-self-check-chmod"), 0o600)
}

func trySocket() error {
	var errs []error
	for _, family := range []int{unix.AF_INET, unix.AF_INET6, unix.AF_UNIX, unix.AF_NETLINK} {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			_ = unix.Close(fd)
			return nil
		}
		errs = append(errs, err)
	}
	return errs[0]
}

// tryExec executes a program without a name: if it may, it is told that there
// is none.
func tryExec() error {
	name := []byte{0}
	return errOf(unix.SYS_EXECVE, uintptr(unsafe.Pointer(&name[0])), 0, 0)
}

// tryFork makes a process that ends at once.
//
//go:norace
//go:nosplit
func tryFork() error {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		for {
			_, _, _ = syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	return reap(int(pid))
}

func reap(pid int) error {
	_, err := unix.Wait4(pid, nil, 0, nil)
	return err
}

func tryTrace() error {
	if err := errOf(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(parent), 0, 0); err != nil {
		return err
	}
	if errOf(unix.SYS_PTRACE, unix.PTRACE_INTERRUPT, uintptr(parent), 0, 0) == nil {
		_, _ = unix.Wait4(parent, nil, unix.WALL, nil) // it stops for a moment
		_ = errOf(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(parent), 0, 0)
	}
	return nil
}

func tryReadMemory() error {
	var b [1]byte
	local := []unix.Iovec{{Base: &b[0], Len: 1}}
	remote := []unix.RemoteIovec{{Base: uintptr(pageSize), Len: 1}} // nothing is there: who may look is told so
	_, err := unix.ProcessVMReadv(parent, local, remote, 0)
	return err
}

func trySignal() error { return unix.Kill(parent, 0) }

func tryLimit() error {
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 4096, Max: 4096})
}

func tryExecutable() error {
	b, err := unix.Mmap(-1, 0, int(pageSize), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		_ = unix.Munmap(b)
	}
	return err
}

func tryMemoryFile() error {
	fd, err := unix.MemfdCreate("reprise-self-check", unix.MFD_CLOEXEC)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err
}
