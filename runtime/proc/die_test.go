//go:build unix

package proc_test

import (
	"os"
	"runtime/debug"
	"syscall"
)

// die ends the process in one of the ways in which scripts end one.
func die(how string) {
	switch how {
	case "exit":
		os.Exit(7)
	case "panic":
		panic("so it is")
	case "elsewhere":
		done := make(chan bool)
		go func() { var m map[string]int; m["a"] = 1; close(done) }() //nolint:govet,staticcheck // a crash is what is wanted
		<-done
	case "overflow":
		debug.SetMaxStack(16 << 20) // in place of 1 GB, to be quick
		os.Exit(recurse(0))
	case "memory":
		limit := syscall.Rlimit{Cur: 2 << 30, Max: 2 << 30}
		if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
			panic(err)
		}
		for {
			hog = append(hog, make([]byte, 64<<20))
		}
	case "segfault":
		var p *int
		*p = 1 //nolint:govet // a crash is what is wanted
	case "signal":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "chatter":
		for range 100 {
			os.Stderr.Write(make([]byte, 1000))
		}
		os.Stderr.WriteString("\nthe end\n")
		os.Exit(1)
	}
}

var hog [][]byte

func recurse(n int) int { return 1 + recurse(n+1) } //nolint:staticcheck // a crash is what is wanted
