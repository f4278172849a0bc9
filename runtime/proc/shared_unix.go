//go:build unix

package proc

import (
	"errors"
	"os"
	"syscall"
)

// share makes memory that a child can be given, as a file.
func share(size int) (file *os.File, memory []byte, err error) {
	file, err = anonymous()
	if err != nil {
		return nil, nil, err
	}
	if err = file.Truncate(int64(size)); err == nil {
		memory, err = mapped(file, size)
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, memory, nil
}

// mapped is the memory of such a file. It outlives the file.
func mapped(file *os.File, size int) ([]byte, error) {
	b, err := syscall.Mmap(int(file.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	return b, os.NewSyscallError("mmap", err)
}

func unshare(memory []byte) { _ = syscall.Munmap(memory) } // it was mapped
