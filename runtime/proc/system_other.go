//go:build !linux

package proc

import (
	"os"
	"syscall"
)

func executable() string {
	exe, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return exe
}

func attributes() *syscall.SysProcAttr { return nil }

func nameProcess(string) {}
