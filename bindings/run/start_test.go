package run_test

import (
	"strings"
	"testing"

	"reprise/runtime/call"
)

func TestStart(t *testing.T) {
	p := start(t, `const { id } = await start("orders/fulfil", { n: 1, skipped: undefined }, { idempotencyKey: "o1" }); return id`)
	p.expectCall(call.KindStart, "start orders/fulfil", call.Idempotent, `{"script":"orders/fulfil","idempotencyKey":"o1"}`, `{"n":1}`)
	p.answer("start orders/fulfil", `{"id":"r2"}`)
	p.expectValue(`"r2"`)
	start(t, `await start("s")`).expectCall(call.KindStart, "start s", call.Idempotent, `{"script":"s"}`, "")
	p = start(t, `try { await start("nope") } catch (e) { return e.code }`)
	p.fail("start nope", call.CodeNotFound)
	p.expectValue(`"NOT_FOUND_ERROR"`)
}

func TestInvoke(t *testing.T) {
	p := start(t, `return [await invoke("price", { sku: "mug" })]`)
	p.expectCall(call.KindInvoke, "invoke price", call.Idempotent, `{"script":"price"}`, `{"sku":"mug"}`)
	p.answer("invoke price", `{"cents":900}`)
	p.expectValue(`[{"cents":900}]`)
}

func TestInvokeFails(t *testing.T) {
	p := start(t, `try { await invoke("price") } catch (e) { return [e.name, e.run, e.cause.name, e.cause.message, e instanceof Error] }`)
	p.deliver("invoke price", func(id uint64) call.Outcome {
		e := call.Errorf(call.CodeRunFailed, "the run r2 of price failed").WithData(map[string]any{"run": "r2"})
		return call.Failed(id, e.WithCause(call.Errorf(call.CodeHTTP, "503")))
	})
	p.expectValue(`["RunFailedError","r2","HTTPError","503",true]`)
}

func TestInvokesAreCallsOfTheirSteps(t *testing.T) {
	// Tried again, it is another child: the call is another one.
	p := start(t, `return await step("price", () => invoke("price"), { retry: { attempts: 2, delay: 10, jitter: false } })`)
	first := p.open[0].ID
	p.fail("invoke price", call.CodeRunFailed)
	p.answer("retry in 10ms", "")
	if second := p.open[0].ID; second == first {
		t.Errorf("both attempts are call %d", first)
	}
	p.answer("invoke price", "5")
	p.expectValue("5")
	p.expectLog("price: invoke price", "price: retry in 10ms", "price: invoke price")
}

func TestContinueAs(t *testing.T) {
	p := start(t, `try { await continueAs({ page: 2 }); await api("never") } finally { await api("never either") }`)
	p.expectCall(call.KindContinue, "continueAs", call.Idempotent, ``, `{"page":2}`)
	if p.turn.Done || p.turn.Open != 1 {
		t.Errorf("turn = %+v", p.turn)
	}
	start(t, `await continueAs()`).expectCall(call.KindContinue, "continueAs", call.Idempotent, ``, "")
}

func TestPublish(t *testing.T) {
	for state, want := range map[string][2]string{
		`{ percent: 40, message: "copying", left: 6 }`: {"publish 40% copying", `{"percent":40,"message":"copying","left":6}`},
		`{ percent: 0 }`:    {"publish 0%", `{"percent":0}`},
		`{ percent: 100 }`:  {"publish 100%", `{"percent":100}`},
		`{ percent: 33.5 }`: {"publish 33.5%", `{"percent":33.5}`},
		`{ percent: undefined, message: "two\n  lines" }`: {"publish two lines", `{"message":"two\n  lines"}`},
		`{ message: "" }`:                {"publish", `{"message":""}`},
		`{ Percent: "any", step: 3 }`:    {"publish", `{"Percent":"any","step":3}`},
		`[1, 2]`:                         {"publish", `[1,2]`},
		`"half way"`:                     {"publish", `"half way"`},
		`null`:                           {"publish", `null`},
		`{ get percent() { return 7 } }`: {"publish 7%", `{"percent":7}`},
		`{ toJSON: () => ({ percent: 8 }), percent: "no" }`: {"publish 8%", `{"percent":8}`},
	} {
		p := start(t, `return (await publish(`+state+`)) === undefined`)
		p.expectCall(call.KindPublish, want[0], call.Idempotent, ``, want[1])
		p.answer(want[0], "")
		p.expectValue("true")
	}
	p := start(t, `await publish({ message: "ü".repeat(1000) })`)
	if target := p.open[0].Target; len(target) > 100 || !strings.HasSuffix(target, "ü…") {
		t.Errorf("target = %q", target)
	}
}

func TestInFetch(t *testing.T) {
	// A request is not recorded: nothing in it can outlive the server.
	for call, name := range map[string]string{
		`waitFor("a")`: "waitFor", `ask({ title: "a" })`: "ask", `continueAs(1)`: "continueAs", `publish({ percent: 1 })`: "publish",
		`waitFor()`: "waitFor", // what is wrong first is said first
	} {
		p := startFetch(t, `await `+call)
		p.expectError("NOT_DURABLE_ERROR " + name + " needs a durable run, and that of a fetch handler is not: move it to a run handler, and start that from here with start(script, input)")
		if len(p.log) > 0 {
			t.Errorf("%s called %v", call, p.log)
		}
		startFetch(t, `return await `+call+`.catch((e) => e.name)`).expectBody(`"NotDurableError"`)
	}
	p := startFetch(t, `return [await start("a"), await invoke("b"), await signal("r", "n") ?? "sent", await step("s", () => sleep(5).then(() => 1))]`)
	p.answer("start a", `{"id":"r2"}`)
	p.answer("invoke b", `7`)
	p.answer("signal n → r", ``)
	p.answer("sleep 5ms", ``)
	p.expectBody(`[{"id":"r2"},7,"sent",1]`)
}

func (p *play) expectBody(want string) {
	p.t.Helper()
	if !p.turn.Done || p.turn.Err != nil || p.turn.Response == nil || string(p.turn.Response.Body.Inline) != want {
		p.t.Fatalf("done %v, response %+v, err %v; want %s", p.turn.Done, p.turn.Response, p.turn.Err, want)
	}
}

func TestAtTheTopLevel(t *testing.T) {
	for _, f := range []string{"waitFor", "signal", "start", "invoke", "publish", "continueAs", "m.ask"} {
		_, err := evaluate(t, "const m = __reprise.module(`run`); "+f+`({ title: "b" });`, "", nil)
		name := strings.TrimPrefix(f, "m.")
		e := call.From(err)
		if err == nil || e.Code != string(call.CodeCallOutsideRun) || !strings.Contains(e.Message, name+" was used at the top level") {
			t.Errorf("%s at the top level: %v", name, err)
		}
	}
}
