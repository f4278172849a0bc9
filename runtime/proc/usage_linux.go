package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// ticks is how often the kernel counts in a second of what it reports: a part
// of its interface that is the same on every machine.
const ticks = 100

var pageSize = int64(os.Getpagesize())

// meter reads what a child uses. Its files are opened while the child is there,
// and stay those of this child: another one with its number is never measured.
type meter struct {
	mu     sync.Mutex
	opened bool
	statm  int
	stat   int
	err    error
	buf    [512]byte
}

// open must be called before the child can have been waited for.
func (m *meter) open(pid int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir := fmt.Sprintf("/proc/%d/", pid)
	if m.statm, m.err = openRead(dir + "statm"); m.err != nil {
		return
	}
	if m.stat, m.err = openRead(dir + "stat"); m.err != nil {
		_ = syscall.Close(m.statm) // it was read
		return
	}
	m.opened = true
}

func openRead(path string) (int, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("proc: what the process uses can not be read: %w", &os.PathError{Op: "open", Path: path, Err: err})
	}
	return fd, nil
}

func (m *meter) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opened {
		_, _ = syscall.Close(m.statm), syscall.Close(m.stat) // they were read
	}
	m.opened, m.err = false, os.ErrProcessDone
}

func (m *meter) read() (Usage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.opened {
		return Usage{}, m.err
	}
	b, err := m.pread(m.statm)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{RSS: field(b, 1) * pageSize}
	if b, err = m.pread(m.stat); err != nil {
		return Usage{}, err
	}
	// The second field is the program's name in parentheses, and may have any
	// character. utime and stime are the 14th and 15th.
	b = b[bytes.LastIndexByte(b, ')')+1:]
	u.CPU = time.Duration(field(b, 11)+field(b, 12)) * (time.Second / ticks)
	return u, nil
}

func (m *meter) pread(fd int) ([]byte, error) {
	for {
		n, err := syscall.Pread(fd, m.buf[:], 0)
		switch {
		case err == nil:
			return m.buf[:n], nil
		case errors.Is(err, syscall.ESRCH):
			return nil, os.ErrProcessDone
		case !errors.Is(err, syscall.EINTR):
			return nil, fmt.Errorf("proc: what the process uses can not be read: %w", err)
		}
	}
}

// field returns the i-th field of b, from 0, as a number.
func field(b []byte, i int) (n int64) {
	for ; i > 0; i-- {
		b = bytes.TrimLeft(b, " ")
		b = b[max(0, bytes.IndexByte(b, ' ')):]
	}
	for _, c := range bytes.TrimLeft(b, " ") {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int64(c-'0')
	}
	return n
}
