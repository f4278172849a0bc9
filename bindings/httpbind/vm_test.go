package httpbind_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"reprise/bindings/authbind"
	"reprise/bindings/httpbind"
	secretsbind "reprise/bindings/secrets"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// What is tested has time, on a busy machine too.
var _ = vm.LimitTurns(time.Minute)

// load evaluates a run handler that has the modules and env.shop.
func load(t testing.TB, body string) *vm.VM {
	t.Helper()
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict";
		const { http, HTTPError } = __reprise.module("http"), { secret } = __reprise.module("secrets"), { bearer, basic, apiKey, oauth2 } = __reprise.module("auth");
		__reprise.exports({ default: async (input, env) => { `+body+` } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{
		Platform: web.Platform(), Connect: httpbind.Connect, TurnBudget: time.Minute,
		Modules: []vm.Module{httpbind.Module(), secretsbind.Module(), authbind.Module()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func begin(v *vm.VM) vm.Turn {
	return v.Begin(vm.Start{
		Run: "r1", Script: "s", Handler: vm.HandlerRun, Now: epoch, SecretKey: runKey, Secrets: []string{"API"}, Connections: []string{"shop", "self"},
	})
}

// sent runs a script up to its first call.
func sent(t *testing.T, body string) call.Call {
	t.Helper()
	turn := begin(load(t, body))
	if turn.Err != nil || len(turn.Calls) != 1 {
		t.Fatalf("%s\n%d calls, err %v", body, len(turn.Calls), turn.Err)
	}
	return turn.Calls[0]
}

func TestCalls(t *testing.T) {
	api := tokenOf("API")
	const accept = `["accept","application/json, text/plain;q=0.9, */*;q=0.8"]`
	for _, tc := range []struct {
		js, target, args, body string
		class                  call.Class
	}{
		{`http.get("https://a.example.com/x?y=1")`, "GET https://a.example.com/x", `{"method":"GET","url":"https://a.example.com/x?y=1","headers":[` + accept + `]}`, "", call.Read},
		{
			`http.get(new URL("https://a.example.com"), { query: { q: "a b&c", n: [1, 2], no: null, on: true } })`, "GET https://a.example.com/",
			`{"method":"GET","url":"https://a.example.com/?q=a+b%26c&n=1&n=2&on=true","headers":[` + accept + `]}`, "", call.Read,
		},
		{
			`http.get("https://a.example.com/?z=1", { query: new URLSearchParams("a=1&a=2") })`, "GET https://a.example.com/",
			`{"method":"GET","url":"https://a.example.com/?z=1&a=1&a=2","headers":[` + accept + `]}`, "", call.Read,
		},
		{
			`http.post("https://a.example.com/", { json: { b: 1, a: [null, "é"] } })`, "POST https://a.example.com/",
			`{"method":"POST","url":"https://a.example.com/","headers":[["content-type","application/json"],` + accept + `]}`, `{"b":1,"a":[null,"é"]}`, call.Write,
		},
		{
			`http.post("https://a.example.com/", { form: { a: "1 2", b: ["x", "y"] }, headers: { Accept: "x/y" }, idempotent: true })`, "POST https://a.example.com/",
			`{"method":"POST","url":"https://a.example.com/","headers":[["Accept","x/y"],["content-type","application/x-www-form-urlencoded;charset=UTF-8"]]}`, "a=1+2&b=x&b=y", call.Idempotent,
		},
		{
			`http.put("https://a.example.com/", { body: "text", headers: { "content-type": "a/b", Accept: "x/y" }, timeout: "5s", retry: 4, redirect: "error" })`, "PUT https://a.example.com/",
			`{"method":"PUT","url":"https://a.example.com/","headers":[["content-type","a/b"],["Accept","x/y"]],"redirect":"error","timeoutMs":5000,"retry":{"attempts":5,"jitter":true}}`, "text", call.Idempotent,
		},
		{
			`http.patch("https://a.example.com/", { idempotencyKey: "k1", headers: { Accept: "x/y" }, retry: { attempts: 2, delay: "1s", factor: 3, maxDelay: 9000, jitter: false, statuses: [500] } })`, "PATCH https://a.example.com/",
			`{"method":"PATCH","url":"https://a.example.com/","headers":[["Accept","x/y"]],"retry":{"attempts":2,"delayMs":1000,"factor":3,"maxDelayMs":9000,"statuses":[500]},"idempotencyKey":"k1"}`, "", call.Idempotent,
		},
		{
			`http.post("https://a.example.com/", { headers: { accept: "x/y", "idempotency-key": "k2" }, retry: false })`, "POST https://a.example.com/",
			`{"method":"POST","url":"https://a.example.com/","headers":[["accept","x/y"]],"retry":{"attempts":1,"jitter":true},"idempotencyKey":"k2"}`, "", call.Idempotent,
		},
		{`http.request("delete", "https://a.example.com/", { headers: { accept: "x/y" } })`, "DELETE https://a.example.com/", `{"method":"DELETE","url":"https://a.example.com/","headers":[["accept","x/y"]]}`, "", call.Idempotent},
		{`http.request("https://a.example.com/", { method: "HEAD", headers: { accept: "x/y" } })`, "HEAD https://a.example.com/", `{"method":"HEAD","url":"https://a.example.com/","headers":[["accept","x/y"]]}`, "", call.Read},
		{
			`http.get("https://a.example.com/", { headers: { accept: "x/y" }, auth: bearer(secret("API")) })`, "GET https://a.example.com/",
			`{"method":"GET","url":"https://a.example.com/","headers":[["accept","x/y"]],"auth":{"type":"bearer","token":"` + api + `"}}`, "", call.Read,
		},
		{
			`http.get("https://a.example.com/", { headers: { accept: "x/y" }, auth: oauth2({ tokenUrl: "https://b.example.com/t", clientId: "me", clientSecret: secret("API"), scopes: "a b", audience: "c" }) })`, "GET https://a.example.com/",
			`{"method":"GET","url":"https://a.example.com/","headers":[["accept","x/y"]],"auth":{"type":"oauth2","tokenUrl":"https://b.example.com/t","clientId":"me","clientSecret":"` + api + `","scopes":["a","b"],"audience":"c"}}`, "", call.Read,
		},
		{
			`const api = http.create({ baseURL: "https://a.example.com/v1/", headers: { "x-a": "1", accept: "x/y" }, timeout: 100, auth: apiKey({ query: "k", value: secret("API") }) });
		  api.extend({ headers: { "X-A": "2" }, baseURL: "sub" }).get("/items?z=1", { timeout: 200, auth: null })`, "GET https://a.example.com/v1/sub/items",
			`{"method":"GET","url":"https://a.example.com/v1/sub/items?z=1","headers":[["accept","x/y"],["X-A","2"]],"timeoutMs":200}`, "", call.Read,
		},
		{`const { get } = http; get("https://a.example.com/", { headers: { accept: "x/y" } })`, "GET https://a.example.com/", `{"method":"GET","url":"https://a.example.com/","headers":[["accept","x/y"]]}`, "", call.Read},
		{`env.shop.get("items/a b?c=é", { headers: { accept: "x/y" } })`, "GET shop:/items/a%20b", `{"connection":"shop","method":"GET","url":"/items/a%20b?c=%C3%A9","headers":[["accept","x/y"]]}`, "", call.Read},
		{`env.shop.get("/../../etc//x", { headers: { accept: "x/y" } })`, "GET shop:/etc//x", `{"connection":"shop","method":"GET","url":"/etc//x","headers":[["accept","x/y"]]}`, "", call.Read},
		{`env.shop.extend({ headers: { accept: "x/y" }, baseURL: "v2" }).delete("/1")`, "DELETE shop:/v2/1", `{"connection":"shop","method":"DELETE","url":"/v2/1","headers":[["accept","x/y"]]}`, "", call.Idempotent},
		{
			`env.shop.fetch("/x", { method: "post", body: "b", headers: [["a", "1"]], keepalive: true })`, "POST shop:/x",
			`{"connection":"shop","method":"POST","url":"/x","headers":[["a","1"],["content-type","text/plain;charset=UTF-8"]]}`, "b", call.Write,
		},
		{
			`http.post("https://a.example.com/", { headers: { accept: "x/y" }, inDoubt: "retry" })`, "POST https://a.example.com/",
			`{"method":"POST","url":"https://a.example.com/","headers":[["accept","x/y"]],"inDoubt":"retry"}`, "", call.Write,
		},
		{
			`http.extend({ inDoubt: "fail" }).patch("https://a.example.com/", { headers: { accept: "x/y" }, retry: false })`, "PATCH https://a.example.com/",
			`{"method":"PATCH","url":"https://a.example.com/","headers":[["accept","x/y"]],"retry":{"attempts":1,"jitter":true},"inDoubt":"fail"}`, "", call.Write,
		},
		{
			`http.extend({ inDoubt: "fail" }).post("https://a.example.com/", { headers: { accept: "x/y" }, inDoubt: null })`, "POST https://a.example.com/",
			`{"method":"POST","url":"https://a.example.com/","headers":[["accept","x/y"]]}`, "", call.Write,
		},
		{ // only a write that nobody keyed can be in doubt
			`http.post("https://a.example.com/", { headers: { accept: "x/y" }, inDoubt: "fail", idempotent: true })`, "POST https://a.example.com/",
			`{"method":"POST","url":"https://a.example.com/","headers":[["accept","x/y"]]}`, "", call.Idempotent,
		},
		{`http.extend({ inDoubt: "fail" }).get("https://a.example.com/", { headers: { accept: "x/y" } })`, "GET https://a.example.com/", `{"method":"GET","url":"https://a.example.com/","headers":[["accept","x/y"]]}`, "", call.Read},
		{`http.request("LOCK", "https://a.example.com/", { headers: { accept: "x/y" }, inDoubt: "pause" })`, "LOCK https://a.example.com/", `{"method":"LOCK","url":"https://a.example.com/","headers":[["accept","x/y"]],"inDoubt":"pause"}`, "", call.Write},
		// The names in braces of a path.
		{
			`env.shop.get("/a/{id}/b-{n}.json?z={id}", { path: { id: "1/ä ?", n: 2 }, query: { q: 1 }, headers: { accept: "x/y" } })`, "GET shop:/a/1%2F%C3%A4%20%3F/b-2.json",
			`{"connection":"shop","method":"GET","url":"/a/1%2F%C3%A4%20%3F/b-2.json?z={id}&q=1","headers":[["accept","x/y"]]}`, "", call.Read,
		},
		{
			`http.get("https://a.example.com/{a}{b}", { path: { a: "it's(!)*", b: true }, headers: { accept: "x/y" } })`, "GET https://a.example.com/it's(!)*true",
			`{"method":"GET","url":"https://a.example.com/it's(!)*true","headers":[["accept","x/y"]]}`, "", call.Read,
		},
		{`env.shop.get("/{a}", { path: { a: "http://b.example.com/" }, headers: { accept: "x/y" } })`, "GET shop:/http%3A%2F%2Fb.example.com%2F", `{"connection":"shop","method":"GET","url":"/http%3A%2F%2Fb.example.com%2F","headers":[["accept","x/y"]]}`, "", call.Read},
		{`env.shop.get("/{a}", { path: undefined, headers: { accept: "x/y" } })`, "GET shop:/%7Ba%7D", `{"connection":"shop","method":"GET","url":"/%7Ba%7D","headers":[["accept","x/y"]]}`, "", call.Read},
		// As packages use it: taken off, with a Request, with a key of their own.
		{`const { fetch } = env.shop; fetch("/x")`, "GET shop:/x", `{"connection":"shop","method":"GET","url":"/x"}`, "", call.Read},
		{
			`const { fetch } = env.shop; fetch(new Request("https://shop.example/v2/x", { method: "PUT", body: "b", headers: { authorization: "Bearer x" } }), { headers: { authorization: "Bearer y" } })`, "PUT shop:https://shop.example/v2/x",
			`{"connection":"shop","method":"PUT","url":"https://shop.example/v2/x","headers":[["authorization","Bearer y"]],"keepAuth":true}`, "b", call.Idempotent,
		},
		{`env.shop.fetch("/x", { method: "POST", inDoubt: "retry" })`, "POST shop:/x", `{"connection":"shop","method":"POST","url":"/x","inDoubt":"retry"}`, "", call.Write},
		{`env.self.post("/x?y=1", { headers: { accept: "x/y" } })`, "POST self:/x", `{"connection":"self","method":"POST","url":"/x?y=1","headers":[["accept","x/y"]]}`, "", call.Write},
	} {
		c := sent(t, tc.js)
		var got, want any
		if err := json.Unmarshal(c.Args, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(tc.args), &want); err != nil {
			t.Fatal(tc.args, err)
		}
		args, wantArgs := mustJSON(t, got), mustJSON(t, want)
		if c.Kind != web.KindHTTP || c.Target != tc.target || c.Class != tc.class || args != wantArgs || string(c.Body.Inline) != tc.body {
			t.Errorf("%s\n%s %v\n got %s\nwant %s\nbody %s", tc.js, c.Target, c.Class, args, wantArgs, c.Body.Inline)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWrongArguments(t *testing.T) {
	for js, text := range map[string]string{
		`http.get("/a")`:                                                        "not an absolute URL",
		`http.get(1)`:                                                           "url must be a string",
		`http.get("https://u:p@a.example.com/")`:                                "credentials",
		`http.get("https://a/", { timout: 1 })`:                                 `no option "timout"; did you mean timeout?`,
		`http.get("https://a/", { body: "x" })`:                                 "can not have a body",
		`http.post("https://a/", { body: "x", json: 1 })`:                       "one body",
		`http.post("https://a/", { body: {} })`:                                 "as json or as form",
		`http.post("https://a/", { json: () => 1 })`:                            "no JSON form",
		`http.get("https://a/", { retry: { atempts: 1 } })`:                     "did you mean attempts?",
		`http.get("https://a/", { retry: 1.5 })`:                                "whole number",
		`http.get("https://a/", { retry: "3" })`:                                "retry must be",
		`http.get("https://a/", { retry: { statuses: [99] } })`:                 "statuses",
		`http.get("https://a/", { timeout: "soon" })`:                           "not a duration",
		`http.get("https://a/", { timeout: 0 })`:                                "at least one millisecond",
		`http.get("https://a/", { redirect: "no" })`:                            "redirect must be",
		`http.get("https://a/", { query: { a: {} } })`:                          "query.a",
		`http.get("https://a/", { query: 1 })`:                                  "query must be",
		`http.get("https://a/", { signal: 1 })`:                                 "AbortSignal",
		`http.get("https://a/", { auth: "x" })`:                                 "reprise:auth",
		`http.get("https://a/", { auth: { type: "bearer", token: "x" } })`:      "not a literal text",
		`http.post("https://a/", { inDoubt: "rety" })`:                          `"fail", not "rety"; did you mean "retry"?`,
		`http.post("https://a/", { inDoubt: true })`:                            `"retry" or "fail", not a boolean`,
		`http.post("https://a/", { inDoubt: "" })`:                              `inDoubt must be "pause"`,
		`http.post("https://a/", { indoubt: "fail" })`:                          "did you mean inDoubt?",
		`http.create({ inDoubt: "paused" })`:                                    `did you mean "pause"?`,
		`http.post("https://a/", { idempotencyKey: "a b" })`:                    "visible ASCII",
		`http.create({ baseUrl: "https://a/" })`:                                "did you mean baseURL?",
		`http.create({ baseURL: "/a" })`:                                        "absolute",
		`http.create({ baseURL: "https://a/" }).get("https://b/")`:              "not at https://a",
		`http.get("https://a/{id}", { path: { ID: 1 } })`:                       `http.get has no path.id, which "https://a/{id}" needs`,
		`http.get("https://a/{id}", { path: { id: 1, of: 2 } })`:                `has path.of, and there is no {of} in the path of "https://a/{id}"`,
		`http.get("https://{id}/", { path: { id: "b.example.com" } })`:          `no {id} in the path`,
		`http.get("https://a/{id}", { path: { id: [1] } })`:                     "path.id must be text, a number or a boolean",
		`http.get("https://a/{id}", { path: { id: "" } })`:                      "path.id is empty",
		`http.get("https://a/x/{id}/y", { path: { id: ".." } })`:                `{id} in "https://a/x/{id}/y" is "..", which would lead elsewhere`,
		`http.get("https://a/{a}%2E", { path: { a: "." } })`:                    `would lead elsewhere`,
		`http.get("https://a/{id}", { path: ["id"] })`:                          "path must be an object",
		`http.create({ path: { id: 1 } })`:                                      `no option "path"`,
		`http.request("TRACE", "https://a/")`:                                   "TRACE",
		`bearer("literal")`:                                                     "not a literal text",
		`bearer(undefined)`:                                                     "this is undefined",
		`basic("a:b", secret("API"))`:                                           "colon",
		`apiKey({ value: secret("API") })`:                                      "one of three",
		`apiKey({ header: "a", cookie: "b", value: secret("API") })`:            "one of three",
		`apiKey({ header: "a", valeu: secret("API") })`:                         `no option "valeu"`,
		`oauth2({ tokenUrl: "x", clientId: "a", clientSecret: secret("API") })`: "absolute",
		`secret("NOPE")`: "REPRISE_SECRET_NOPE",
		`secret("api")`:  `did you mean secret("API")`,
		`secret("APL")`:  `or did you mean secret("API")?`,
		`secret(1)`:      "must be a string",
	} {
		turn := begin(load(t, js))
		if turn.Err == nil || !strings.Contains(turn.Err.Message, text) {
			t.Errorf("%s\n%v, want %q", js, turn.Err, text)
		}
	}
}

func TestReplacedGlobals(t *testing.T) {
	// What a script does to the globals is its own trouble and not the VM's.
	for _, object := range []string{"5", "undefined", "{ prototype: 1 }", "Object.prototype"} {
		js := `const ask = () => { try { http.post("https://a/", { body: {} }) } catch (e) { return e.code } };
			ask(); globalThis.Object = ` + object + `; return ask()`
		if turn := begin(load(t, js)); turn.Err != nil || string(turn.Value) != `"INVALID_ARGUMENT_ERROR"` {
			t.Errorf("%s\n%s, %v", js, turn.Value, turn.Err)
		}
	}
	turn := begin(load(t, `globalThis.Object = 5; try { bearer(secret("API")); return "made" } catch (e) { return e.name }`))
	if turn.Err != nil || string(turn.Value) != `"TypeError"` {
		t.Errorf("auth without Object.freeze: %s, %v", turn.Value, turn.Err)
	}
	p, err := vm.Compile([]byte(`(async (__reprise) => { globalThis.Promise = 5; __reprise.exports({ default: (input, env) => typeof env.shop.get }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Platform: web.Platform(), Connect: httpbind.Connect})
	if err != nil {
		t.Fatal(err)
	}
	if turn := begin(v); turn.Err != nil || string(turn.Value) != `"function"` {
		t.Errorf("without Promise: %s, %v", turn.Value, turn.Err)
	}
}

func TestAtTopLevel(t *testing.T) {
	p, err := vm.Compile([]byte(`(async (__reprise) => { __reprise.module("secrets").secret("API"); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vm.New(p, vm.Config{Modules: []vm.Module{secretsbind.Module()}}); call.CodeOf(err) != call.CodeCallOutsideRun {
		t.Fatalf("err = %v", err)
	}
}

// answered runs a script whose calls are all answered the same.
func answered(t testing.TB, js, value, body string) vm.Turn {
	t.Helper()
	v := load(t, js)
	turn := begin(v)
	for !turn.Done {
		if len(turn.Calls) == 0 {
			t.Fatalf("%s: nothing is open", js)
		}
		for _, c := range turn.Calls {
			o := call.OK(c.ID, []byte(value))
			o.Body = call.Bytes([]byte(body))
			if turn = v.Deliver(o, epoch); turn.Done {
				return turn
			}
		}
	}
	return turn
}

const okValue = `{"status":200,"statusText":"OK","url":"https://a.example.com/x","headers":[["content-type","application/json"]]}`

func TestProblemDocuments(t *testing.T) {
	// Of an RFC 9457 problem the message quotes what it says for people.
	for body, want := range map[string]string{
		`{"type":"about:blank","title":"Not enough","status":409,"detail":"there are 3 mugs"}`: "answered 409 Conflict: there are 3 mugs",
		`{"title":"Not enough"}`: "answered 409 Conflict: Not enough",
		`{"status":409}`:         `answered 409 Conflict: {"status":409}`,
		`<html>`:                 "answered 409 Conflict: <html>",
	} {
		turn := answered(t, `await http.get("https://a.example.com/x", { retry: 0 })`,
			`{"status":409,"statusText":"Conflict","url":"https://a.example.com/x","headers":[["content-type","application/problem+json; charset=utf-8"]]}`, body)
		if turn.Err == nil || !strings.HasSuffix(turn.Err.Message, want) {
			t.Errorf("%s: %v, want %q", body, turn.Err, want)
		}
	}
}

func TestAnswersThatAreNoJSON(t *testing.T) {
	// The error says which call it was and where the call was made, however the
	// body was read.
	for _, js := range []string{
		`return await http.get("https://a.example.com/x?key=1").json()`,
		`return await (await http.get("https://a.example.com/x?key=1")).json()`,
		`return await (await fetch("https://a.example.com/x?key=1")).clone().json()`,
	} {
		turn := answered(t, js, okValue, "<html>")
		want := `the answer to GET https://a.example.com/x is not valid JSON: unexpected character at position 0; the text begins "<html>"`
		if turn.Err == nil || turn.Err.Message != want || turn.Err.Code != string(call.CodeInvalidJSON) {
			t.Errorf("%s\n%+v", js, turn.Err)
		}
	}
}

func TestPromises(t *testing.T) {
	for js, want := range map[string]string{
		`return await http.get("https://a.example.com/x").json()`:                                                           `{"a":1}`,
		`return await http.get("https://a.example.com/x").text()`:                                                           `"{\"a\":1}"`,
		`return (await http.get("https://a.example.com/x").bytes()).length`:                                                 `7`,
		`return (await http.get("https://a.example.com/x").arrayBuffer()).byteLength`:                                       `7`,
		`const r = await http.get("https://a.example.com/x"); return [r.status, r.ok, await r.json()]`:                      `[200,true,{"a":1}]`,
		`return await http.get("https://a.example.com/x").then((r) => r.json())`:                                            `{"a":1}`,
		`const p = http.get("https://a.example.com/x"); return [p instanceof Promise, Object.keys(p).length]`:               `[true,0]`,
		`const p = http.get("https://a.example.com/x"); await p.json(); try { await p.json() } catch (e) { return e.name }`: `"TypeError"`,
		`return await Promise.all([1, 2].map((n) => http.get("https://a.example.com/x").json()))`:                           `[{"a":1},{"a":1}]`,
		`return await env.shop.get("/x").json()`:                                                                            `{"a":1}`,
		`return (await env.shop.fetch("/x")).status`:                                                                        `200`,
	} {
		turn := answered(t, js, okValue, `{"a":1}`)
		if turn.Err != nil || string(turn.Value) != want {
			t.Errorf("%s\n%s, %v; want %s", js, turn.Value, turn.Err, want)
		}
	}
	if turn := answered(t, `return [typeof await http.get("https://a.example.com/x").json()]`, okValue, ""); string(turn.Value) != `["undefined"]` {
		t.Errorf("an empty body: %s, %v", turn.Value, turn.Err)
	}
	if turn := answered(t, `return await http.get("https://a.example.com/x").json()`, okValue, "<html>"); turn.Err == nil || turn.Err.Code != string(call.CodeInvalidJSON) {
		t.Errorf("HTML: %v", turn.Err)
	}
}

func TestHTTPError(t *testing.T) {
	const value = `{"status":422,"statusText":"Unprocessable Entity","url":"https://a.example.com/x?key=1","headers":[["content-type","application/json"],["x-a","b"]]}`
	const body = `{"message": "no\nsuch order"}`
	turn := answered(t, `try { await http.get("https://a.example.com/x?key=1").json() } catch (e) {
		return [e instanceof HTTPError, e instanceof Error, e.name, e.code, e.status, e.statusText, e.method, e.url, e.message, e.body, e.data, e.headers.get("x-a"), e.response.status, await e.response.json()] }`, value, body)
	want := `[true,true,"HTTPError","HTTP_ERROR",422,"Unprocessable Entity","GET","https://a.example.com/x","GET https://a.example.com/x answered 422 Unprocessable Entity: {\"message\": \"no\\nsuch order\"}",` +
		`"{\"message\": \"no\\nsuch order\"}",{"message":"no\nsuch order"},"b",422,{"message":"no\nsuch order"}]`
	if turn.Err != nil || string(turn.Value) != want {
		t.Errorf("%s\n%s\n%v", turn.Value, want, turn.Err)
	}
	turn = answered(t, `await http.get("https://a.example.com/x?key=1").json()`, value, strings.Repeat("x", 10_000))
	if e := turn.Err; e == nil || e.Code != "HTTP_ERROR" || len(e.Data) > 2300 || len(e.Message) > 300 || !strings.Contains(string(e.Data), `"status":422`) {
		t.Errorf("err = %+v", turn.Err)
	}
	turn = answered(t, `return (await http.get("https://a.example.com/x", { throwHttpErrors: false })).status`, value, body)
	if string(turn.Value) != "422" {
		t.Errorf("%s, %v", turn.Value, turn.Err)
	}
	late := `{"status":429,"statusText":"Too Many Requests","url":"https://a.example.com/x","headers":[["retry-after","3600"]]}`
	turn = answered(t, `await http.get("https://a.example.com/x")`, late, "")
	if turn.Err == nil || !strings.Contains(turn.Err.Message, "it asks to wait 1h0m0s (Retry-After), longer than the 1m0s") {
		t.Errorf("err = %v", turn.Err)
	}
	if turn := answered(t, `http.get("https://a.example.com/x"); await http.get("https://a.example.com/x").catch(() => {})`, value, body); turn.Err == nil || turn.Err.Code != string(call.CodeUnhandledRejection) {
		t.Errorf("a lost rejection: %v", turn.Err)
	}
}

func BenchmarkGetJSON(b *testing.B) {
	// The VM's side of one call, against fetch's.
	for _, bc := range []struct{ name, js string }{
		{"http", `return await http.get("https://a.example.com/x").json()`},
		{"fetch", `return await (await fetch("https://a.example.com/x")).json()`},
	} {
		b.Run(bc.name, func(b *testing.B) {
			v := load(b, bc.js)
			o := call.OK(1, []byte(okValue))
			o.Body = call.Bytes([]byte(`{"a":1}`))
			b.ReportAllocs()
			for b.Loop() {
				begin(v)
				if turn := v.Deliver(o, epoch); turn.Err != nil || !turn.Done {
					b.Fatal(turn.Err)
				}
				v.End()
			}
		})
	}
}

func TestOriginOfHTTPErrors(t *testing.T) {
	// What a call answered badly is what a retry of the run performs again.
	for _, tc := range []struct {
		js, body string
		status   string
	}{
		{`await http.get("https://a.example.com/1"); await http.get("https://a.example.com/2")`, "", "500"},
		{`await http.get("https://a.example.com/1"); try { await http.get("https://a.example.com/2").text() } catch (e) { throw new Error("w", { cause: e }) }`, "", "404"},
		{`await http.get("https://a.example.com/1"); await http.get("https://a.example.com/2").json()`, "{", "200"},
		{`await http.get("https://a.example.com/1"); const r = await http.get("https://a.example.com/2"); await null; await r.json()`, "{", "200"},
	} {
		v := load(t, tc.js)
		begin(v)
		ok := call.OK(1, []byte(`{"status":200,"url":"x","headers":[]}`))
		v.Deliver(ok, epoch)
		o := call.OK(2, []byte(`{"status":`+tc.status+`,"url":"x","headers":[]}`))
		o.Body = call.Bytes([]byte(tc.body))
		turn := v.Deliver(o, epoch)
		e := turn.Err
		for e != nil && e.Call == 0 {
			e = e.Cause
		}
		if e == nil || e.Call != 2 {
			t.Errorf("%s: %+v", tc.js, turn.Err)
		}
	}
}
