//go:build unix

package proc_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"reprise/runtime/proc"
)

// badChild is what a child does, in place of Main, that TEST_CHILD names.
func badChild(how string) {
	socket := os.NewFile(3, "parent")
	switch how {
	case "mute":
		select {}
	case "newer":
		socket.Write(proc.Hello(proc.Version + 1))
	case "rubbish":
		socket.WriteString("panic: runtime error: index out of range\n\ngoroutine 1 [running]:\n")
	case "crash":
		panic("before the hello")
	}
	select {}
}

func TestAChildThatDoesNotStart(t *testing.T) {
	// The error says why, and the child is gone.
	for how, says := range map[string]string{
		"mute": "did not say hello within 300ms", "newer": "of different versions", "rubbish": "no frame", "crash": "it exited with code 2: panic: before the hello",
	} {
		t.Run(how, func(t *testing.T) {
			o := proc.Options{Env: []string{"TEST_CHILD=" + how}, HelloTimeout: 30 * time.Second}
			if how == "mute" {
				o.HelloTimeout = 300 * time.Millisecond
			}
			_, err := proc.Start("echo", o)
			if err == nil || !strings.HasPrefix(err.Error(), `proc: the process "echo" did not start; it `) || !strings.Contains(err.Error(), says) {
				t.Fatal(err)
			}
		})
	}
}
