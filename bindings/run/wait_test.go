package run_test

import (
	"slices"
	"strings"
	"testing"

	"reprise/runtime/call"
)

func TestWaitFor(t *testing.T) {
	p := start(t, `const got = await waitFor("approval"); return { got }`)
	p.expectCall(call.KindWait, "waitFor approval", call.Pure, `{"name":"approval"}`, "")
	p.answer("waitFor approval", `{"ok":true}`)
	p.expectValue(`{"got":{"ok":true}}`)
	// A signal without a value.
	p = start(t, `return [await waitFor("go")]`)
	p.answer("waitFor go", "")
	p.expectValue(`[null]`)
}

func TestWaitForTimeout(t *testing.T) {
	for timeout, want := range map[string]string{
		`"7 days"`:      `{"name":"a","timeoutMs":604800000}`,
		`1500`:          `{"name":"a","timeoutMs":1500}`,
		`0.2`:           `{"name":"a","timeoutMs":1}`, // rounded up
		`0`:             `{"name":"a","timeoutMs":1}`, // and not "none"
		`"15000 weeks"`: `{"name":"a","timeoutMs":9072000000000}`,
		`null`:          `{"name":"a"}`,
	} {
		start(t, `await waitFor("a", { timeout: `+timeout+` })`).expectCall(call.KindWait, "waitFor a", call.Pure, want, "")
	}
	// Time is up: an error like any other, with the line that waited.
	p := start(t, `try { await waitFor("a", { timeout: "1h" }) } catch (e) { return [e.name, e.code] }`)
	p.fail("waitFor a", call.CodeTimeout)
	p.expectValue(`["TimeoutError","TIMEOUT_ERROR"]`)
}

func TestWaitForIsAbortedByItsStep(t *testing.T) {
	p := start(t, `try { await step("approve", () => waitFor("ok"), { timeout: "1h" }) } catch (e) { return e.message }`)
	waiting := p.open[0].ID
	p.expectLog("approve: waitFor ok", "approve: timeout of step approve")
	p.answer("timeout of step approve", "")
	p.expectValue(`"step \"approve\" took longer than 1h0m0s"`)
	if !slices.Equal(p.turn.Aborts, []uint64{waiting}) {
		t.Errorf("aborts = %v, want the wait, %d", p.turn.Aborts, waiting)
	}
}

func TestWaitForAndTimeRace(t *testing.T) {
	// Which one wins is decided by the order of the outcomes and nothing else.
	const body = `return await Promise.race([waitFor("a"), waitFor("b"), sleep("1m").then(() => "late")])`
	for first, want := range map[string]string{"waitFor a": `"A"`, "waitFor b": `"B"`, "sleep 1m0s": `"late"`} {
		p := start(t, body)
		p.answer(first, map[string]string{"waitFor a": `"A"`, "waitFor b": `"B"`}[first])
		p.expectValue(want)
	}
}

func TestSignal(t *testing.T) {
	p := start(t, `return (await signal("01f", "approval", { ok: true }, { idempotencyKey: "k1" })) === undefined`)
	p.expectCall(call.KindSignal, "signal approval → 01f", call.Idempotent, `{"run":"01f","name":"approval","idempotencyKey":"k1"}`, `{"ok":true}`)
	p.answer("signal approval → 01f", "")
	p.expectValue(`true`)
	for value, body := range map[string]string{"undefined": "", "null": "null", `""`: `""`, "0": "0", `"<&>"`: `"<&>"`, `new Date(0)`: `"1970-01-01T00:00:00.000Z"`} {
		start(t, `await signal("01f", "x", `+value+`)`).expectCall(call.KindSignal, "signal x → 01f", call.Idempotent, `{"run":"01f","name":"x"}`, body)
	}
}

func TestArgumentsThatAreWrong(t *testing.T) {
	long := `"x".repeat(201)`
	for body, want := range map[string]string{
		`waitFor()`:                                   `the name of a signal must be a string, not undefined: waitFor("approval")`,
		`waitFor(5)`:                                  "not a number",
		`waitFor("")`:                                 `must have 1 to 200 bytes and no control characters; "" has not`,
		`waitFor("ask:1")`:                            `signals whose name begins with "ask:" are the answers to asks`,
		`signal("r", "ask:1", true)`:                  `"ask:1" needs another name`,
		`waitFor(` + long + `)`:                       "1 to 200 bytes",
		`waitFor("a\nb")`:                             `"a\nb" has not`,
		`waitFor("a", { timeout: "soon" })`:           "not a duration",
		`waitFor("a", { timeout: -1 })`:               "negative",
		`waitFor("a", { timeout: 1e15 })`:             "too long",
		`waitFor("a", { signal: 1 })`:                 `waitFor has no option "signal"; it takes timeout`,
		`waitFor("a", "1h")`:                          "the options of waitFor must be an object, not a string",
		`signal()`:                                    "the id of a run must be a string",
		`signal("r")`:                                 "the name of a signal must be a string",
		`signal("r", "n", () => 1)`:                   "the value of signal n is a function, which has no JSON form",
		`signal("r", "n", 5n)`:                        "the value of signal n has no JSON form: TypeError",
		`signal("r", "n", 1, { idempotencyKey: 5 })`:  "idempotencyKey must be a string, not a number",
		`signal("r", "n", 1, { idempotencyKey: "" })`: "idempotencyKey must have 1 to 256 bytes",
		`signal("r", "n", 1, { key: "x" })`:           "it takes idempotencyKey",
		`start()`:                                     `the name of a script must be a string, not undefined: start("orders/fulfil", order)`,
		`start("")`:                                   "the name of a script must have 1 to 200 bytes",
		`start("s", Symbol("x"))`:                     "the input of s is a symbol, which has no JSON form",
		`start("s", { toJSON() { throw new Error("mine") } })`:  "the input of s has no JSON form: Error: mine",
		`start("s", { toJSON() {} })`:                           "the input of s is an object, which has no JSON form",
		`start("s", 1, { idempotencyKey: "a".repeat(257) })`:    "idempotencyKey must have 1 to 256 bytes",
		`{ const a = {}; a.a = a; return await start("s", a) }`: "the input of s has no JSON form: TypeError",
		`invoke("s", 1, { idempotencyKey: "k" })`:               `invoke has no option "idempotencyKey"; it takes none`,
		`invoke(null)`:                                          "the name of a script must be a string, not null",
		`continueAs(() => 1)`:                                   "the input of continueAs is a function",
		`publish()`:                                             "publish takes what to show, not undefined",
		`publish(Symbol())`:                                     "the state to publish is a symbol",
		`publish({ percent: 101 })`:                             "percent must be a number from 0 to 100, not 101",
		`publish({ percent: -1 })`:                              "not -1",
		`publish({ percent: 0 / 0 })`:                           "not null; NaN is null in JSON",
		`publish({ percent: "5" })`:                             `not "5"`,
		`publish({ message: 5 })`:                               "message must be a string, not 5",
		`publish({ message: null })`:                            "message must be a string, not null",
		`publish("x".repeat(70000))`:                            "the state to publish has 70002 bytes",
		`ask()`:                                                 "ask needs a title, text that says what is asked, not undefined",
		`ask("Approve?")`:                                       "the options of ask must be an object, not a string",
		`ask({ title: "" })`:                                    "the title of an ask must have 1 to 500 bytes",
		`ask({ title: "a", text: "b" })`:                        `ask has no option "text"; it takes title, description, schema, timeout, notify`,
		`ask({ title: "a", description: 5 })`:                   "the description of an ask must be a string, not a number",
		`ask({ title: "a", description: "x".repeat(10001) })`:   "the description of an ask has 10001 bytes",
		`ask({ title: "a", schema: "boolean" })`:                "the schema of an ask must be a JSON Schema: an object such as",
		`ask({ title: "a", schema: [] })`:                       "must be a JSON Schema",
		`ask({ title: "a", schema: { a: 5n } })`:                "the schema of an ask has no JSON form",
		`ask({ title: "a", schema: { a: "x".repeat(70000) } })`: "the schema of an ask has 70008 bytes",
		`ask({ title: "a", notify: "me" })`:                     "notify must be a function, not a string",
		`ask({ title: "a", timeout: {} })`:                      "not an object",
	} {
		statement := "await " + body
		if strings.HasPrefix(body, "{") {
			statement = body
		}
		p := start(t, statement)
		p.expectError("INVALID_ARGUMENT_ERROR")
		if !strings.Contains(p.turn.Err.Message, want) {
			t.Errorf("%s: %s\n  want %s", body, p.turn.Err.Message, want)
		}
		if len(p.log) > 0 {
			t.Errorf("%s called %v", body, p.log)
		}
	}
}

func TestMistakesAreRejections(t *testing.T) {
	// What gives a promise throws nothing beside it.
	for _, f := range []string{"waitFor", "ask", "signal", "start", "invoke", "publish"} {
		start(t, `let thrown = true; const p = `+f+`(); thrown = false; return [thrown, await p.catch((e) => e.code)]`).
			expectValue(`[false,"INVALID_ARGUMENT_ERROR"]`)
	}
	// What stops a turn is no mistake of the arguments: it stops the turn.
	p := start(t, `await start("s", { toJSON() { const f = () => f(); f() } })`)
	if !p.turn.Done || p.turn.Err == nil || p.turn.Err.Code == string(call.CodeInvalidArgument) {
		t.Errorf("err = %v", p.turn.Err)
	}
}
