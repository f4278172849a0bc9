package run_test

import (
	"strings"
	"testing"

	"reprise/runtime/call"
)

func TestAsk(t *testing.T) {
	p := start(t, `const answer = await ask({ title: "Approve the order?", description: "It is <large>.", schema: { type: "boolean" }, timeout: "2 days" }); return { answer }`)
	p.expectCall(call.KindAsk, "ask Approve the order?", call.Pure,
		`{"title":"Approve the order?","description":"It is <large>.","schema":{"type":"boolean"}}`, "")
	p.answer("ask Approve the order?", `{"url":"http://x/_/ask/1"}`)
	p.expectCall(call.KindAnswer, "answer to Approve the order?", call.Pure, `{"ask":1,"timeoutMs":172800000}`, "")
	p.answer("answer to Approve the order?", `true`)
	p.expectValue(`{"answer":true}`)
	start(t, `await ask({ title: "a", timeout: null, schema: null, notify: null })`).expectCall(call.KindAsk, "ask a", call.Pure, `{"title":"a"}`, "")
}

func TestAskNotifies(t *testing.T) {
	// The link goes out before the answer is awaited; its calls are the step's.
	p := start(t, `return await step("approve", () => ask({ title: "ok?", notify: async (url) => { await api("mail " + url); await api("log") } }))`)
	p.answer("ask ok?", `{"url":"http://x/1"}`)
	p.answer("mail http://x/1", "")
	p.answer("log", "")
	p.answer("answer to ok?", `{"by":"Ada"}`)
	p.expectValue(`{"by":"Ada"}`)
	p.expectLog("approve: ask ok?", "approve: mail http://x/1", "approve: log", "approve: answer to ok?")
	// It is a plain function and need not be async.
	p = start(t, `let seen; const a = await ask({ title: "ok?", notify(url) { seen = [url, this] } }); return [a, seen]`)
	p.answer("ask ok?", `{"url":"http://x/2"}`)
	p.answer("answer to ok?", `1`)
	p.expectValue(`[1,["http://x/2",null]]`)
}

func TestAskFails(t *testing.T) {
	p := start(t, `await ask({ title: "ok?", notify: () => api("mail") })`)
	p.answer("ask ok?", `{"url":"u"}`)
	p.fail("mail", call.CodeConnect)
	p.expectError("CONNECT_ERROR mail failed")
	p = start(t, `try { await ask({ title: "ok?" }) } catch (e) { return e.code }`)
	p.fail("ask ok?", call.CodeUnavailable)
	p.expectValue(`"UNAVAILABLE_ERROR"`)
	p = start(t, `try { await ask({ title: "ok?", timeout: "1h" }) } catch (e) { return e.code }`)
	p.answer("ask ok?", `{"url":"u"}`)
	p.fail("answer to ok?", call.CodeTimeout)
	p.expectValue(`"TIMEOUT_ERROR"`)
}

func TestManyAsksAtOnce(t *testing.T) {
	// Each answer belongs to its own question.
	p := start(t, `return await Promise.all(["a", "b"].map((title) => ask({ title })))`)
	p.answer("ask b", `{"url":"u"}`)
	p.answer("ask a", `{"url":"u"}`)
	var args []string
	for _, c := range p.open {
		args = append(args, c.Target+" "+string(c.Args))
	}
	if got := strings.Join(args, "; "); got != `answer to b {"ask":2}; answer to a {"ask":1}` {
		t.Errorf("open: %s", got)
	}
	p.answer("answer to a", `"A"`)
	p.answer("answer to b", `"B"`)
	p.expectValue(`["A","B"]`)
}
