package worker_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/proc"
	"reprise/runtime/worker"
)

// pool is a Pool under test that remembers what happened to its processes.
type pool struct {
	*worker.Pool
	turns  time.Duration // that a turn may take; the default if zero
	mu     sync.Mutex
	events []worker.Event
	more   chan struct{} // has room for one
}

func newPool(t *testing.T, workers int, revisions ...worker.Revision) *pool {
	t.Helper()
	return startPool(t, worker.PoolOptions{Workers: workers, Memory: 192 << 20}, revisions...)
}

func startPool(t *testing.T, o worker.PoolOptions, revisions ...worker.Revision) *pool {
	t.Helper()
	p := &pool{more: make(chan struct{}, 1)}
	if o.Spawn == nil {
		o.Spawn = func() (*proc.Process, error) { return proc.Start("worker", proc.Options{Shared: worker.SharedMemory}) }
	}
	o.OnEvent = func(e worker.Event) {
		p.mu.Lock()
		p.events = append(p.events, e)
		p.mu.Unlock()
		select {
		case p.more <- struct{}{}:
		default:
		}
	}
	p.Pool = worker.NewPool(o)
	t.Cleanup(p.Close)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	for _, r := range revisions {
		if _, err := p.Load(r, nil); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// await waits for an event that f is true for.
func (p *pool) await(t *testing.T, f func(worker.Event) bool) worker.Event {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		p.mu.Lock()
		i := slices.IndexFunc(p.events, f)
		if i >= 0 {
			e := p.events[i]
			p.mu.Unlock()
			return e
		}
		p.mu.Unlock()
		select {
		case <-p.more:
		case <-limit:
			t.Fatalf("the event did not come; there were %+v", p.events)
		}
	}
}

func ended(e worker.Event) bool   { return e.Kind == worker.EventEnded }
func started(e worker.Event) bool { return e.Kind == worker.EventStarted }

// begin begins a run of revision a.
func (p *pool) begin(t *testing.T, run string, handler worker.Handler, input string) (worker.Session, worker.Turn) {
	t.Helper()
	start := worker.Start{
		Run: run, Script: "s", Revision: "a", Handler: handler, Durable: handler != worker.HandlerFetch, Input: []byte(input), Now: time.Unix(1, 0).UTC(),
		Budget: worker.Budget{TurnCPU: p.turns},
	}
	if handler == worker.HandlerFetch {
		start.Request = request
	}
	s, turn, err := p.Begin("a", start, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, turn
}

// limit is what a ResourceError says was exceeded.
func limit(err *call.Error) string {
	var data struct {
		Limit  string `json:"limit"`
		Killed bool   `json:"killed"`
	}
	if err == nil || json.Unmarshal(err.Data, &data) != nil {
		return ""
	}
	if data.Killed {
		return data.Limit + ", killed"
	}
	return data.Limit
}

const sleepy = `{ async run(input) { for (let i = 0; i < 3; i++) { console.log("turn", i); await new Promise((ok) => setTimeout(ok, 50)); } return { input, count: ++count }; } }`

func TestARunInAProcess(t *testing.T) {
	// Turns, calls, lines and results cross the pipe, and every run has a VM of
	// its own.
	p := newPool(t, 1, bundle("a", sleepy))
	for range 2 {
		var lines []string
		s, turn, err := p.Begin("a", worker.Start{
			Run: "r", Script: "s", Revision: "a", Handler: worker.HandlerRun, Durable: true, Input: []byte(`"x"`), Now: time.Unix(1, 0).UTC(),
		}, func(l worker.Line) { lines = append(lines, l.Msg) })
		if err != nil {
			t.Fatal(err)
		}
		for n := uint64(1); !turn.Done; n++ {
			if len(turn.Calls) != 1 || turn.Calls[0].Kind != worker.KindTimer || turn.Calls[0].ID != n {
				t.Fatalf("turn = %+v", turn)
			}
			turn = s.Deliver(worker.Delivery{Outcome: call.OK(n, nil), At: time.Unix(1+int64(n), 0).UTC()})[0]
		}
		s.End(true)
		if string(turn.Value) != `{"input":"x","count":1}` {
			t.Errorf("result = %s, %v", turn.Value, turn.Err)
		}
		if got := strings.Join(lines, ", "); got != "turn 0, turn 1, turn 2" {
			t.Errorf("printed %s", got)
		}
	}
}

func TestRevisionsComeAndGo(t *testing.T) {
	p := newPool(t, 2)
	if handlers, err := p.Load(bundle("a", counting), nil); err != nil || strings.Join(handlers, " ") != "run fetch" {
		t.Fatalf("handlers = %v, %v", handlers, err)
	}
	if !p.Hold("a") || p.Hold("b") {
		t.Fatal("hold")
	}
	p.Forget("a")
	s, turn := p.begin(t, "r", worker.HandlerRun, "1")
	s.End(true)
	if string(turn.Value) != "1" {
		t.Errorf("turn = %+v", turn)
	}
	p.Forget("a")
	_, _, err := p.Begin("a", worker.Start{Script: "s", Revision: "a", Handler: worker.HandlerRun}, nil)
	if call.CodeOf(err) != call.CodeNotFound {
		t.Errorf("a forgotten revision: %v", err)
	}
	_, err = p.Load(worker.Revision{ID: "c", Script: "s", Code: []byte(`(async () => { throw new TypeError("no") })`)}, nil)
	if call.CodeOf(err) != call.CodeLoad || !strings.Contains(err.Error(), "TypeError: no") {
		t.Errorf("a revision that throws: %v", err)
	}
}

func TestAKilledWorkerLosesNobody(t *testing.T) {
	// Runs that only waited in it are told with their next turn, and can begin
	// again at once, in another process.
	p := newPool(t, 1, bundle("a", sleepy))
	first := p.await(t, started)
	s, turn := p.begin(t, "r", worker.HandlerRun, "1")
	if turn.Done || turn.Dead {
		t.Fatalf("turn = %+v", turn)
	}
	if err := syscall.Kill(first.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	e := p.await(t, ended)
	if len(e.Suspects) != 0 || e.Limit != "process" {
		t.Errorf("event = %+v", e)
	}
	turn = s.Deliver(worker.Delivery{Outcome: call.OK(1, nil), At: time.Unix(2, 0).UTC()})[0]
	if !turn.Dead || call.CodeOf(turn.Err) != call.CodeWorkerLost {
		t.Errorf("turn = %+v", turn)
	}
	s.End(false)
	s, turn = p.begin(t, "r", worker.HandlerRun, "1")
	if turn.Dead {
		t.Errorf("in the next process: %+v", turn)
	}
	s.End(false)
}

func TestANativeLoopEndsItsProcess(t *testing.T) {
	// The VM can not stop it. The run is guilty; its neighbour, which waits in the
	// same process, is not.
	p := newPool(t, 1, bundle("a", `{ async run(input) { await new Promise((ok) => setTimeout(ok, 50)); if (input === "loop") { const t = Object.bind(null, 1); new Set({ [Symbol.iterator]: () => ({ next: Object.bind(null, { value: 0 }) }) }); } return input; } }`))
	good, _ := p.begin(t, "good", worker.HandlerRun, `"good"`)
	bad, _ := p.begin(t, "bad", worker.HandlerRun, `"loop"`)
	turn := bad.Deliver(worker.Delivery{Outcome: call.OK(1, nil), At: time.Unix(2, 0).UTC()})[0]
	if !turn.Dead || limit(turn.Err) != "turnCpu, killed" || !worker.IsVerdict(turn.Err) {
		t.Errorf("the guilty one: %+v", turn.Err)
	}
	if !strings.HasPrefix(turn.Err.Message, "a turn of s used more than 1s of CPU time and could not be stopped") {
		t.Errorf("the guilty one is told: %s", turn.Err.Message)
	}
	bad.End(false)
	e := p.await(t, ended)
	if len(e.Suspects) != 1 || e.Suspects[0].Run != "bad" || !e.Suspects[0].Durable || !e.Suspects[0].Guilty {
		t.Fatalf("event = %+v", e)
	}
	if until := p.Marked("a"); until.IsZero() || !until.Equal(e.Suspects[0].Until) || time.Until(until) > 30*time.Second {
		t.Errorf("the revision is kept apart until %v, and the event says %v", until, e.Suspects[0].Until)
	}
	if until := p.Marked("another"); !until.IsZero() {
		t.Errorf("another revision is kept apart until %v", until)
	}
	turn = good.Deliver(worker.Delivery{Outcome: call.OK(1, nil), At: time.Unix(2, 0).UTC()})[0]
	if call.CodeOf(turn.Err) != call.CodeWorkerLost {
		t.Errorf("the neighbour: %+v", turn.Err)
	}
	good.End(false)
	good, _ = p.begin(t, "good", worker.HandlerRun, `"good"`)
	if turn = good.Deliver(worker.Delivery{Outcome: call.OK(1, nil), At: time.Unix(2, 0).UTC()})[0]; string(turn.Value) != `"good"` {
		t.Errorf("the neighbour, again: %+v", turn)
	}
	good.End(true)
}

func TestMemoryIsTakenBack(t *testing.T) {
	// What grows bit by bit is stopped inside; what comes in one piece ends the
	// process, twice, and then the run.
	p := newPool(t, 1, bundle("a", `{ run(input) {
		if (input === "bits") { const all = []; for (;;) all.push(new Uint8Array(1e5).fill(1)); }
		let n = 2n; for (;;) n = n * n; } }`)) // an operator, which nothing wraps
	p.turns = time.Minute // the machine may be slow
	for _, how := range []string{"bits", "piece"} {
		for try := 1; ; try++ {
			s, turn := p.begin(t, how, worker.HandlerRun, `"`+how+`"`)
			s.End(false)
			if got := limit(turn.Err); got == "memory" || got == "memory, killed" && (how == "piece" || raced) {
				break
			}
			if call.CodeOf(turn.Err) != call.CodeWorkerLost || try == 3 {
				t.Fatalf("%s: %+v", how, turn)
			}
		}
	}
}

func TestSuspectsAreTriedAlone(t *testing.T) {
	// Two runs execute when their process ends. Each begins again by itself; the
	// innocent one gets through.
	p := newPool(t, 1, bundle("a", `{ run(input) { const began = Date.now(); if (input === "spin") for (let i = 0; i < 3e6; i++); return input; } }`))
	p.turns = time.Minute // the machine may be slow
	first := p.await(t, started)
	var group sync.WaitGroup
	lost := make(chan string, 2)
	for _, run := range []string{"r1", "r2"} {
		group.Go(func() {
			s, turn := p.begin(t, run, worker.HandlerRun, `"spin"`)
			s.End(false)
			if turn.Dead {
				lost <- run
			}
		})
	}
	if err := syscall.Kill(first.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	close(lost)
	for run := range lost {
		s, turn := p.begin(t, run, worker.HandlerRun, `"spin"`)
		if string(turn.Value) != `"spin"` {
			t.Errorf("%s, again: %+v", run, turn)
		}
		s.End(true)
	}
}

func TestAStoppedProcessIsReplaced(t *testing.T) {
	// One that gives no sign of life is killed, and nobody blamed who did not execute.
	p := newPool(t, 1, bundle("a", sleepy))
	first := p.await(t, started)
	if err := syscall.Kill(first.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	e := p.await(t, ended)
	if !strings.Contains(e.Why, "no sign of life") {
		t.Errorf("event = %+v", e)
	}
	s, turn := p.begin(t, "r", worker.HandlerRun, "1")
	if turn.Dead {
		t.Errorf("turn = %+v", turn)
	}
	s.End(false)
}

func TestATopLevelThatEndsItsProcess(t *testing.T) {
	// The revision is refused, and others are served.
	p := newPool(t, 1, bundle("a", sleepy))
	bad := worker.Revision{ID: "bad", Script: "bad", Code: []byte(`(async () => { new Set({ [Symbol.iterator]: () => ({ next: Object.bind(null, { value: 0 }) }) }); })`)}
	_, err := p.Load(bad, nil)
	if call.CodeOf(err) != call.CodeResource {
		t.Errorf("load: %v", err)
	}
	if !strings.Contains(fmt.Sprint(err), "the top level of bad used more than 1s") {
		t.Errorf("the reason: %v", err)
	}
	if e := p.await(t, ended); len(e.Suspects) != 1 || e.Suspects[0].Run != "" || !e.Suspects[0].Guilty || !e.Suspects[0].Until.IsZero() {
		t.Errorf("event = %+v", e) // what does not load is not kept apart: it is not there
	}
	s, turn := p.begin(t, "r", worker.HandlerRun, "1")
	if turn.Dead {
		t.Errorf("turn = %+v", turn)
	}
	s.End(false)
}

// lie is the role of a process that says what makes no sense, in one of many ways.
func lie(c *proc.Conn, args []string) int {
	_ = c.Send(101, []byte(`{}`))
	for {
		kind, _, err := c.Receive()
		if err != nil {
			return 0
		}
		if kind == 1 {
			continue
		}
		switch args[0] {
		case "noise":
			_ = c.Send(103, bytes.Repeat([]byte{0xff}, 100))
		case "unasked":
			_ = c.Send(103, []byte{1, 1, 0})
		case "unknown":
			_ = c.Send(77, []byte{1})
		}
	}
}

func TestALiarIsNotBelieved(t *testing.T) {
	for _, how := range []string{"noise", "unasked", "unknown"} {
		t.Run(how, func(t *testing.T) {
			p := startPool(t, worker.PoolOptions{Workers: 1, Spawn: func() (*proc.Process, error) {
				return proc.Start("liar", proc.Options{Args: []string{how}})
			}})
			_, err := p.Load(bundle("a", sleepy), nil)
			if err == nil {
				t.Fatal("it was believed")
			}
			if e := p.await(t, ended); !strings.Contains(e.Why, "made no sense") {
				t.Errorf("event = %+v", e)
			}
		})
	}
}

func TestWhatEndedAProcessIsKnown(t *testing.T) {
	// A process that ends by itself, or by somebody's hand, hangs up before its end
	// is known; that is not what it ended of.
	p := newPool(t, 1, bundle("a", `{ run: (input) => input }`))
	first := p.await(t, started)
	if err := syscall.Kill(first.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if e := p.await(t, ended); e.Why != "it was ended by signal 9 (killed)" || e.Limit != "process" {
		t.Errorf("event = %+v", e)
	}
}

func TestAWorkerThatSaysWhyItCanNotStart(t *testing.T) {
	// What the process says is the reason, and who waits for a worker does not wait on.
	p := worker.NewPool(worker.PoolOptions{Workers: 1, Spawn: func() (*proc.Process, error) { return proc.Start("unfit", proc.Options{}) }})
	defer p.Close()
	loaded := make(chan error, 1)
	go func() {
		_, err := p.Load(bundle("a", sleepy), nil)
		loaded <- err
	}()
	if err := p.Start(); err == nil || !strings.Contains(err.Error(), "no worker process could be started: it exited with code 1: this system is too old") {
		t.Errorf("err = %v", err)
	}
	select {
	case err := <-loaded:
		if err == nil {
			t.Error("it was loaded")
		}
	case <-time.After(5 * time.Second):
		t.Error("a load waits for a worker that never comes")
	}
}

func TestAWorkerThatCanNotStart(t *testing.T) {
	p := worker.NewPool(worker.PoolOptions{Workers: 2, Spawn: func() (*proc.Process, error) { return nil, fmt.Errorf("no room") }})
	defer p.Close()
	if err := p.Start(); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("err = %v", err)
	}
}

func TestClosingEndsTheProcesses(t *testing.T) {
	p := newPool(t, 2, bundle("a", sleepy))
	p.await(t, started)
	p.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if started(e) {
			if err := syscall.Kill(e.Pid, 0); err == nil {
				t.Errorf("process %d is there", e.Pid)
			}
		}
	}
	if _, err := os.Stat("/proc"); err != nil {
		t.Log("not on this system")
	}
}

func TestNobodyWaitsForRoomForEver(t *testing.T) {
	// A run that finds no room is told so after a while, so that it can be put
	// aside: until then, it hears nothing.
	const memory = 256 << 20 // with the race detector, the process has some to spare
	p := startPool(t, worker.PoolOptions{Workers: 1, Memory: memory}, bundle("a", sleepy))
	var open []worker.Session
	for range memory / (256 << 10) {
		s, _ := p.begin(t, "r", worker.HandlerRun, "1")
		open = append(open, s)
	}
	_, _, err := p.Begin("a", worker.Start{Run: "late", Script: "s", Revision: "a", Handler: worker.HandlerRun, Durable: true, Input: []byte("1"), Now: time.Unix(1, 0).UTC()}, nil)
	if call.CodeOf(err) != call.CodeUnavailable || !strings.Contains(err.Error(), "room") {
		t.Errorf("error = %v", err)
	}
	for _, s := range open {
		s.End(false)
	}
	s, _ := p.begin(t, "later", worker.HandlerRun, "1")
	s.End(false)
}

func TestAFullWorkerTakesNoMore(t *testing.T) {
	// Requests are refused, and runs wait until another one has ended.
	p := startPool(t, worker.PoolOptions{Workers: 1, Memory: 96 << 20}, bundle("a", `{ async run() { await new Promise((ok) => setTimeout(ok, 50)); }, fetch() { return new Response("x"); } }`))
	var open []worker.Session
	for range 96 << 20 / (256 << 10) {
		s, _ := p.begin(t, "r", worker.HandlerRun, "1")
		open = append(open, s)
	}
	_, _, err := p.Begin("a", worker.Start{Run: "f", Script: "s", Revision: "a", Handler: worker.HandlerFetch, Request: request, Now: time.Unix(1, 0)}, nil)
	if c, ok := worker.CrowdOf(call.From(err)); !ok || c.Script != "" {
		t.Errorf("a request: %v", err)
	}
	begun := make(chan worker.Session)
	go func() {
		s, _ := p.begin(t, "late", worker.HandlerRun, "1")
		begun <- s
	}()
	select {
	case <-begun:
		t.Fatal("a run began in a worker that is full")
	default:
	}
	open[0].End(false)
	open[0] = <-begun
	for _, s := range open {
		s.End(false)
	}
}
