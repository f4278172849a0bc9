//go:build !unix

package proc

import (
	"errors"
	"fmt"
	"os"
)

func pair() (ours, theirs *os.File, err error) {
	return nil, nil, fmt.Errorf("this system has no socket pairs (%w); use --workers 0", errors.ErrUnsupported)
}

func inherited() bool { return false }

func closeForeign() {}

func share(int) (*os.File, []byte, error) { return nil, nil, errors.ErrUnsupported }

func mapped(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unshare([]byte) {}
