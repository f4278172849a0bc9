package vm_test

import (
	"strings"
	"testing"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// hookModule lets a script register its own failure hook and scopes.
type hookModule struct{}

func (hookModule) Name() string { return "hook" }

func (hookModule) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	_ = o.Set("onFailure", func(c goja.FunctionCall) goja.Value {
		f, _ := goja.AssertFunction(v.Arg(c, 0))
		v.OnFailure(func(failed goja.Value) *goja.Object {
			p, err := f(goja.Undefined(), failed)
			if err != nil {
				panic(err)
			}
			return p.(*goja.Object)
		})
		return goja.Undefined()
	})
	_ = o.Set("count", func(goja.FunctionCall) goja.Value {
		n := vm.RunLocal(v, hookModule{}, func() *int { return new(int) })
		*n++
		return v.Runtime().ToValue(*n)
	})
	_ = o.Set("scoped", func(c goja.FunctionCall) goja.Value {
		f, _ := goja.AssertFunction(v.Arg(c, 0))
		s := &vm.Scope{Parent: v.Scope(), Name: "s"}
		v.In(s, func() {
			if _, err := f(goja.Undefined()); err != nil {
				panic(err)
			}
		})
		return v.Runtime().ToValue(func() { v.Close(s, call.Errorf(call.CodeTimeout, "the scope is closed")) })
	})
	return o
}

func loadHooked(t *testing.T, expr string, print func(vm.Line)) *vm.VM {
	t.Helper()
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; const { call, task } = __reprise.module("test");
		const { onFailure, count, scoped } = __reprise.module("hook"); __reprise.exports({ default: `+expr+` }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Modules: []vm.Module{testModule{}, hookModule{}}, Console: print})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFailureHookRunsBeforeTheRunEnds(t *testing.T) {
	// However a handler fails, the hook's calls are made, and the run ends with
	// the error it failed with.
	for name, expr := range map[string]string{
		"rejected":        `async () => { onFailure((e) => call("undo " + e.message)); throw new Error("no"); }`,
		"later":           `async () => { onFailure((e) => call("undo " + e.message)); await call("x"); throw new Error("no"); }`,
		"thrown":          `() => { onFailure((e) => call("undo " + e.message)); throw new Error("no"); }`,
		"unhandled":       `async () => { onFailure((e) => call("undo " + e.message)); Promise.reject(new Error("no")); await call("x"); }`,
		"no JSON":         `async () => { onFailure((e) => call("undo " + "no")); return { toJSON() { throw new Error("no") } }; }`,
		"hook is refused": `async () => { onFailure(async (e) => { await call("undo " + e.message); throw new Error("worse"); }); throw new Error("no"); }`,
	} {
		t.Run(name, func(t *testing.T) {
			v := loadHooked(t, expr, nil)
			turn := begin(v, "")
			if name == "later" {
				turn = v.Deliver(call.OK(1, nil), epoch)
			}
			last := turn.Calls[len(turn.Calls)-1]
			if turn.Done || turn.Settled || last.Target != "undo no" {
				t.Fatalf("turn = %+v", turn)
			}
			turn = v.Deliver(call.OK(last.ID, nil), epoch)
			if !turn.Done || turn.Err == nil || !strings.Contains(turn.Err.Error(), "no") || strings.Contains(turn.Err.Error(), "worse") {
				t.Fatalf("turn = %+v, err %v", turn, turn.Err)
			}
		})
	}
}

func TestFailureHookThatFailsAtOnce(t *testing.T) {
	var lines []vm.Line
	v := loadHooked(t, `async () => { onFailure(() => { throw new Error("hook") }); throw new Error("no"); }`, func(l vm.Line) { lines = append(lines, l) })
	turn := begin(v, "")
	if !turn.Done || turn.Err == nil || turn.Err.Message != "no" {
		t.Fatalf("turn = %+v", turn)
	}
	if len(lines) != 1 || lines[0].Level != "error" || !strings.Contains(lines[0].Msg, "hook") {
		t.Fatalf("lines = %+v", lines)
	}
}

func TestFailureHookIsNotCutShort(t *testing.T) {
	// A second failure while the hook works is printed and changes nothing.
	var lines []vm.Line
	v := loadHooked(t, `async () => { onFailure(() => call("undo"));
		const late = call("late").then(() => { throw new Error("second") }); throw new Error("first"); }`, func(l vm.Line) { lines = append(lines, l) })
	turn := begin(v, "")
	if turn.Done || len(turn.Calls) != 2 {
		t.Fatalf("turn 1 = %+v", turn)
	}
	if turn = v.Deliver(call.OK(1, nil), epoch); turn.Done {
		t.Fatalf("turn 2 = %+v", turn)
	}
	if len(lines) != 1 || !strings.Contains(lines[0].Msg, "second") {
		t.Fatalf("lines = %+v", lines)
	}
	if turn = v.Deliver(call.OK(2, nil), epoch); !turn.Done || turn.Err.Message != "first" {
		t.Fatalf("turn 3 = %+v", turn)
	}
}

func TestFailureHookBelongsToItsRun(t *testing.T) {
	// A VM that is used again starts without the last run's hook and state.
	v := loadHooked(t, `async (hooked) => { if (hooked) onFailure(() => call("undo")); if (count() !== 1) return "kept"; if (!hooked) throw new Error("no"); return 1; }`, nil)
	if turn := begin(v, "true"); !turn.Done || string(turn.Value) != "1" || len(turn.Calls) != 0 {
		t.Fatalf("turn = %+v", turn)
	}
	v.End()
	if turn := begin(v, "false"); !turn.Done || turn.Err == nil || turn.Err.Message != "no" || len(turn.Calls) != 0 {
		t.Fatalf("second run: turn = %+v", turn)
	}
}

func TestClosedScope(t *testing.T) {
	// Closing a scope aborts what is open in it, and only that; what it tries
	// to call later throws.
	v := loadHooked(t, `async () => { let late; const gate = call("gate"); call("outside");
		const close = scoped(() => { call("inside"); late = gate.then(() => call("late")); });
		await call("go"); close();
		try { await late } catch (e) { return e.code } }`, nil)
	turn := begin(v, "")
	if len(turn.Calls) != 4 || turn.Calls[2].Scope != "s" {
		t.Fatalf("turn 1 = %+v", turn)
	}
	turn = v.Deliver(call.OK(4, nil), epoch)
	if len(turn.Aborts) != 1 || turn.Aborts[0] != 3 || turn.Open != 2 {
		t.Fatalf("turn 2 = %+v", turn)
	}
	turn = v.Deliver(call.OK(1, nil), epoch)
	if string(turn.Value) != `"TIMEOUT_ERROR"` || len(turn.Calls) != 0 {
		t.Fatalf("turn 3 = %+v", turn)
	}
}
