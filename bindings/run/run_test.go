package run_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"reprise/runtime/call"
)

func TestSleep(t *testing.T) {
	for body, want := range map[string]struct {
		ms     time.Duration
		target string
	}{
		`await sleep(1500); return "up"`:                           {1500, "sleep 1.5s"},
		`await sleep("2 minutes"); return "up"`:                    {120_000, "sleep 2m0s"},
		`await sleep(0.2); return "up"`:                            {1, "sleep 200µs"},
		`await sleep(0); return "up"`:                              {0, "sleep 0s"},
		`await sleep(new Date(Date.now() + 60_000)); return "up"`:  {60_000, "sleep until 2026-01-02T03:05:05Z"},
		`await sleep(new Date("2020-01-01T00:00Z")); return "up"`:  {0, "sleep until 2020-01-01T00:00:00Z"},
		`await sleep("3 days"); return Date.now() % 1 ? "" : "up"`: {3 * 86_400_000, "sleep 72h0m0s"},
	} {
		p := start(t, body)
		p.expectOpen(want.target)
		if got := timerOf(t, p.open[0]); got != want.ms*time.Millisecond || p.open[0].Class != call.Pure {
			t.Errorf("%s: a timer of %s", body, got)
		}
		p.answer(want.target, "")
		p.expectValue(`"up"`)
	}
	// The last Date there is is further away than a duration can say.
	p := start(t, `await sleep(new Date(8.64e15))`)
	if len(p.open) != 1 || timerOf(t, p.open[0]) < 290*365*24*time.Hour {
		t.Errorf("open: %+v, settled: %v", p.open, p.turn.Err)
	}
	for body, want := range map[string]string{
		`sleep("soon")`: "not a duration", `sleep(-1)`: "negative", `sleep(NaN)`: "finite", `sleep()`: "not undefined", `sleep({})`: "not an object", `sleep(new Date(NaN))`: "invalid",
	} {
		start(t, body).expectError("INVALID_ARGUMENT_ERROR the ")
		if p := start(t, body); !strings.Contains(p.turn.Err.Message, want) {
			t.Errorf("%s: %v", body, p.turn.Err)
		}
	}
}

func TestCurrent(t *testing.T) {
	p := start(t, `return { ...current, again: current.id, keys: Object.keys(current) }`)
	p.expectValue(`{"id":"r1","script":"shop","revision":"rev","handler":"run","again":"r1","keys":["id","script","revision","handler"]}`)
	// The same VM in another run says so.
	p = load(t, `return current.id`)
	for _, id := range []string{"a", "b"} {
		p.begin(id)
		p.expectValue(`"` + id + `"`)
		p.vm.End()
	}
}

func TestStepIsAScope(t *testing.T) {
	// Calls carry the steps they were made in, across awaits and nesting, and
	// beside each other.
	p := start(t, `await api("before");
		const both = [step("a", async () => { await api("a1"); await step("inner", () => api("a2")); await sleep(5); return "A" }), step("b", () => api("b1"))];
		const out = await Promise.all(both); await api("after"); return out`)
	p.answer("before", "")
	p.expectOpen("a1", "b1")
	p.answer("b1", `"B"`)
	p.answer("a1", "")
	p.answer("a2", "")
	p.answer("sleep 5ms", "")
	p.answer("after", "")
	p.expectValue(`["A","B"]`)
	p.expectLog(": before", "a: a1", "b: b1", "a/inner: a2", "a: sleep 5ms", ": after")
}

func TestStepResults(t *testing.T) {
	start(t, `return [await step("a", () => 1), await step("b", async () => 2), await step("c", () => ({ then: (ok) => ok(3) })), await step("d", () => {}) === undefined]`).
		expectValue(`[1,2,3,true]`)
	start(t, `await step("a", () => { throw new RangeError("x") })`).expectError("x")
	start(t, `try { await step("a", async () => { throw new RangeError("x") }) } catch (e) { return e.message }`).expectValue(`"x"`)
}

func TestStepArguments(t *testing.T) {
	for args, want := range map[string]string{
		``: "step takes a name first", `() => 1`: "step takes a name first, not a function", `""`: "1 to 100 bytes", `"a".repeat(101)`: "1 to 100 bytes", `"a\nb"`: "control",
		`"a"`:                                  "what step a does must be a function, not undefined",
		`"a", () => 1, { retries: 3 }`:         `step has no option "retries"; it takes retry, timeout, undo`,
		`"a", () => 1, { retry: 3 }`:           "retry must be an object such as { attempts: 3 }, not a number",
		`"a", () => 1, { retry: { tries: 3 }}`: `no option "tries"`,
		`"a", () => 1, { timeout: "long" }`:    "not a duration",
		`"a", () => 1, { undo: "x" }`:          "undo must be a function, not a string",
		`"a", () => 1, 5`:                      "must be an object",
	} {
		start(t, `await step(`+args+`)`).expectError("INVALID_ARGUMENT_ERROR")
		if p := start(t, `await step(`+args+`)`); !strings.Contains(p.turn.Err.Message, want) {
			t.Errorf("step(%s): %v", args, p.turn.Err)
		}
	}
}

func TestRetry(t *testing.T) {
	// A failed attempt is made again after growing pauses, in the step's scope.
	p := start(t, `return await step("charge", () => api("pay"), { retry: { attempts: 3, delay: "1s", factor: 2, jitter: false } })`)
	p.fail("pay", call.CodeNetwork)
	p.expectOpen("retry in 1s")
	p.answer("retry in 1s", "")
	p.fail("pay", call.CodeNetwork)
	p.answer("retry in 2s", "")
	p.answer("pay", `"paid"`)
	p.expectValue(`"paid"`)
	p.expectLog("charge: pay", "charge: retry in 1s", "charge: pay", "charge: retry in 2s", "charge: pay")
}

func TestRetryGivesUp(t *testing.T) {
	p := start(t, `try { await step("charge", () => api("pay"), { retry: { attempts: 2, delay: 10, jitter: false } }) } catch (e) { return [e.code, e.attempts] }`)
	p.fail("pay", call.CodeNetwork)
	p.answer("retry in 10ms", "")
	p.fail("pay", call.CodeNetwork)
	p.expectValue(`["NETWORK_ERROR",2]`)
	// A cancelled run is not kept alive by retries.
	p = start(t, `await step("charge", () => api("pay"), { retry: { attempts: 5 } })`)
	p.fail("pay", call.CodeCancelled)
	p.expectError("CANCELLED_ERROR")
}

func TestTimeout(t *testing.T) {
	p := start(t, `return await step("slow", async () => { try { return await api("x") } finally { await api("never") } }, { timeout: "2s" })`)
	p.expectOpen("x", "timeout of step slow")
	p.answer("timeout of step slow", "")
	p.expectError(`TIMEOUT_ERROR step "slow" took longer than 2s`)
	// The attempt stands still: its call was aborted and nothing follows.
	p.expectLog("slow: x", "slow: timeout of step slow")
	if len(p.turn.Aborts) != 1 || p.turn.Open != 0 {
		t.Errorf("turn = %+v", p.turn)
	}
}

func TestTimeoutIsAborted(t *testing.T) {
	// The timer goes when the attempt is faster, however that ends.
	p := start(t, `return await step("fast", () => api("x"), { timeout: "2s" })`)
	p.answer("x", "1")
	p.expectValue("1")
	p.expectOpen()
	p = start(t, `try { await step("fast", () => api("x"), { timeout: "2s" }) } catch (e) { return e.code }`)
	p.fail("x", call.CodeNetwork)
	p.expectValue(`"NETWORK_ERROR"`)
	p.expectOpen()
	// A step that is over at once has no timer at all.
	p = start(t, `return [await step("a", async () => 1, { timeout: 5 }), await step("b", () => 2, { timeout: 5 })]`)
	p.expectValue("[1,2]")
	p.expectLog()
}

func TestTimeoutOfEachAttempt(t *testing.T) {
	// The timeout is an attempt's, and an attempt that timed out never goes on
	// beside the next one.
	p := start(t, `let n = 0; return await step("s", async () => { const mine = ++n; await api("first" + mine); await api("second" + mine); return mine }, { timeout: "1s", retry: { attempts: 2, delay: 10, jitter: false } })`)
	p.answer("first1", "")
	p.answer("timeout of step s", "")
	p.expectOpen("retry in 10ms")
	p.answer("retry in 10ms", "")
	p.answer("first2", "")
	p.answer("second2", "")
	p.expectValue("2")
	p.expectLog("s: first1", "s: timeout of step s", "s: second1", "s: retry in 10ms", "s: first2", "s: timeout of step s", "s: second2")
}

func TestTimedOutAttemptMakesNoCalls(t *testing.T) {
	// Even when something from outside wakes it.
	p := start(t, `const gate = api("gate"); let late;
		const timed = step("s", async () => { await gate; try { await api("late") } catch (e) { late = e.code; throw e } }, { timeout: "1s" }).catch((e) => e.code);
		const code = await timed; await gate; await null; return [code, late]`)
	p.answer("timeout of step s", "")
	p.answer("gate", "")
	p.expectValue(`["TIMEOUT_ERROR","TIMEOUT_ERROR"]`)
	p.expectLog(": gate", "s: timeout of step s")
}

func TestNestedTimeout(t *testing.T) {
	// An outer timeout stops what is inside, timers included.
	p := start(t, `try { await step("outer", () => step("inner", () => api("x"), { timeout: "5s" }), { timeout: "1s" }) } catch (e) { return e.message }`)
	p.expectOpen("x", "timeout of step inner", "timeout of step outer")
	p.answer("timeout of step outer", "")
	p.expectValue(`"step \"outer\" took longer than 1s"`)
	p.expectOpen()
}

func TestStacks(t *testing.T) {
	// A stack through a step goes on to the line that took the step.
	p := start(t, `try { await outer() } catch (e) { return ["inner", "outer", "handler"].map((f) => e.stack.includes("at " + f)) }
		async function outer() { return await step("s", async function inner() { await api("x"); throw new Error("deep") }, { retry: { attempts: 1 } }) }`)
	p.answer("x", "")
	p.expectValue(`[true,true,true]`)
}

func TestRunsOfOneVMShareNothing(t *testing.T) {
	// What a run left open does not reach into the next one of the same VM.
	p := load(t, `if (current.id === "a") { step("s", () => api("x"), { timeout: "1s", undo: () => api("undo") }).catch(() => {}); return "left"; }
		await api("y"); throw new Error("b failed")`)
	p.begin("a")
	p.expectValue(`"left"`)
	p.vm.End()
	p.begin("b")
	p.answer("y", "")
	p.expectError("b failed")
	if !slices.Equal(p.log, []string{": y"}) {
		t.Errorf("calls of the second run: %v", p.log)
	}
}
