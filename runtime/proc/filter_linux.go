//go:build amd64 || arm64

// The filter of system calls: a small program that the kernel runs before each
// one. It lists what may be done; everything else fails with EPERM.
//
// The list is that of Go's runtime (os_linux.go, sys_linux_*.s,
// netpoll_epoll.go), of the C library for programs built with cgo, and of
// reading and writing open files. Calls that can do more than that are let
// through for certain arguments only: those are read from registers, so that
// nobody can change them behind the filter's back. The kernel remembers which
// calls are allowed whatever their arguments, and does not run the program
// for those.

package proc

import (
	"fmt"
	goruntime "runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// What the filter says, from linux/seccomp.h.
const (
	verdictKill  = unix.SECCOMP_RET_KILL_PROCESS
	verdictErrno = unix.SECCOMP_RET_ERRNO
	verdictAllow = unix.SECCOMP_RET_ALLOW
)

// Where the filter finds what it asks for: struct seccomp_data.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
)

// rule says what becomes of one system call. Without conditions it is allowed.
type rule struct {
	number uint32
	then   []bpf.Instruction
}

// seccomp puts the filter before all threads, those to come included.
func seccomp(files bool) error {
	program, err := bpf.Assemble(assemble(rules(files)))
	if err != nil {
		return err
	}
	filters := make([]unix.SockFilter, len(program))
	for i, in := range program {
		filters[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	prog := unix.SockFprog{Len: uint16(len(filters)), Filter: &filters[0]}
	culprit, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	goruntime.KeepAlive(filters)
	switch {
	case errno == unix.ENOSYS || errno == unix.EINVAL:
		return fmt.Errorf("this kernel has no filters for all threads of a process: %w", errno)
	case errno != 0:
		return errno
	case culprit != 0:
		return fmt.Errorf("thread %d has a filter of its own", culprit)
	}
	return nil
}

// assemble makes a program of rules.
func assemble(rules []rule) []bpf.Instruction {
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: auditArch, SkipTrue: 1},
		bpf.RetConstant{Val: verdictKill},
		bpf.LoadAbsolute{Off: offsetNumber, Size: 4},
	}
	if foreignFrom > 0 {
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: foreignFrom, SkipFalse: 1},
			bpf.RetConstant{Val: verdictKill})
	}
	for _, r := range rules {
		then := r.then
		if then == nil {
			then = []bpf.Instruction{bpf.RetConstant{Val: verdictAllow}}
		}
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: r.number, SkipFalse: uint8(len(then))})
		program = append(program, then...)
	}
	return append(program, deny(unix.EPERM)...)
}

func deny(e unix.Errno) []bpf.Instruction {
	return []bpf.Instruction{bpf.RetConstant{Val: verdictErrno | uint32(e)}}
}

// masked allows a call if an argument's lower half has one of these values
// under the mask.
func masked(arg int, mask uint32, values ...uint32) []bpf.Instruction {
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: uint32(offsetArgs + 8*arg), Size: 4},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask},
	}
	for i, v := range values {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(len(values) - i)})
	}
	return append(program,
		bpf.RetConstant{Val: verdictErrno | uint32(unix.EPERM)},
		bpf.RetConstant{Val: verdictAllow})
}

// isNull allows a call if an argument is a null pointer.
func isNull(arg int) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: uint32(offsetArgs + 8*arg), Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 3},
		bpf.LoadAbsolute{Off: uint32(offsetArgs + 8*arg + 4), Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{Val: verdictAllow},
		bpf.RetConstant{Val: verdictErrno | uint32(unix.EPERM)},
	}
}

const (
	all = ^uint32(0)

	// aThread is what makes of a clone a thread of this process, and
	// aThreadMay what a thread may have besides: Go's runtime and the C
	// libraries ask for no more. Nothing else that clone can do is left: no
	// process, no namespace.
	aThread    = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD
	aThreadMay = unix.CLONE_SYSVSEM | unix.CLONE_SETTLS | unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_CLEARTID | unix.CLONE_DETACHED

	// advice below 32 is about memory of this process; from 100 on it breaks
	// the machine's, for those who may.
	maxAdvice = 32

	// readingOnly are the flags with which a file may be opened to be read.
	readingOnly = unix.O_CLOEXEC | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_LARGEFILE | largeFile | unix.O_NOCTTY
)

// rules lists what may be done, and for files what a builder may do besides.
func rules(files bool) []rule {
	self := uint32(unix.Getpid())
	list := []rule{
		// What is frequent comes first, for kernels that do not remember.
		{number: unix.SYS_FUTEX},
		{number: unix.SYS_READ},
		{number: unix.SYS_WRITE},
		{number: unix.SYS_EPOLL_PWAIT},
		{number: unix.SYS_NANOSLEEP},
		{number: unix.SYS_SCHED_YIELD},
		{number: unix.SYS_CLOCK_GETTIME}, // for machines on which it is not a read of memory

		// Files that are open already.
		{number: unix.SYS_WRITEV},
		{number: unix.SYS_PREAD64}, // the runtime looks how many CPUs its cgroup has
		{number: unix.SYS_CLOSE},
		{number: unix.SYS_FSTAT},
		// F_SETOWN is not among these: it sends signals to other processes.
		{unix.SYS_FCNTL, masked(1, all, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL)},
		{number: unix.SYS_EPOLL_CTL},
		{number: unix.SYS_EPOLL_CREATE1},
		{number: unix.SYS_EVENTFD2},

		// Memory, none of which can be executed that was not there before.
		{unix.SYS_MMAP, masked(2, unix.PROT_EXEC, 0)},
		{unix.SYS_MPROTECT, masked(2, unix.PROT_EXEC, 0)},
		{unix.SYS_MADVISE, masked(2, ^uint32(maxAdvice-1), 0)},
		{number: unix.SYS_MUNMAP},
		{number: unix.SYS_MREMAP},
		{number: unix.SYS_BRK},
		{number: unix.SYS_MINCORE},

		// Threads and signals of this process.
		{unix.SYS_CLONE, masked(0, ^uint32(aThreadMay), aThread)},
		{unix.SYS_CLONE3, deny(unix.ENOSYS)}, // its arguments are in memory; the C library then uses clone
		{number: unix.SYS_SET_ROBUST_LIST},
		{number: unix.SYS_RSEQ},
		{number: unix.SYS_GETTID},
		{number: unix.SYS_GETPID},
		{number: unix.SYS_SCHED_GETAFFINITY},
		{unix.SYS_TGKILL, masked(0, all, self)}, // the runtime preempts loops so
		{unix.SYS_KILL, masked(0, all, self)},   // and ends itself so
		{number: unix.SYS_RT_SIGACTION},
		{number: unix.SYS_RT_SIGPROCMASK},
		{number: unix.SYS_RT_SIGRETURN},
		{number: unix.SYS_SIGALTSTACK},
		{number: unix.SYS_RESTART_SYSCALL},
		{number: unix.SYS_EXIT},
		{number: unix.SYS_EXIT_GROUP},

		// Time, chance, and what has been used.
		{number: unix.SYS_CLOCK_NANOSLEEP},
		{number: unix.SYS_CLOCK_GETRES},
		{number: unix.SYS_GETTIMEOFDAY},
		{number: unix.SYS_GETRANDOM},
		{number: unix.SYS_GETRUSAGE},
		{unix.SYS_PRLIMIT64, isNull(2)}, // to be read

		// The runtime would name its memory; this answer makes it stop asking.
		{unix.SYS_PRCTL, deny(unix.EINVAL)},
	}
	if !files {
		return list
	}
	return append(append(list, namedFiles...),
		// Which files these are is for landlock to say.
		rule{unix.SYS_OPENAT, masked(2, ^uint32(readingOnly), unix.O_RDONLY)},
		rule{number: unix.SYS_GETDENTS64},
		rule{number: unix.SYS_LSEEK},
		rule{number: unix.SYS_STATX},
		rule{number: unix.SYS_READLINKAT},
		rule{number: unix.SYS_FACCESSAT},
		rule{number: unix.SYS_FACCESSAT2},
		rule{number: unix.SYS_GETCWD},
	)
}
