//go:build unix && !linux

package proc

import (
	"errors"
	"os"
)

// anonymous returns a file that has no name.
func anonymous() (*os.File, error) {
	file, err := os.CreateTemp("", "reprise-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
