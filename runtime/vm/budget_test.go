package vm_test

import (
	"encoding/json"
	"testing"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

func beginWith(v *vm.VM, b vm.Budget) vm.Turn {
	return v.Begin(vm.Start{Run: "r", Script: "s", Handler: vm.HandlerRun, Now: epoch, Budget: b})
}

// over checks which limit an error is about.
func over(t *testing.T, e *call.Error, limit string, allowed int64) {
	t.Helper()
	var d call.LimitData
	if e == nil || json.Unmarshal(e.Data, &d) != nil || d.Limit != limit || d.Allowed != allowed || d.Used < allowed {
		t.Fatalf("error = %v %+v, want %s above %d", e, d, limit, allowed)
	}
}

func TestBudgetOfATurn(t *testing.T) {
	// It belongs to the run, and Limit changes it from the next turn on.
	v := mustLoad(t, `async () => { await call("x"); for (;;); }`)
	if turn := beginWith(v, vm.Budget{TurnCPU: time.Minute}); turn.Err != nil {
		t.Fatal(turn.Err)
	}
	v.Limit(vm.Budget{TurnCPU: 20 * time.Millisecond})
	turn := v.Deliver(call.OK(1, nil), epoch)
	over(t, turn.Err, "turnCpu", 20)
	if !turn.Dead || turn.Err.Name != "ResourceError" {
		t.Errorf("turn = %+v", turn)
	}
}

func TestBudgetOfARun(t *testing.T) {
	// What was used before counts, and so does every turn.
	v := mustLoad(t, `async () => { for (let i = 0; ; i++) { for (let k = 0, x = 0; k < 1e5; k++) x += k; await call("x"); } }`)
	turn := beginWith(v, vm.Budget{TurnCPU: time.Minute, RunCPU: time.Hour, Used: time.Hour - 50*time.Millisecond})
	used := turn.CPU
	for id := uint64(1); !turn.Done; id++ {
		if id == 1000 {
			t.Fatalf("1000 turns of %s", used)
		}
		turn = v.Deliver(call.OK(id, nil), epoch)
		used += turn.CPU
	}
	over(t, turn.Err, "runCpu", time.Hour.Milliseconds())
	if used < 50*time.Millisecond {
		t.Errorf("it was ended after %s", used)
	}
}

func TestTheTimeOfOthersIsNotCharged(t *testing.T) {
	// Time that others had the core is not the run's.
	p, err := vm.Compile([]byte(`(async (__reprise) => { __reprise.exports({ default: async () => { for (let k = 0, x = 0; k < 1e6; k++) x += k; } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	cpu := time.Duration(0)
	v, err := vm.New(p, vm.Config{TurnBudget: time.Minute, CPU: func() time.Duration { cpu += 4 * time.Microsecond; return cpu }})
	if err != nil {
		t.Fatal(err)
	}
	if turn := beginWith(v, vm.Budget{}); turn.CPU < 4*time.Microsecond || turn.CPU > 40*time.Microsecond {
		t.Errorf("%s are charged", turn.CPU)
	}
}

func TestDepthOfARun(t *testing.T) {
	// The next run in the VM has its own, or that of the Config.
	v := mustLoad(t, `async (n) => { const deep = (n) => n ? 1 + deep(n - 1) : 0; return deep(200) }`)
	turn := beginWith(v, vm.Budget{CallDepth: 300})
	if v.End(); string(turn.Value) != "200" {
		t.Fatalf("turn = %+v", turn)
	}
	if turn = beginWith(v, vm.Budget{}); string(turn.Value) != "200" {
		t.Fatalf("turn = %+v", turn)
	}
	v.End()
	turn = beginWith(v, vm.Budget{CallDepth: 100})
	over(t, turn.Err, "callDepth", 100)
}

func TestLargeResultsAreLeftOut(t *testing.T) {
	// What the engine is told is how large it is.
	for most, want := range map[int64]int64{0: 0, 12: 0, 11: 12} {
		v := mustLoad(t, `async () => "x".repeat(10)`)
		turn := beginWith(v, vm.Budget{Result: most})
		if turn.TooLarge != want || !turn.Settled || turn.Err != nil || (len(turn.Value) == 12) != (want == 0) {
			t.Errorf("at %d: %+v", most, turn)
		}
	}
}
