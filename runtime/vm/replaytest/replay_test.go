package replaytest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/bindings/authbind"
	"reprise/bindings/httpbind"
	"reprise/bindings/kv"
	"reprise/bindings/retry"
	"reprise/bindings/run"
	"reprise/bindings/secrets"
	"reprise/bindings/std"
	"reprise/runtime/call"
	"reprise/runtime/script"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// maxTurns bounds an execution: some scripts never end.
const maxTurns = 120

// step is what a journal holds of a turn: how it began, and when.
type step struct {
	cause   string // "begin", "outcome" or "unwind"
	outcome call.Outcome
	at      time.Time
	reseed  *[32]byte // after the turn
	turn    seen
}

// seen is everything of a turn that a replay must do again.
type seen struct {
	N      uint64
	At     time.Time
	Calls  []call.Call
	Aborts []uint64
	Open   int
	Value  string
	Err    *call.Error
	State  [5]bool
	Lines  []vm.Line
}

// machine is a VM with one run in it.
type machine struct {
	vm    *vm.VM
	lines []vm.Line
}

func compile(t *testing.T, rev *script.Revision) *vm.Program {
	t.Helper()
	program, err := vm.Compile(rev.Code, rev.Map)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func newMachine(t *testing.T, program *vm.Program) *machine {
	t.Helper()
	m := &machine{}
	var err error
	m.vm, err = vm.New(program, vm.Config{
		Platform: web.Platform(), Connect: httpbind.Connect, TurnBudget: time.Minute,
		Modules: []vm.Module{httpbind.Module(), kv.Module(), run.Module(), retry.Module(), secrets.Module(), authbind.Module(), std.Module()},
		Console: func(l vm.Line) { m.lines = append(m.lines, l) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// see takes down a turn.
func (m *machine) see(t vm.Turn) seen {
	s := seen{
		N: t.N, At: t.At, Calls: t.Calls, Aborts: t.Aborts, Open: t.Open, Value: string(t.Value), Err: t.Err,
		State: [5]bool{t.Settled, t.Failed, t.Held, t.Unwinding, t.Done}, Lines: m.lines,
	}
	m.lines = nil
	return s
}

// play executes the turn that a step says.
func (m *machine) play(start vm.Start, s *step) seen {
	var turn vm.Turn
	switch s.cause {
	case "begin":
		turn = m.vm.Begin(start)
	case "unwind":
		turn = m.vm.Unwind(s.at)
	default:
		turn = m.vm.Deliver(s.outcome, s.at)
	}
	out := m.see(turn)
	if s.reseed != nil {
		m.vm.Reseed("fork", *s.reseed)
	}
	return out
}

// live executes a run in a world and records it.
func live(m *machine, start vm.Start, w *world) (journal []step) {
	now := start.Now
	var open []call.Call
	cancelAt := maxTurns
	if w.chance(15) {
		cancelAt = w.rng.IntN(12)
	}
	next := step{cause: "begin", at: now}
	for len(journal) < maxTurns {
		if w.chance(3) {
			next.reseed = &[32]byte{byte(w.rng.Uint32())}
		}
		next.turn = m.play(start, &next)
		next.at = next.turn.At // what a journal keeps
		journal = append(journal, next)
		open = append(open, next.turn.Calls...)
		open = slices.DeleteFunc(open, func(c call.Call) bool { return slices.Contains(next.turn.Aborts, c.ID) })
		now = now.Add(time.Duration(w.rng.IntN(5000)-500) * time.Microsecond)
		switch {
		case next.turn.State[2]:
			next = step{cause: "unwind", at: now}
			continue
		case next.turn.State[4] || len(open) == 0:
			return journal
		}
		i := w.next(open)
		cancelled := len(journal) > cancelAt
		if cancelled {
			i = 0
		}
		o := w.answer(open[i])
		if cancelled {
			o = call.Failed(open[i].ID, call.Errorf(call.CodeCancelled, "the run was cancelled"))
		}
		open = slices.Delete(open, i, i+1)
		next = step{cause: "outcome", outcome: o, at: now}
	}
	return journal
}

// scripts builds everything in testdata as the server would.
func scripts(t *testing.T) map[string]*script.Revision {
	t.Helper()
	project, err := script.OpenProject("testdata")
	if err != nil {
		t.Fatal(err)
	}
	list, err := project.List()
	if err != nil || len(list) < 25 {
		t.Fatalf("%d scripts in testdata, %v", len(list), err)
	}
	builder := script.NewBuilder(script.BuilderOptions{})
	out := map[string]*script.Revision{}
	for _, s := range list {
		if out[s.Name], err = builder.Build(t.Context(), project, s); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
	}
	return out
}

// What is tested has time, on a busy machine too.
var _ = vm.LimitTurns(time.Minute)

func TestReplayIsExact(t *testing.T) {
	// Whatever order outcomes come in, the same outcomes in the same order make
	// a new VM do the same.
	for name, rev := range scripts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var settled, failed, turns int
			first := compile(t, rev)
			var again *vm.Program
			for seed := range uint64(orders) {
				if seed%10 == 0 { // as after restarts
					again = compile(t, rev)
				}
				journal := replay(t, rev, first, again, seed)
				last := journal[len(journal)-1].turn
				turns += len(journal)
				if last.State[0] {
					settled++
				}
				if last.Err != nil {
					failed++
				}
				if t.Failed() {
					t.Fatalf("seed %d diverged; the journal was\n%s", seed, describe(journal))
				}
			}
			t.Logf("%d turns; %d settled, %d of them failed", turns, settled, failed)
			if turns < 2*orders {
				t.Errorf("%d turns in %d executions: the script has nothing to order", turns, orders)
			}
		})
	}
}

// replay executes a run live, in the first program, and then again from its
// journal, in the second.
func replay(t *testing.T, rev *script.Revision, first, second *vm.Program, seed uint64) []step {
	t.Helper()
	w := newWorld(seed)
	start := vm.Start{
		Run: "r-1", Script: rev.Script, Revision: rev.ID, Handler: vm.HandlerRun, Durable: true,
		Input: []byte(`{"id":"o-1","items":[3,1,2],"total":10.5}`), Env: []byte(`{"region":"eu","limit":3}`),
		Connections: []string{"shop", "self"}, Secrets: []string{"KEY"}, SecretKey: []byte("k"),
		Now: time.UnixMilli(1_767_323_045_123).UTC(), Seed: [32]byte{byte(seed), 1}, HoldFailure: w.chance(30), Budget: vm.Budget{TurnCPU: time.Minute}, // a busy machine must not cut a turn off
	}
	journal := live(newMachine(t, first), start, w)
	start.Now = journal[0].turn.At
	again := newMachine(t, second)
	for i := range journal {
		if got := again.play(start, &journal[i]); !reflect.DeepEqual(journal[i].turn, got) {
			t.Errorf("turn %d (%s): -live +replayed\n%s", i+1, journal[i].cause, cmp.Diff(journal[i].turn, got))
			break
		}
	}
	return journal
}

// describe shows a journal to people.
func describe(journal []step) string {
	var b strings.Builder
	for _, s := range journal {
		fmt.Fprintf(&b, "turn %d, %s", s.turn.N, s.cause)
		if s.cause == "outcome" {
			fmt.Fprintf(&b, " of call %d: %s%s %v", s.outcome.Call, s.outcome.Value, s.outcome.Body.Inline, s.outcome.Err)
		}
		b.WriteByte('\n')
		for _, c := range s.turn.Calls {
			fmt.Fprintf(&b, "    call %d %s %s %s\n", c.ID, c.Kind, c.Target, c.Args)
		}
	}
	return b.String()
}
