package run_test

import (
	"slices"
	"strings"
	"testing"

	"reprise/runtime/call"
)

// shop is an order: two steps with an undo, and then something that may fail.
const shop = `const hold = await step("reserve", () => api("hold"), { undo: (h) => api("release " + h) });
	const paid = await step("charge", () => api("charge"), { undo: async (c) => { await api("refund " + c); await api("mail " + c) } });
	return await step("ship", () => api("ship"), { undo: () => api("recall") });`

func TestUndoNewestFirst(t *testing.T) {
	p := start(t, shop)
	p.answer("hold", `"h1"`)
	p.answer("charge", `"c1"`)
	p.fail("ship", call.CodeNetwork)
	p.expectOpen("refund c1")
	p.answer("refund c1", "")
	p.expectOpen("mail c1")
	p.answer("mail c1", "")
	p.expectOpen("release h1")
	if p.turn.Done || p.turn.Settled {
		t.Fatal("the run ended before everything was undone")
	}
	p.answer("release h1", "")
	p.expectError("NETWORK_ERROR ship failed")
	p.expectLog("reserve: hold", "charge: charge", "ship: ship", "charge/undo: refund c1", "charge/undo: mail c1", "reserve/undo: release h1")
}

func TestUndoOnlyWhatSucceeded(t *testing.T) {
	p := start(t, shop)
	p.fail("hold", call.CodeNetwork)
	p.expectError("NETWORK_ERROR hold failed")
	p.expectLog("reserve: hold")
	// Nothing is undone when the handler succeeds, or caught the failure.
	p = start(t, shop)
	p.answer("hold", `"h1"`)
	p.answer("charge", `"c1"`)
	p.answer("ship", `"s1"`)
	p.expectValue(`"s1"`)
	p = start(t, `await step("a", () => 1, { undo: () => api("undo") }); try { await step("b", () => { throw 1 }) } catch { return "fine" }`)
	p.expectValue(`"fine"`)
	p.expectOpen()
}

func TestFailingUndoDoesNotStopTheRest(t *testing.T) {
	p := start(t, shop)
	p.answer("hold", `"h1"`)
	p.answer("charge", `"c1"`)
	p.fail("ship", call.CodeNetwork)
	p.fail("refund c1", call.CodeConnect)
	p.expectOpen("release h1")
	p.answer("release h1", "")
	p.expectError("NETWORK_ERROR ship failed")
	if len(p.lines) != 1 || p.lines[0].Level != "error" || !strings.Contains(p.lines[0].Msg, "the undo of step charge failed: ConnectError: refund c1 failed") ||
		!strings.Contains(string(p.lines[0].Fields), `"code":"CONNECT_ERROR"`) {
		t.Errorf("lines = %+v", p.lines)
	}
	// One that throws at once is no different.
	p = start(t, `await step("a", () => 1, { undo: () => api("a") }); await step("b", () => 2, { undo: () => { throw new Error("broken") } }); throw new Error("no")`)
	p.answer("a", "")
	p.expectError("no")
	if len(p.lines) != 1 || !strings.Contains(p.lines[0].Msg, "the undo of step b failed: Error: broken") {
		t.Errorf("lines = %+v", p.lines)
	}
}

func TestUndoWaitsForRunningSteps(t *testing.T) {
	// Two steps run beside each other and one fails. The other has perhaps
	// happened already: it is waited for and then undone, whatever the order.
	const body = `await Promise.all([step("a", () => api("a"), { undo: () => api("undo a") }), step("b", () => api("b"), { undo: () => api("undo b") }), step("c", () => api("c"))])`
	p := start(t, body)
	p.fail("c", call.CodeNetwork)
	p.expectOpen("a", "b")
	p.answer("b", "")
	p.expectOpen("a")
	p.answer("a", "")
	p.expectOpen("undo a") // it succeeded last
	p.answer("undo a", "")
	p.answer("undo b", "")
	p.expectError("NETWORK_ERROR c failed")

	p = start(t, body)
	p.answer("a", "")
	p.fail("c", call.CodeNetwork)
	p.expectOpen("b")
	p.fail("b", call.CodeConnect) // it did not happen
	p.expectOpen("undo a")
	p.answer("undo a", "")
	p.expectError("NETWORK_ERROR c failed")
}

func TestUndoInAllOrders(t *testing.T) {
	// Three parallel steps, of which any may fail, answered in any order: what
	// succeeded is undone, each once, in the opposite order, and nothing else.
	steps := []string{"a", "b", "c"}
	for _, order := range permutations(steps) {
		for failed := range 1 << len(steps) {
			if failed == 0 {
				continue
			}
			p := start(t, `await Promise.all(["a", "b", "c"].map((s) => step(s, () => api(s), { undo: () => api("undo " + s) })))`)
			var want []string
			for i, s := range order {
				if failed>>i&1 == 1 {
					p.fail(s, call.CodeNetwork)
				} else {
					p.answer(s, "")
					want = append([]string{"undo " + s}, want...)
				}
			}
			for _, undo := range want {
				p.expectOpen(undo)
				p.answer(undo, "")
			}
			p.expectOpen()
			p.expectError("NETWORK_ERROR")
		}
	}
}

func permutations(items []string) [][]string {
	if len(items) <= 1 {
		return [][]string{slices.Clone(items)}
	}
	var out [][]string
	for i := range items {
		rest := slices.Delete(slices.Clone(items), i, i+1)
		for _, p := range permutations(rest) {
			out = append(out, append([]string{items[i]}, p...))
		}
	}
	return out
}

func TestUndoDoesNotWaitForATimedOutAttempt(t *testing.T) {
	// What stands still will never end; what it had done before is undone.
	p := start(t, `await step("outer", async () => {
			await step("done", () => api("done"), { undo: () => api("undo done") });
			await step("stuck", () => api("stuck"), { undo: () => api("undo stuck") });
		}, { timeout: "1s" })`)
	p.answer("done", "")
	p.answer("timeout of step outer", "")
	p.expectOpen("undo done")
	p.answer("undo done", "")
	p.expectError(`TIMEOUT_ERROR step "outer" took longer than 1s`)
	p.expectLog("outer/done: done", "outer: timeout of step outer", "outer/stuck: stuck", "outer/done/undo: undo done")
}

func TestTimeoutWhileUndoWaits(t *testing.T) {
	p := start(t, `await Promise.all([step("slow", () => step("in", () => api("x"), { undo: () => api("undo") }), { timeout: "1s" }), api("y")])`)
	p.fail("y", call.CodeNetwork)
	p.expectOpen("x", "timeout of step slow")
	p.answer("timeout of step slow", "")
	p.expectError("NETWORK_ERROR y failed")
}

func TestNoStepBeginsAfterTheFailure(t *testing.T) {
	// A branch beside the failed one gets no further than its running step.
	p := start(t, `const branch = async () => {
			await step("one", async () => { await api("one"); await step("nested", () => api("nested")) }, { undo: () => api("undo one") });
			await step("two", () => api("two"), { undo: () => api("undo two") });
		};
		await Promise.all([branch(), step("bad", () => api("bad"))])`)
	p.fail("bad", call.CodeNetwork)
	p.answer("one", "")
	p.expectOpen("nested") // so that the running step comes to its end
	p.answer("nested", "")
	p.expectOpen("undo one")
	p.answer("undo one", "")
	p.expectError("NETWORK_ERROR bad failed")
}

func TestNothingIsRetriedAfterTheFailure(t *testing.T) {
	p := start(t, `await Promise.all([step("a", () => api("a"), { retry: { attempts: 5 }, undo: () => api("undo a") }), step("b", () => api("b"))])`)
	p.fail("b", call.CodeNetwork)
	p.fail("a", call.CodeConnect)
	p.expectError("NETWORK_ERROR b failed")
	p.expectOpen()
}

func TestUndoMayUseSteps(t *testing.T) {
	// An undo is code like any other: it may take steps, which are retried,
	// and have nothing to undo themselves.
	p := start(t, `await step("a", () => 1, { undo: () => step("again", () => api("x"), { retry: { attempts: 2, delay: 10, jitter: false }, undo: () => api("undo the undo") }) }); throw new Error("no")`)
	p.fail("x", call.CodeConnect)
	p.answer("retry in 10ms", "")
	p.answer("x", "")
	p.expectError("no")
	p.expectLog("a/undo/again: x", "a/undo/again: retry in 10ms", "a/undo/again: x")
}

func TestUndoOfEveryAttempt(t *testing.T) {
	// A step inside a retried one happened twice, and is undone twice.
	p := start(t, `await step("outer", async () => { await step("in", () => api("in"), { undo: (n) => api("undo " + n) }); await api("bad") }, { retry: { attempts: 2, delay: 10, jitter: false } })`)
	p.answer("in", "1")
	p.fail("bad", call.CodeNetwork)
	p.answer("retry in 10ms", "")
	p.answer("in", "2")
	p.fail("bad", call.CodeNetwork)
	p.answer("undo 2", "")
	p.answer("undo 1", "")
	p.expectError("NETWORK_ERROR bad failed")
}

func TestUndoAfterAnUnhandledRejection(t *testing.T) {
	// However a run fails, its steps are undone.
	p := start(t, `await step("a", () => 1, { undo: () => api("undo a") }); api("lost").then(() => { throw new Error("nobody looks") }); await api("x")`)
	p.answer("lost", "")
	p.expectOpen("x", "undo a")
	p.answer("undo a", "")
	p.expectError("UNHANDLED_REJECTION_ERROR")
}
