//go:build linux || darwin || freebsd || dragonfly

package files

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the lock that Badger takes, until release is called.
func lock(dir string) (release func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(ErrInUse, d.Close())
	}
	// Where there are no such locks, Badger will say so.
	return func() {
		// Closing alone would leave the lock to a child process that is just being
		// started and has not closed its copies of our files yet.
		_ = syscall.Flock(int(d.Fd()), syscall.LOCK_UN)
		d.Close()
	}, nil
}

// mapFile returns a file's bytes, until unmap is called.
func mapFile(path string) (data []byte, unmap func(), err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return nil, func() {}, err
	}
	data, err = syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	return data, func() { _ = syscall.Munmap(data) }, nil
}
