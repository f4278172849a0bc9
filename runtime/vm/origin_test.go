package vm_test

import (
	"encoding/json"
	"testing"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

func mustUnmarshal(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// originIn looks for an origin as the engine does: down the causes.
func originIn(e *call.Error) uint64 {
	for ; e != nil; e = e.Cause {
		if e.Call != 0 {
			return e.Call
		}
	}
	return 0
}

func TestOriginOfErrors(t *testing.T) {
	// An error knows the call it stems from, whatever the script does with it.
	// Calls 1 and 2 are answered, in this order, by errors.
	for name, tc := range map[string]struct {
		body string
		want uint64
	}{
		"rejection":    {`await a`, 1},
		"thrown again": {`try { await a } catch (e) { throw e }`, 1},
		"second":       {`await a.catch(() => {}); await b`, 2},
		"cause":        {`try { await a } catch (e) { throw new Error("wrapped", { cause: e }) }`, 1},
		"deep cause":   {`try { await a } catch (e) { throw new TypeError("3", { cause: new Error("2", { cause: new Error("1", { cause: e }) }) }) }`, 1},
		"all":          {`await Promise.all([b.catch(() => {}), a])`, 1},
		"race":         {`await Promise.race([b, a])`, 1},
		"any":          {`await Promise.any([a, b])`, 1},
		"any, turned":  {`await Promise.any([b, a])`, 2},
		"aggregate":    {`const [x, y] = await Promise.allSettled([a, b]); throw new AggregateError([new Error("mine"), new Error("w", { cause: y.reason })], "all")`, 2},
		"allSettled":   {`const [x, y] = await Promise.allSettled([a, b]); throw y.reason`, 2},
		"later":        {`let kept; try { await a } catch (e) { kept = e } await b.catch(() => {}); throw kept`, 1},
		"unhandled":    {`a.catch(() => {}); b.catch(() => {}); Promise.reject(await a.catch((e) => e)); await new Promise(() => {})`, 1},
		"subclass":     {`class Mine extends Error { constructor(e) { super("mine", { cause: e }); } } try { await a } catch (e) { throw new Mine(e) }`, 1},
		"own error":    {`await a.catch(() => {}); throw new Error("mine")`, 0},
		"own class":    {`await a.catch((e) => { throw new e.constructor("mine") })`, 0},
		"message only": {`await a.catch((e) => { throw new Error(e.message) })`, 0},
		"native error": {`await a.catch(() => {}); null.x`, 0},
		"a copy":       {`await a.catch((e) => { const c = new Error("mine"); for (const k of Reflect.ownKeys(e)) try { Object.defineProperty(c, k, Object.getOwnPropertyDescriptor(e, k)) } catch {} throw c })`, 0},
		"a heir":       {`await a.catch((e) => { throw Object.create(e) })`, 0},
		"a field":      {`await a.catch((e) => { throw Object.assign(new Error("mine"), { call: 1, ...e }) })`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := mustLoad(t, `async () => { const a = call("a"), b = call("b"); b.catch(() => {}); `+tc.body+` }`)
			turn := begin(v, "")
			for id := uint64(1); !turn.Done && id <= 2; id++ {
				turn = v.Deliver(call.Failed(id, call.Errorf(call.CodeTimeout, "%d is late", id)), epoch)
			}
			if turn.Err == nil || originIn(turn.Err) != tc.want {
				t.Fatalf("origin %d of %+v, want %d", originIn(turn.Err), turn.Err, tc.want)
			}
		})
	}
}

func TestOriginOfDecodedOutcomes(t *testing.T) {
	// An outcome that can not be read is where the error stems from.
	v := mustLoad(t, `async () => { await call("a"); await call("b"); }`)
	begin(v, "")
	v.Deliver(call.OK(1, nil), epoch)
	turn := v.Deliver(call.OK(2, []byte("{")), epoch)
	if call.CodeOf(turn.Err) != call.CodeInvalidJSON || turn.Err.Call != 2 {
		t.Fatalf("err = %+v", turn.Err)
	}
}

func TestOriginIsOfThisRun(t *testing.T) {
	// The error of a child run names the child's calls; here it stems from the
	// call that waited for the child.
	v := mustLoad(t, `async () => { await call("child") }`)
	begin(v, "")
	child := &call.Error{Name: "Error", Message: "inner", Call: 77}
	failed := call.Errorf(call.CodeRunFailed, "the child failed").WithCause(child)
	failed.Call = 55
	turn := v.Deliver(call.Failed(1, failed), epoch)
	if turn.Err == nil || turn.Err.Call != 1 || turn.Err.Cause == nil || turn.Err.Cause.Call > 1 {
		t.Fatalf("err = %+v, cause %+v", turn.Err, turn.Err.Cause)
	}
	if failed.Call != 55 || child.Call != 77 {
		t.Error("the outcome was changed")
	}
}

func TestOriginStaysHidden(t *testing.T) {
	// Scripts see an ordinary error.
	v := mustLoad(t, `async () => { try { await call("a") } catch (e) {
		const cell = Object.getOwnPropertySymbols(e).map((s) => [Object.keys(e[s]), JSON.stringify(e[s])]);
		return [Object.keys(e), JSON.stringify(e), { ...e }, "call" in e, cell.flat()] } }`)
	begin(v, "")
	turn := v.Deliver(call.Failed(1, &call.Error{Name: "OddError", Message: "m", Code: "ODD"}), epoch)
	if want := `[["code"],"{\"code\":\"ODD\"}",{"code":"ODD"},false,[[],"{}"]]`; string(turn.Value) != want {
		t.Fatalf("got %s, want %s", turn.Value, want)
	}
}

func TestErrorsInHeldRunsKeepTheirOrigin(t *testing.T) {
	v := mustLoad(t, `async () => { await call("a") }`)
	v.Begin(vm.Start{Run: "r1", Handler: vm.HandlerRun, Now: epoch, HoldFailure: true})
	turn := v.Deliver(call.Failed(1, call.Errorf(call.CodeTimeout, "late")), epoch)
	if !turn.Held || turn.Err.Call != 1 {
		t.Fatalf("turn = %+v, err %+v", turn, turn.Err)
	}
	if turn = v.Unwind(epoch); turn.Err == nil || turn.Err.Call != 1 {
		t.Fatalf("err = %+v", turn.Err)
	}
}
