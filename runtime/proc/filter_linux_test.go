//go:build amd64 || arm64

package proc

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// verdict runs the filter over a call, as the kernel does.
func verdict(t *testing.T, vm *bpf.VM, arch, number uint32, args ...uint64) uint32 {
	t.Helper()
	// The simulator reads numbers in network order; the halves of an argument
	// stay where this machine has them.
	data := binary.BigEndian.AppendUint32(nil, number)
	data = binary.BigEndian.AppendUint32(data, arch)
	data = binary.BigEndian.AppendUint64(data, 0) // the instruction's address
	for i := range 6 {
		var arg uint64
		if i < len(args) {
			arg = args[i]
		}
		data = binary.BigEndian.AppendUint32(data, uint32(arg))
		data = binary.BigEndian.AppendUint32(data, uint32(arg>>32))
	}
	got, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(got)
}

func TestTheFilter(t *testing.T) {
	const (
		allow  = verdictAllow
		kill   = verdictKill
		eperm  = verdictErrno | uint32(unix.EPERM)
		enosys = verdictErrno | uint32(unix.ENOSYS)
		fork   = uint64(unix.SIGCHLD)
		thread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD
	)
	self := uint64(unix.Getpid())
	type call struct {
		name   string
		number int
		args   []uint64
		worker uint32
		files  uint32
	}
	args := func(a ...uint64) []uint64 { return a }
	for _, c := range []call{
		{"read", unix.SYS_READ, nil, allow, allow},
		{"futex", unix.SYS_FUTEX, nil, allow, allow},
		{"exit_group", unix.SYS_EXIT_GROUP, nil, allow, allow},
		{"socket", unix.SYS_SOCKET, nil, eperm, eperm},
		{"connect", unix.SYS_CONNECT, nil, eperm, eperm},
		{"sendmsg, which hands on files", unix.SYS_SENDMSG, nil, eperm, eperm},
		{"execve", unix.SYS_EXECVE, nil, eperm, eperm},
		{"execveat", unix.SYS_EXECVEAT, nil, eperm, eperm},
		{"ptrace", unix.SYS_PTRACE, nil, eperm, eperm},
		{"process_vm_writev", unix.SYS_PROCESS_VM_WRITEV, nil, eperm, eperm},
		{"pidfd_open", unix.SYS_PIDFD_OPEN, nil, eperm, eperm},
		{"io_uring_enter", unix.SYS_IO_URING_ENTER, nil, eperm, eperm},
		{"a number that nobody knows yet", 5000, nil, eperm, eperm},
		{"clone of Go's runtime", unix.SYS_CLONE, args(thread | unix.CLONE_SYSVSEM | unix.CLONE_SETTLS), allow, allow},
		{"clone of the C library", unix.SYS_CLONE, args(0x3d0f00), allow, allow},
		{"clone of a process", unix.SYS_CLONE, args(fork), eperm, eperm},
		{"vfork", unix.SYS_CLONE, args(fork | unix.CLONE_VM | unix.CLONE_VFORK), eperm, eperm},
		{"clone of a thread with a namespace", unix.SYS_CLONE, args(thread | unix.CLONE_NEWNS), eperm, eperm},
		{"clone of a thread that is traced", unix.SYS_CLONE, args(thread | unix.CLONE_PTRACE), eperm, eperm},
		{"clone3", unix.SYS_CLONE3, nil, enosys, enosys},
		{"mmap", unix.SYS_MMAP, args(0, 4096, unix.PROT_READ|unix.PROT_WRITE), allow, allow},
		{"mmap of code", unix.SYS_MMAP, args(0, 4096, unix.PROT_READ|unix.PROT_EXEC), eperm, eperm},
		{"mprotect to code", unix.SYS_MPROTECT, args(0, 4096, unix.PROT_EXEC), eperm, eperm},
		{"madvise", unix.SYS_MADVISE, args(0, 4096, unix.MADV_COLLAPSE), allow, allow},
		{"madvise that breaks memory", unix.SYS_MADVISE, args(0, 4096, unix.MADV_HWPOISON), eperm, eperm},
		{"tgkill", unix.SYS_TGKILL, args(self, 1, 2), allow, allow},
		{"tgkill of another", unix.SYS_TGKILL, args(self+1, 1, 2), eperm, eperm},
		{"kill", unix.SYS_KILL, args(self, 6), allow, allow},
		{"kill of all", unix.SYS_KILL, args(^uint64(0), 9), eperm, eperm},
		{"kill of the group", unix.SYS_KILL, args(-self, 9), eperm, eperm},
		{"fcntl", unix.SYS_FCNTL, args(3, unix.F_GETFL), allow, allow},
		{"fcntl of the last", unix.SYS_FCNTL, args(3, unix.F_SETFL), allow, allow},
		{"fcntl that sends signals", unix.SYS_FCNTL, args(3, unix.F_SETOWN), eperm, eperm},
		{"prlimit", unix.SYS_PRLIMIT64, args(0, unix.RLIMIT_NOFILE, 0, 1<<40), allow, allow},
		{"prlimit to set, low", unix.SYS_PRLIMIT64, args(0, unix.RLIMIT_NOFILE, 1), eperm, eperm},
		{"prlimit to set, high", unix.SYS_PRLIMIT64, args(0, unix.RLIMIT_NOFILE, 1<<40), eperm, eperm},
		{"openat", unix.SYS_OPENAT, args(0, 0, unix.O_RDONLY|unix.O_CLOEXEC), eperm, allow},
		{"openat of a folder", unix.SYS_OPENAT, args(0, 0, unix.O_DIRECTORY), eperm, allow},
		{"openat to write", unix.SYS_OPENAT, args(0, 0, unix.O_WRONLY), eperm, eperm},
		{"openat to read and write", unix.SYS_OPENAT, args(0, 0, unix.O_RDWR), eperm, eperm},
		{"openat to create", unix.SYS_OPENAT, args(0, 0, unix.O_CREAT), eperm, eperm},
		{"openat to truncate", unix.SYS_OPENAT, args(0, 0, unix.O_TRUNC), eperm, eperm},
		{"openat of a temporary file", unix.SYS_OPENAT, args(0, 0, unix.O_TMPFILE), eperm, eperm},
		{"openat of a path only", unix.SYS_OPENAT, args(0, 0, unix.O_PATH), eperm, eperm},
		{"openat2", unix.SYS_OPENAT2, nil, eperm, eperm},
		{"unlinkat", unix.SYS_UNLINKAT, nil, eperm, eperm},
		{"fchmodat", unix.SYS_FCHMODAT, nil, eperm, eperm},
		{"getdents64", unix.SYS_GETDENTS64, nil, eperm, allow},
	} {
		for _, files := range []bool{false, true} {
			vm, err := bpf.NewVM(assemble(rules(files)))
			if err != nil {
				t.Fatal(err)
			}
			want := c.worker
			if files {
				want = c.files
			}
			if got := verdict(t, vm, auditArch, uint32(c.number), c.args...); got != want {
				t.Errorf("%s (files: %v): %#x, want %#x", c.name, files, got, want)
			}
			// From another architecture, nothing at all.
			if got := verdict(t, vm, unix.AUDIT_ARCH_I386, uint32(c.number), c.args...); got != kill {
				t.Errorf("%s from another architecture: %#x", c.name, got)
			}
		}
	}
}
