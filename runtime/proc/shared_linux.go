package proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// anonymous returns a file in memory that has no name.
func anonymous() (*os.File, error) {
	fd, err := unix.MemfdCreate("reprise", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "shared"), nil
}
