package worker_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"go.uber.org/goleak"

	"reprise/runtime/call"
	"reprise/runtime/proc"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/runtime/worker"
)

func TestMain(m *testing.M) {
	proc.Main(map[string]proc.Role{"worker": serve, "liar": lie, "unfit": unfit, "mute": func(c *proc.Conn, _ []string) int { _, _, _ = c.Receive(); return 1 }})
	goleak.VerifyTestMain(m)
}

// unfit is the role of a process that can not be a worker.
func unfit(*proc.Conn, []string) int {
	fmt.Fprintln(os.Stderr, "this system is too old")
	return 1
}

// serve is the role of a worker.
func serve(c *proc.Conn, args []string) int {
	report, err := proc.GiveUp(proc.Rights{})
	if err == nil {
		err = worker.Serve(c, worker.Options{Platform: web.Platform(), Modules: []vm.Module{deadly{c, len(args) > 0 && args[0] == "fragile"}}}, report)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// deadly is a module with all that a script must not be able to do.
type deadly struct {
	pipe    *proc.Conn
	fragile bool
}

// Name implements vm.Module.
func (deadly) Name() string { return "deadly" }

// Exports implements vm.Module.
func (d deadly) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	for name, f := range map[string]func(string){
		"exit":     func(string) { os.Exit(3) },
		"overflow": func(string) { debug.SetMaxStack(1 << 20); sink = deeper(1) },
		"ifFragile": func(string) {
			if d.fragile {
				os.Exit(4)
			}
		},
		"say":    func(s string) { _ = d.pipe.Send(77, []byte(s)) },
		"hangUp": func(string) { _ = d.pipe.Close(); select {} },
	} {
		_ = o.Set(name, func(c goja.FunctionCall) goja.Value { f(v.Arg(c, 0).String()); return goja.Undefined() })
	}
	_ = o.Set("text", func(c goja.FunctionCall) goja.Value {
		return v.Runtime().ToValue(strings.Repeat("x", int(c.Argument(0).ToInteger())))
	})
	_ = o.Set("call", func(c goja.FunctionCall) goja.Value {
		args, err := v.Stringify(c.Argument(0))
		if err != nil {
			panic(err)
		}
		return v.Call(call.Call{Kind: "test.call", Class: call.Read, Args: args}, func(o call.Outcome) (goja.Value, error) { return v.ParseJSON(o.Value) })
	})
	return o
}

var sink int

//go:noinline
func deeper(n int) int {
	var room [1 << 10]byte
	room[n%len(room)] = 1
	return deeper(n+1) + int(room[(n+1)%len(room)]) //nolint:staticcheck // it is to come to no end
}
