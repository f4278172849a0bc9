//go:build !linux

package proc

import (
	"errors"
	"fmt"
)

type meter struct{}

func (*meter) open(int) {}
func (*meter) close()   {}

func (*meter) read() (Usage, error) {
	return Usage{}, fmt.Errorf("proc: what a process uses is known on Linux only: %w", errors.ErrUnsupported)
}
