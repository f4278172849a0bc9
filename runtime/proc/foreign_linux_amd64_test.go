package proc_test

import (
	"syscall"
	"testing"
)

func TestCallsOfAnotherArchitectureAreTheEnd(t *testing.T) {
	// The numbers of x32 would lead around the filter.
	p, _ := confine(t, "worker")
	p.Conn().Send(1, []byte("foreign"))
	if e := ended(t, p); e.Signal != syscall.SIGSYS {
		t.Fatal(e)
	}
}
