package worker_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/proc"
	"reprise/runtime/worker"
)

// fate begins a run until it is told something else than that it lost its process.
func (p *pool) fate(t *testing.T, run string, most int) (worker.Turn, int) {
	t.Helper()
	for try := 1; ; try++ {
		s, turn := p.begin(t, run, worker.HandlerRun, `"`+run+`"`)
		s.End(false)
		if !turn.Dead || call.CodeOf(turn.Err) != call.CodeWorkerLost {
			return turn, try
		}
		if try == most {
			t.Fatalf("%s was lost %d times: %v", run, try, turn.Err)
		}
	}
}

// dying ends its process in the way that its input says.
const dying = `{ run(input) { const d = __reprise.module("deadly"); if (input === "good") return 1; d[input](""); for (let i = 0; i < 3e7; i++); return 2; } }`

func TestAProcessThatEndsByItself(t *testing.T) {
	// Whatever a turn does to end its process, it has done it twice at most.
	for how, want := range map[string]string{
		"exit": "process, killed", "overflow": "callStack, killed", "say": "process, killed", "hangUp": "process, killed",
	} {
		t.Run(how, func(t *testing.T) {
			p := newPool(t, 1, bundle("a", dying))
			turn, tries := p.fate(t, how, 3)
			if got := limit(turn.Err); got != want || !worker.IsVerdict(turn.Err) {
				t.Errorf("after %d tries: %s, %v", tries, got, turn.Err)
			}
			if most := map[bool]int{true: 1, false: 2}[how == "overflow"]; tries != most {
				t.Errorf("it took %d tries, not %d", tries, most)
			}
			if turn, _ := p.fate(t, "good", 1); string(turn.Value) != "1" {
				t.Errorf("the next one: %+v", turn)
			}
		})
	}
}

func TestWhatIsTooLargeForThePipe(t *testing.T) {
	// A frame has a largest size. What would exceed it is an error of the run, or
	// of the revision, and of nobody else: the process goes on.
	small := func() (*proc.Process, error) {
		return proc.Start("worker", proc.Options{Shared: worker.SharedMemory, MaxFrame: 64 << 10})
	}
	p := startPool(t, worker.PoolOptions{Workers: 1, Memory: 192 << 20, Spawn: small}, bundle("a", `{ async run(input) {
		const { text } = __reprise.module("deadly");
		if (input === "result") return text(70000);
		if (input === "later") { await new Promise((ok) => setTimeout(ok, 50)); return text(70000); }
		await new Promise((ok) => setTimeout(ok, 50));
		return "small";
	} }`))
	neighbour, _ := p.begin(t, "neighbour", worker.HandlerRun, `""`)
	tooLarge := func(what string, turn worker.Turn) {
		t.Helper()
		if got := limit(turn.Err); !turn.Dead || !turn.Done || got != "message" || worker.IsVerdict(turn.Err) {
			t.Errorf("%s: %+v", what, turn)
		}
	}
	s, turn := p.begin(t, "r", worker.HandlerRun, `"result"`)
	tooLarge("the first turn", turn)
	s.End(false)
	s, _ = p.begin(t, "r", worker.HandlerRun, `"later"`)
	tooLarge("a later turn", s.Deliver(worker.Delivery{Outcome: call.OK(1, nil), At: time.Unix(2, 0).UTC()})[0])
	s.End(false)
	s, _ = p.begin(t, "r", worker.HandlerRun, `"outcome"`)
	tooLarge("an outcome", s.Deliver(worker.Delivery{Outcome: call.OK(1, []byte(`"`+strings.Repeat("x", 70000)+`"`)), At: time.Unix(2, 0).UTC()})[0])
	s.End(false)
	_, _, err := p.Begin("a", worker.Start{Run: "r", Script: "s", Revision: "a", Handler: worker.HandlerRun, Durable: true, Input: []byte(`"` + strings.Repeat("x", 70000) + `"`), Now: time.Unix(1, 0).UTC()}, nil)
	if got := limit(call.From(err)); got != "message" {
		t.Errorf("a start: %v", err)
	}
	if _, err = p.Load(bundle("b", "{}/*"+strings.Repeat("x", 70000)+"*/"), nil); limit(call.From(err)) != "message" {
		t.Errorf("a revision: %v", err)
	}
	if turn := neighbour.Deliver(worker.Delivery{Outcome: call.OK(1, nil), At: time.Unix(2, 0).UTC()})[0]; string(turn.Value) != `"small"` {
		t.Errorf("the neighbour: %+v", turn)
	}
	neighbour.End(true)
}

func TestWhatIsSaidToARunThatIsOver(t *testing.T) {
	// The worker gives a VM back by itself when nothing can happen to its run any
	// more. What the server says of it then must not be the end of the process.
	p := newPool(t, 1, bundle("a", sleepy), bundle("b", counting))
	neighbour, _ := p.begin(t, "neighbour", worker.HandlerRun, "1")
	s, turn, err := p.Begin("b", worker.Start{Run: "r", Script: "s", Revision: "b", Handler: worker.HandlerRun, Durable: true, Now: time.Unix(1, 0).UTC()}, nil)
	if err != nil || !turn.Done {
		t.Fatal(turn, err)
	}
	s.Limit(worker.Budget{TurnCPU: time.Second})
	s.Reseed("fork", [32]byte{1})
	if turn := s.Deliver(worker.Delivery{Outcome: call.OK(1, nil), At: time.Unix(2, 0).UTC()})[0]; turn.N != 2 || !turn.Done || turn.Dead || turn.Err != nil {
		t.Errorf("an outcome: %+v", turn)
	}
	if turn := s.Unwind(time.Unix(2, 0).UTC()); turn.N != 3 || !turn.Done || turn.Dead || turn.Err != nil {
		t.Errorf("unwind: %+v", turn)
	}
	s.End(true)
	if turn := neighbour.Deliver(worker.Delivery{Outcome: call.OK(1, nil), At: time.Unix(2, 0).UTC()})[0]; turn.Dead {
		t.Errorf("the neighbour: %+v", turn)
	}
	neighbour.End(false)
}

func TestATopLevelThatEndsEveryProcess(t *testing.T) {
	// A revision that could be loaded once, and then ends whatever process loads
	// it ahead of its use, is loaded in the quarantine: the workers go on.
	var spawned atomic.Int32
	p := startPool(t, worker.PoolOptions{Workers: 1, Memory: 192 << 20, Spawn: func() (*proc.Process, error) {
		o := proc.Options{Shared: worker.SharedMemory, Args: []string{"fragile"}}
		if spawned.Add(1) == 1 {
			o.Args = nil
		}
		return proc.Start("worker", o)
	}}, bundle("a", sleepy))
	fragile := worker.Revision{ID: "bad", Script: "bad", Code: []byte(`(async (__reprise) => { __reprise.module("deadly").ifFragile(); __reprise.exports({ default: { run: () => 1 } }); })`)}
	if _, err := p.Load(fragile, nil); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.await(t, started).Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	e := p.await(t, func(e worker.Event) bool { return ended(e) && len(e.Suspects) > 0 })
	bad := slices.IndexFunc(e.Suspects, func(s worker.Suspect) bool { return s.Revision == "bad" }) // the other one may have been loaded beside it
	if e.Worker != "1" || bad < 0 || e.Suspects[bad].Run != "" || e.Suspects[bad].Guilty {
		t.Errorf("event = %+v, %+v", e, e.Suspects)
	}
	_, _, err := p.Begin("bad", worker.Start{Run: "r", Script: "bad", Revision: "bad", Handler: worker.HandlerRun, Durable: true, Now: time.Unix(1, 0).UTC()}, nil)
	if !worker.IsVerdict(err) {
		t.Errorf("a run of it: %v", err)
	}
	s, turn := p.begin(t, "r2", worker.HandlerRun, "1")
	if turn.Dead {
		t.Errorf("another script: %+v", turn)
	}
	s.End(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	ends := 0
	for _, e := range p.events {
		if ended(e) && e.Worker == "1" {
			ends++
		}
	}
	if ends != 2 { // our kill, and the load
		t.Errorf("the worker ended %d times: %+v", ends, p.events)
	}
}

func TestClosingWhileAProcessStarts(t *testing.T) {
	// One that never says that it is ready does not keep the server from ending.
	spawned := make(chan struct{}, 1)
	p := worker.NewPool(worker.PoolOptions{Workers: 1, Spawn: func() (*proc.Process, error) {
		defer func() { spawned <- struct{}{} }()
		return proc.Start("mute", proc.Options{})
	}})
	begun := make(chan error)
	go func() { begun <- p.Start() }()
	<-spawned
	closed := make(chan struct{})
	go func() { p.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(15 * time.Second):
		t.Fatal("it is not closed")
	}
	if err := <-begun; err == nil {
		t.Error("it has started")
	}
}

func TestARevisionThatComesAndGoes(t *testing.T) {
	// Who holds a revision can begin runs of it, whoever forgets it or loads it
	// with another map meanwhile.
	p := newPool(t, 2)
	maps := []string{"", `{"version":3,"sources":[],"names":[],"mappings":""}`}
	var group sync.WaitGroup
	for n := range 4 {
		group.Go(func() {
			r := bundle("a", counting)
			r.Map = []byte(maps[n%2])
			for i := range 40 {
				if _, err := p.Load(r, nil); err != nil {
					t.Errorf("load %d: %v", i, err)
					return
				}
				s, turn, err := p.Begin("a", worker.Start{Run: fmt.Sprint(n), Script: "s", Revision: "a", Handler: worker.HandlerRun, Durable: true, Now: time.Unix(1, 0).UTC()}, nil)
				if err != nil || turn.Err != nil {
					t.Errorf("begin %d: %v, %v", i, err, turn.Err)
				}
				if err == nil {
					s.End(true)
				}
				p.Forget("a")
			}
		})
	}
	group.Wait()
	if p.Hold("a") {
		t.Error("it is still there")
	}
}

func TestWhicheverProcessEnds(t *testing.T) {
	// Runs in one worker, or in many, come to their end while processes are killed
	// under them: each is played again as often as it takes, and nobody is blamed
	// for what it did not do.
	for _, workers := range []int{1, 3} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			p := newPool(t, workers, bundle("a", `{ async run(input) { let sum = 0; for (let i = 0; i < 5; i++) { for (let k = 0; k < 2e4; k++) sum += k % 2; await new Promise((ok) => setTimeout(ok, 50)); } return [input, sum]; } }`))
			var group sync.WaitGroup
			turns := make(chan struct{}, 1<<16)
			for n := range 24 {
				group.Go(func() {
					for lost := 0; ; lost++ {
						turn := p.play(fmt.Sprint("r", n), fmt.Sprint(n), turns)
						if call.CodeOf(turn.Err) == call.CodeWorkerLost && lost < 100 {
							continue
						}
						if want := fmt.Sprintf("[%d,50000]", n); string(turn.Value) != want {
							t.Errorf("run %d: %s, %v", n, turn.Value, turn.Err)
						}
						return
					}
				})
			}
			go func() { group.Wait(); close(turns) }()
			n := 0
			for range turns {
				if n++; n%20 == 0 && n <= 100 {
					p.killWorker()
				}
			}
			if e := p.await(t, ended); e.Why == "" {
				t.Errorf("event = %+v", e)
			}
		})
	}
}

// play plays a run that waits for timers, and tells of its turns.
func (p *pool) play(run, input string, turns chan<- struct{}) worker.Turn {
	s, turn, err := p.Begin("a", worker.Start{
		Run: run, Script: "s", Revision: "a", Handler: worker.HandlerRun, Durable: true, Input: []byte(input), Now: time.Unix(1, 0).UTC(),
	}, nil)
	if err != nil {
		return worker.Turn{Err: call.From(err)}
	}
	for id := uint64(1); !turn.Done; id++ {
		turns <- struct{}{}
		turn = s.Deliver(worker.Delivery{Outcome: call.OK(id, nil), At: time.Unix(1+int64(id), 0).UTC()})[0]
	}
	s.End(turn.Err == nil)
	return turn
}

// killWorker kills the worker that was started last.
func (p *pool) killWorker() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range slices.Backward(p.events) {
		if started(e) && e.Worker != "quarantine" {
			_ = syscall.Kill(e.Pid, syscall.SIGKILL) // it may be gone
			return
		}
	}
}

func TestASuspectIsAcquitted(t *testing.T) {
	// It begins again in the quarantine, and once it got through, anywhere.
	p := newPool(t, 1, bundle("a", dying))
	s, turn := p.begin(t, "r", worker.HandlerRun, `"exit"`)
	s.End(false)
	if call.CodeOf(turn.Err) != call.CodeWorkerLost {
		t.Fatalf("turn = %+v", turn)
	}
	p.await(t, func(e worker.Event) bool { return ended(e) && len(e.Suspects) == 1 && e.Suspects[0].Run == "r" })
	quarantine := func(e worker.Event) bool { return started(e) && e.Worker == "quarantine" }
	for i := range 2 { // as another input would have it
		s, turn := p.begin(t, "r", worker.HandlerRun, `"good"`)
		if string(turn.Value) != "1" {
			t.Errorf("turn = %+v", turn)
		}
		s.End(true)
		if i > 0 {
			break
		}
		if err := syscall.Kill(p.await(t, quarantine).Pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.await(t, func(e worker.Event) bool { return ended(e) && e.Worker == "quarantine" })
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, e := range p.events {
		if quarantine(e) {
			n++
		}
	}
	if n != 1 || !p.Marked("a").IsZero() {
		t.Errorf("the quarantine was started %d times; marked: %v", n, p.Marked("a"))
	}
}

func TestManyOutcomesThatAreLargeTogether(t *testing.T) {
	// What fits into a frame one by one fits together, too, in both directions.
	small := func() (*proc.Process, error) {
		return proc.Start("worker", proc.Options{Shared: worker.SharedMemory, MaxFrame: 2 << 20})
	}
	p := startPool(t, worker.PoolOptions{Workers: 1, Memory: 192 << 20, Spawn: small}, bundle("a", `{ async run(input) {
		const { text, call } = __reprise.module("deadly");
		const all = await Promise.all(Array.from({ length: 10 }, () => call("").then(async (v) => { await call(text(700000)); return v.length; })));
		return all;
	} }`))
	s, turn := p.begin(t, "r", worker.HandlerRun, `""`)
	if len(turn.Calls) != 10 {
		t.Fatalf("turn = %+v", turn)
	}
	deliver := func(first uint64, value string) []worker.Turn {
		var list []worker.Delivery
		for id := first; id < first+10; id++ {
			list = append(list, worker.Delivery{Outcome: call.OK(id, []byte(value)), At: time.Unix(2, 0).UTC()})
		}
		return s.Deliver(list...)
	}
	turns := deliver(1, `"`+strings.Repeat("x", 700000)+`"`)
	if len(turns) != 10 {
		t.Fatalf("%d turns, the last one %v", len(turns), turns[len(turns)-1].Err)
	}
	for i, turn := range turns {
		if turn.N != uint64(2+i) || len(turn.Calls) != 1 || len(turn.Calls[0].Args) < 700000 {
			t.Errorf("turn %d: %d calls, %v", turn.N, len(turn.Calls), turn.Err)
		}
	}
	turns = deliver(11, "1")
	if last := turns[len(turns)-1]; len(turns) != 10 || !last.Done || last.Err != nil {
		t.Errorf("%d turns, the last one %+v", len(turns), last)
	}
	s.End(true)
}
