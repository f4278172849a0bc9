package proc_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestALoneFrameNeedsNoOtherGoroutine(t *testing.T) {
	// When Send returns, the frame has been written.
	a, b := joined(t, 1000)
	for range 10 {
		if err := a.Send(1, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if n := pending(t, b.Socket()); n != 6 {
			t.Fatalf("%d bytes can be read", n)
		}
		receive(t, b)
		if err := b.Send(1, []byte("y")); err != nil {
			t.Fatal(err)
		}
		receive(t, a)
	}
}

// pending returns how many bytes can be read without waiting.
func pending(t *testing.T, f *net.UnixConn) (n int) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		var failed error
		if n, failed = unix.IoctlGetInt(int(fd), unix.TIOCINQ); failed != nil {
			t.Error(failed)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
