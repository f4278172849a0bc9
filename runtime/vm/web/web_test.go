package web_test

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// load evaluates a bundle whose default export is the given expression.
func load(t testing.TB, expr string, config vm.Config) *vm.VM {
	t.Helper()
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; __reprise.exports({ default: `+expr+` }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	config.Platform, config.TurnBudget = web.Platform(), cmp.Or(config.TurnBudget, time.Minute)
	v, err := vm.New(p, config)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// serve starts a fetch handler on a GET request.
func serve(v *vm.VM) vm.Turn {
	return v.Begin(vm.Start{
		Run: "r1", Script: "s", Handler: vm.HandlerFetch, Now: epoch, SecretKey: []byte("k"),
		Request: &vm.Request{Method: "GET", URL: "http://localhost:8080/hello?name=x", Headers: []vm.Header{{Name: "Accept", Value: "*/*"}}},
	})
}

func answer(id uint64, body string) call.Outcome {
	o := call.OK(id, []byte(`{"status":200,"statusText":"OK","url":"https://api.example.com/items","headers":[["content-type","application/json"],["x-a","1"],["X-A","2"]]}`))
	o.Body = call.Bytes([]byte(body))
	return o
}

func TestFetchMakesACall(t *testing.T) {
	v := load(t, `{ async fetch(request) {
		const res = await fetch("https://api.example.com/items?key=1", { method: "post", body: "hi", headers: { "X-One": "1" } });
		return Response.json({ status: res.status, a: res.headers.get("x-a"), data: await res.json(), path: new URL(request.url).pathname }, { status: 201 });
	} }`, vm.Config{})
	turn := serve(v)
	if turn.Err != nil || len(turn.Calls) != 1 {
		t.Fatalf("turn = %+v, err %v", turn, turn.Err)
	}
	c := turn.Calls[0]
	if c.Kind != web.KindHTTP || c.Target != "POST https://api.example.com/items" || c.Class != call.Write || string(c.Body.Inline) != "hi" {
		t.Fatalf("call = %+v", c)
	}
	if got, want := string(c.Args), `{"method":"POST","url":"https://api.example.com/items?key=1","headers":[["X-One","1"],["content-type","text/plain;charset=UTF-8"]]}`; got != want {
		t.Fatalf("args = %s, want %s", got, want)
	}
	turn = v.Deliver(answer(c.ID, `{"n":1}`), epoch)
	if turn.Err != nil || turn.Response == nil || !turn.Done {
		t.Fatalf("turn = %+v, err %v", turn, turn.Err)
	}
	if got, want := string(turn.Response.Body.Inline), `{"status":200,"a":"1, 2","data":{"n":1},"path":"/hello"}`; got != want {
		t.Fatalf("body = %s, want %s", got, want)
	}
	if turn.Response.Status != 201 || turn.Response.Headers[0] != (vm.Header{Name: "content-type", Value: "application/json"}) {
		t.Fatalf("response = %+v", turn.Response)
	}
}

const aggregate = `{ async fetch() {
	const urls = ["http://127.0.0.1:9001/a", "http://127.0.0.1:9001/b", "http://127.0.0.1:9001/c"];
	const [a, b, c] = await Promise.all(urls.map((u) => fetch(u).then((r) => r.json())));
	return Response.json({ a, b, c });
} }`

var oneKB = `{"id":"1","name":"service-1","ok":true,"price":19.95,"tags":["a","b","c"],"items":[` +
	strings.Repeat(`{"sku":"1-00001","qty":1,"unit":1.5,"note":"lorem ipsum dolor"},`, 13) + `{}],"total_1":1000}`

func aggregateOnce(b *testing.B, v *vm.VM) {
	turn := serve(v)
	for !turn.Done {
		for _, c := range turn.Calls {
			turn = v.Deliver(answer(c.ID, oneKB), epoch)
		}
	}
	if turn.Err != nil || len(turn.Response.Body.Inline) < 3*len(oneKB) {
		b.Fatal(turn.Err)
	}
}

func BenchmarkAggregate(b *testing.B) {
	v := load(b, aggregate, vm.Config{})
	b.ReportAllocs()
	for b.Loop() {
		aggregateOnce(b, v)
		v.End()
	}
}

func BenchmarkAggregateFreshVM(b *testing.B) {
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; __reprise.exports({ default: `+aggregate+` }); })`), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		v, err := vm.New(p, vm.Config{Platform: web.Platform()})
		if err != nil {
			b.Fatal(err)
		}
		aggregateOnce(b, v)
	}
}

func BenchmarkTrivialFetch(b *testing.B) {
	v := load(b, `{ fetch() { return new Response("hello") } }`, vm.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if turn := serve(v); turn.Err != nil {
			b.Fatal(turn.Err)
		}
		v.End()
	}
}
