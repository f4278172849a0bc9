package web_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"
	"github.com/google/go-cmp/cmp"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// bindingModule is what a binding built on this package looks like.
type bindingModule struct{}

func (bindingModule) Name() string { return "binding" }

func (bindingModule) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	_ = o.Set("send", func(c goja.FunctionCall) goja.Value {
		options := v.ObjectArg(c, 1, "options")
		body, contentType, err := web.BodyFrom(v, options.Get("body"))
		if err != nil {
			panic(v.ErrorValue(err))
		}
		req := web.HTTPRequest{Method: "POST", URL: web.NormalizeURL(v, v.StringArg(c, 0, "url")), Headers: web.HeadersFrom(v, options.Get("headers"))}
		if contentType != "" {
			req.Headers = append(req.Headers, [2]string{"content-type", contentType})
		}
		return web.Send(v, req, body, web.SendOptions{Signal: options.Get("signal"), Idempotent: true, Then: expectOK})
	})
	_ = o.Set("make", func(goja.FunctionCall) goja.Value {
		return web.NewResponse(v, web.HTTPResponse{Status: 202, URL: "http://a/", Headers: [][2]string{{"X-A", "1"}}}, call.Bytes([]byte("made")))
	})
	return o
}

// expectOK rejects what is not 2xx.
func expectOK(response *goja.Object, s *web.ResponseState) (goja.Value, error) {
	if s.Status == 500 {
		return nil, call.Errorf(call.CodeHTTP, "status %d, %s: %s", s.Status, s.Header("x-a"), s.Take().Inline)
	}
	if s.Status == 599 {
		return nil, errors.New("odd")
	}
	return response, nil
}

func loadBinding(t *testing.T, body string) *vm.VM {
	t.Helper()
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; const { send, make } = __reprise.module("binding");
		__reprise.exports({ default: { async fetch(request) { `+body+` } } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Platform: web.Platform(), Modules: []vm.Module{bindingModule{}}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSendForBindings(t *testing.T) {
	// A binding's request is an ordinary http.request call, and its own idea of
	// success decides what the promise becomes.
	v := loadBinding(t, `const log = [];
		const a = await send("HTTP://API.example.com", { body: new URLSearchParams("q=1"), headers: { "X-B": "2" } });
		log.push(a.status, a instanceof Response);
		try { await send("http://a/", {}); } catch (e) { log.push(e.name, e.message); }
		try { await send("http://a/", {}); } catch (e) { log.push(e.name); }
		try { await send("http://a/", { signal: AbortSignal.abort("no") }); } catch (e) { log.push(e); }
		try { send("ftp://a/", {}); } catch (e) { log.push(e.name); }
		return Response.json(log);`)
	turn := serve(v)
	c := turn.Calls[0]
	want := `{"method":"POST","url":"http://api.example.com/","headers":[["X-B","2"],["content-type","application/x-www-form-urlencoded;charset=UTF-8"]]}`
	if diff := cmp.Diff(want, string(c.Args)); diff != "" || c.Class != call.Idempotent || c.Target != "POST http://api.example.com/" {
		t.Fatalf("call = %+v %s", c, diff)
	}
	v.Deliver(answer(1, ""), epoch)
	v.Deliver(call.Outcome{Call: 2, Value: []byte(`{"status":500,"url":"http://a/","headers":[["x-a","1"],["X-A","2"]]}`), Body: call.Bytes([]byte("oops"))}, epoch)
	turn = v.Deliver(call.Outcome{Call: 3, Value: []byte(`{"status":599,"url":"http://a/","headers":[]}`)}, epoch)
	if turn.Err != nil || turn.Response == nil {
		t.Fatalf("turn = %+v %v", turn, turn.Err)
	}
	if got, want := string(turn.Response.Body.Inline), `[200,true,"HTTPError","status 500, 1, 2: oops","InternalError","no","TypeError"]`; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestResponsesFromGo(t *testing.T) {
	// What Go makes, a script can return, and Go can read what a script made.
	v := loadBinding(t, `const r = make(); return new Response(r.body, { status: r.status, headers: r.headers });`)
	turn := serve(v)
	if turn.Err != nil {
		t.Fatal(turn.Err)
	}
	want := &vm.Response{Status: 202, Headers: []vm.Header{{Name: "X-A", Value: "1"}}, Body: call.Bytes([]byte("made"))}
	if diff := cmp.Diff(want, turn.Response); diff != "" {
		t.Fatal(diff)
	}
}

func TestHandlerReturns(t *testing.T) {
	// Whatever is not a sendable Response is an error that says what to do.
	for body, text := range map[string]string{
		`return "text"`:           "it must return a Response",
		`return`:                  "it must return a Response",
		`return Response.error()`: "has no HTTP form",
		`const r = new Response("x"); await r.text(); return r`: "was already read",
	} {
		turn := serve(loadBinding(t, body))
		if turn.Err == nil || !cmp.Equal(call.CodeOf(turn.Err), call.CodeInvalidArgument) {
			t.Errorf("%s: err = %v", body, turn.Err)
		} else if !strings.Contains(turn.Err.Message, text) {
			t.Errorf("%s: %q does not contain %q", body, turn.Err.Message, text)
		}
	}
}

func TestCallbacksThatThrowFailTheRun(t *testing.T) {
	for _, body := range []string{
		`setTimeout(() => { throw new RangeError("boom") }, 0); return new Response("x")`,
		`queueMicrotask(() => { throw new RangeError("boom") }); return new Response("x")`,
		`const t = new EventTarget(); t.addEventListener("a", () => { throw new RangeError("boom") }); t.dispatchEvent(new Event("a")); return new Response("x")`,
	} {
		turn := serve(loadBinding(t, body))
		if turn.Err == nil || !strings.Contains(turn.Err.Error(), "RangeError: boom") {
			t.Errorf("%s: err = %v", body, turn.Err)
		}
	}
}

func TestTopLevelUse(t *testing.T) {
	// What belongs to a run is refused at the top level; the rest works there.
	for _, code := range []string{
		`setTimeout(() => 1, 0)`, `setTimeout(() => 1, 10)`, `crypto.randomUUID()`, `AbortSignal.timeout(5)`,
		`await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"])`,
		`new Response(new FormData())`,
	} {
		if _, err := tryLoad(code); call.CodeOf(err) != call.CodeCallOutsideRun {
			t.Errorf("%s: err = %v", code, err)
		}
	}
	if _, err := tryLoad(`new URL("http://a/"); new Headers({ a: "b" }); new TextEncoder().encode("x"); new AbortController().abort(); console.log("x"); Response.json({}); await new File(["x"], "x").text(); new FormData().append("a", new Blob());
		const k = await crypto.subtle.importKey("raw", await crypto.subtle.digest("SHA-256", new Uint8Array(1)), { name: "HMAC", hash: "SHA-256" }, true, ["sign"]); await crypto.subtle.sign("HMAC", k, new Uint8Array(1))`); err != nil {
		t.Error(err)
	}
}

func tryLoad(code string) (*vm.VM, error) {
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; `+code+`; __reprise.exports({ default: () => 1 }); })`), nil)
	if err != nil {
		return nil, err
	}
	return vm.New(p, vm.Config{Platform: web.Platform()})
}

func TestConsolePositionsAndStacks(t *testing.T) {
	// Lines say where they were printed, and errors where they were thrown, in
	// the user's own source.
	const sourceMap = `{"version":3,"sources":["scripts/a.ts"],"names":[],"mappings":"AACA,w+BAAA"}`
	p, err := vm.Compile([]byte(`(async (__reprise) => { __reprise.exports({ default: () => { console.error("failed:", new Error("x")); return 1 } }); })`), []byte(sourceMap))
	if err != nil {
		t.Fatal(err)
	}
	var lines []vm.Line
	v, err := vm.New(p, vm.Config{Platform: web.Platform(), Console: func(l vm.Line) { lines = append(lines, l) }})
	if err != nil {
		t.Fatal(err)
	}
	if turn := v.Begin(vm.Start{Handler: vm.HandlerRun, Now: epoch}); turn.Err != nil {
		t.Fatal(turn.Err)
	}
	if len(lines) != 1 || lines[0].Pos.File != "scripts/a.ts" || lines[0].Pos.Line != 2 || lines[0].Turn != 1 {
		t.Fatalf("lines = %+v", lines)
	}
	if !strings.Contains(lines[0].Msg, "failed: Error: x\n    at ") || !strings.Contains(lines[0].Msg, "scripts/a.ts:2") {
		t.Fatalf("msg = %q", lines[0].Msg)
	}
}

func TestConsoleIsBounded(t *testing.T) {
	// However large or endless a value is, its line stays small.
	const most = 64 << 10
	for _, expr := range []string{
		`"x".repeat(1e6)`, `Array.from({ length: 1e4 }, (_, i) => i)`, `new Uint8Array(1e6)`, `new Map(Array.from({ length: 1e3 }, (_, i) => [i, "y".repeat(5000)]))`,
		`(() => { let a = ["lol"]; for (let i = 0; i < 40; i++) a = [a, a, a, a, a]; return a })()`,
		`(() => { let a = { x: "z".repeat(500) }; for (let i = 0; i < 5; i++) a = Object.fromEntries(Array.from({ length: 50 }, (_, k) => ["k" + k, a])); return a })()`,
		`(() => { const a = []; a.length = 2 ** 32 - 1; return a })()`, `Object.assign(new Error("m".repeat(1e6)), { stack: "s".repeat(1e6) })`,
		`(() => { let e = new Error("e"); for (let i = 0; i < 2000; i++) e = new Error("e", { cause: e }); return e })()`,
	} {
		var size int
		p, err := vm.Compile([]byte(`(async (__reprise) => { __reprise.exports({ default: () => { const x = `+expr+`; console.log(x); console.log("m", x, { x }); console.table(x); return 1 } }); })`), nil)
		if err != nil {
			t.Fatal(err)
		}
		v, err := vm.New(p, vm.Config{TurnBudget: time.Minute, Platform: web.Platform(), Console: func(l vm.Line) { size = max(size, len(l.Msg)+len(l.Fields)) }})
		if err != nil {
			t.Fatal(err)
		}
		if turn := v.Begin(vm.Start{Handler: vm.HandlerRun, Now: epoch}); turn.Err != nil {
			t.Errorf("%s: %v", expr, turn.Err)
		}
		if size == 0 || size > most {
			t.Errorf("%s: a line of %d bytes", expr, size)
		}
	}
}

func TestWhatIsPutTogetherIsBounded(t *testing.T) {
	// Of bodies and forms, in either direction, there is a most, and more of it is
	// an error that a script can catch.
	for body, want := range map[string]string{
		`const half = new Blob([new Uint8Array(33 << 20)]); new Blob([half, half])`:                                                                                                            "RangeError: a Blob of more than 64 MiB",
		`const f = new FormData(); f.append("a", new Blob([new Uint8Array(33 << 20)])); f.append("b", f.get("a")); new Response(f)`:                                                            "RangeError: a form of more than 64 MiB",
		`new Blob({ [Symbol.iterator]: () => ({ next: Object.bind(null, { value: "", done: false }) }) })`:                                                                                     "RangeError: the parts of a Blob may be at most 100000",
		`await new Response("a&".repeat(10001), { headers: { "content-type": "application/x-www-form-urlencoded" } }).formData()`:                                                              "TypeError: the body is no form: it has more than 10,000",
		`await new Response('--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n'.repeat(10001) + "--X--", { headers: { "content-type": "multipart/form-data; boundary=X" } }).formData()`: "TypeError: the body is no form: it has more than 10,000",
	} {
		v, err := hostileVM(t, time.Minute, "", `{ async run() { try { `+body+` } catch (e) { return String(e) } } }`)
		if err != nil {
			t.Fatal(err)
		}
		if turn := toTheEnd(v, false); turn.Err != nil || !strings.HasPrefix(string(turn.Value), `"`+want) {
			t.Errorf("%s: %s %v", body, turn.Value, turn.Err)
		}
	}
}

func TestRunsOfOneVMAreApart(t *testing.T) {
	// Call IDs start anew with each run: what an earlier one left behind must
	// not touch the calls of the next.
	var lines []string
	p, err := vm.Compile([]byte(`(async (__reprise) => { let id, abort; __reprise.exports({ default: { async fetch() {
		if (id === undefined) {
			console.group("g"); console.count(); performance.mark("m");
			id = setTimeout(() => {}, 1000); const k = new AbortController(); abort = k; fetch("http://a/", { signal: k.signal }).catch(() => {});
			return new Response("first");
		}
		const a = fetch("http://b/"), b = fetch("http://c/");
		clearTimeout(id); abort.abort(); console.count();
		await a; await b;
		return Response.json(performance.getEntries().length);
	} } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Platform: web.Platform(), Console: func(l vm.Line) { lines = append(lines, l.Msg) }})
	if err != nil {
		t.Fatal(err)
	}
	if turn := serve(v); turn.Err != nil {
		t.Fatal(turn.Err)
	}
	v.End()
	turn := serve(v)
	if len(turn.Calls) != 2 || len(turn.Aborts) != 0 {
		t.Fatalf("turn = %+v", turn)
	}
	v.Deliver(answer(1, ""), epoch)
	turn = v.Deliver(answer(2, ""), epoch)
	if turn.Err != nil || string(turn.Response.Body.Inline) != "0" {
		t.Fatalf("turn = %+v %v", turn, turn.Err)
	}
	if diff := cmp.Diff([]string{"g", "  default: 1", "default: 1"}, lines); diff != "" {
		t.Fatal(diff)
	}
}
