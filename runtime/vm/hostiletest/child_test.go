//go:build linux && !race

package hostiletest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"reprise/bindings/httpbind"
	"reprise/bindings/kv"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// The bounds of a child. They are those of a worker, which has 512 MiB.
const (
	childMemory    = 512 << 20 // resident; more is the parent's to stop
	childHeap      = childMemory * 3 / 4
	childAddresses = 8 << 30 // so that no child can hurt the machine
)

// A report is how a script ended inside its VM.
type report struct {
	Outcome string // see classify
	Text    string // the error, for people
	Calls   int    // how many it made
	Lines   int    // how many it printed
	Took    time.Duration
}

// child is the process that executes one script, given as a bundle on its
// standard input. It writes a report, if it lives.
func child(shape Shape, in, out *os.File) error {
	if err := bound(); err != nil {
		return err
	}
	var bundle string
	if err := json.NewDecoder(in).Decode(&bundle); err != nil {
		return err
	}
	began := time.Now()
	var r report
	execute(bundle, shape, &r)
	r.Took = time.Since(began)
	return json.NewEncoder(out).Encode(r)
}

func bound() error {
	debug.SetMemoryLimit(childHeap)
	return errors.Join(
		syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: childAddresses, Max: childAddresses}),
		syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}),
	)
}

// maxAnswers is how many calls of a script are answered.
const maxAnswers = 100

func execute(bundle string, shape Shape, r *report) {
	p, err := vm.Compile([]byte(bundle), nil)
	if err != nil {
		r.end(err)
		return
	}
	v, err := vm.New(p, vm.Config{
		Platform: web.Platform(), Modules: []vm.Module{httpbind.Module(), kv.Module()},
		Console: func(vm.Line) { r.Lines++ },
	})
	if err != nil {
		r.end(err)
		return
	}
	start := vm.Start{Run: "r", Script: "s", Handler: vm.HandlerRun, Durable: true, Now: time.Unix(1, 0)}
	if shape == Fetch {
		start.Handler, start.Durable = vm.HandlerFetch, false
		start.Request = &vm.Request{Method: "GET", URL: "http://127.0.0.1/"}
	}
	r.finish(v, v.Begin(start))
}

// finish answers calls, all in the same way, until the run ends.
func (r *report) finish(v *vm.VM, turn vm.Turn) {
	var open []call.Call
	for answers := 0; !turn.Done && answers < maxAnswers; answers++ {
		open = append(open, turn.Calls...)
		r.Calls += len(turn.Calls)
		if len(open) == 0 {
			break
		}
		c := open[0]
		open = open[1:]
		turn = v.Deliver(call.Failed(c.ID, call.Errorf(call.CodeNetwork, "there is no network")), time.Unix(1, 0))
	}
	r.Calls += len(turn.Calls)
	v.End()
	if turn.Err != nil {
		r.end(turn.Err)
		return
	}
	r.Outcome = "ok"
}

// end notes that an error ended the script. What the load of a module says is
// about its cause, if it has one.
func (r *report) end(err error) {
	e := call.From(err)
	r.Text = e.Error()
	for e.Cause != nil && (e.Code == string(call.CodeLoad) || e.Code == string(call.CodeUnhandledRejection)) {
		e = e.Cause
	}
	limit := call.LimitOf(e)
	switch code := call.Code(e.Code); {
	case limit != "":
		r.Outcome = "limit " + limit
	case code == call.CodeInternal:
		r.Outcome = "engine"
	case code == call.CodeLoad, code == call.CodeCompile:
		r.Outcome = "refused"
	default:
		r.Outcome = "error " + e.Name
	}
	r.Text = strings.ToValidUTF8(r.Text[:min(len(r.Text), 200)], "")
}

// The variable that makes the test binary a child. Its value is the shape.
const childVariable = "HOSTILETEST_SHAPE"

// childMain ends the process if it is a child.
func childMain() {
	shape := os.Getenv(childVariable)
	if shape == "" {
		return
	}
	if err := child(Shape(shape), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
