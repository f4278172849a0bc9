package stdlib_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"reprise/bindings/kv"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

var example = regexp.MustCompile("(?ms)^```ts\n(.*?)^```$")

// pages are those of the modules that are plain code, and what their examples
// give, in the order of the page.
var pages = map[string][]string{
	"flow":     {`{"items":[1],"sold":2,"missing":[]}`, `[{"id":"a"},{"id":"b"}]`, `{"later":true,"why":"POST https://shop.example/v2/labels answered 422 Unprocessable Entity: {}","notUndone":0}`},
	"paginate": {`["Ada","Alan"]`, ``, `"https://api.example.com/articles?page=9"`},
	"graphql":  {`2400`, `null`},
	"sse":      {`"Hello!"`},
	"ndjson":   {`2`},
	"webhooks": {
		`{"id":"o1","type":"invoice.paid"}`, `"o1: invoice.paid"`, `"push: opened"`, `"message"`, `{"topic":"orders/create","order":7}`, `"o1"`, `"Hello"`, `true`,
	},
}

func TestExamplesOfThePages(t *testing.T) {
	// Each example is a whole script, and does what the page says of it.
	for name, want := range pages {
		text, err := os.ReadFile("../docs/reference/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		found := example.FindAllStringSubmatch(string(text), -1)
		if len(found) != len(want) {
			t.Errorf("%s.md has %d examples; the test knows %d", name, len(found), len(want))
			continue
		}
		for i, m := range found {
			s := vm.Start{Input: []byte(`{"id":"o1","ids":["a","b"],"items":[{"sku":"mug"}],"prompt":"Hi",
				"headers":{"x-github-event":"push","x-shopify-topic":"orders/create"},
				"body":{"id":7,"type":"invoice.paid","action":"opened","event":{"type":"message"},"message":{"data":"SGVsbG8="}}}`)}
			if strings.Contains(m[1], "async fetch(") {
				s.Handler, s.Request = vm.HandlerFetch, &vm.Request{Method: "GET", URL: "http://shop.example/"}
			}
			p := begin(t, m[1], s)
			perform(t, p)
			got := string(p.turn.Value)
			if p.turn.Response != nil {
				got = string(p.turn.Response.Body.Inline)
			}
			if !p.turn.Done || p.turn.Err != nil || got != want[i] {
				t.Errorf("example %d of %s.md: done %v, %v; it gives\n%s\nwant\n%s", i+1, name, p.turn.Done, p.turn.Err, got, want[i])
			}
		}
	}
}

// perform is serve for scripts that use the store as well.
func perform(t *testing.T, p *play) {
	t.Helper()
	for !p.turn.Done && len(p.open) > 0 {
		c := p.open[0]
		switch c.Kind {
		case web.KindHTTP:
			p.deliver(0, outcome(t, c, sample(requestOf(t, c))))
		case "kv.get":
			p.deliver(0, value(t, map[string]any{"versionstamps": []string{""}, "sizes": []int{0}}))
		case "kv.commit":
			p.deliver(0, value(t, kv.Done{OK: true, Versionstamp: "00000000000000000001"}))
		default:
			p.deliver(0, call.Outcome{})
		}
	}
}

func value(t *testing.T, v any) call.Outcome {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return call.Outcome{Value: b}
}

// sample is every API that the pages talk to.
func sample(a asked) answer {
	type object = map[string]any
	path, query, _ := strings.Cut(strings.TrimPrefix(a.full, "https://api.example.com"), "?")
	switch {
	case strings.HasSuffix(path, "/inventory/items"):
		return answer{body: object{"items": []int{1}}}
	case strings.HasSuffix(path, "/payments/charges"):
		return answer{body: object{"count": 2}}
	case strings.Contains(path, "/orders/"):
		return answer{body: object{"id": path[strings.LastIndex(path, "/")+1:]}}
	case strings.HasSuffix(path, "/labels"):
		return answer{status: 422, body: "{}"}
	case strings.HasSuffix(path, "/crm/contacts") && strings.Contains(query, "cursor=c1"):
		return answer{body: object{"contacts": []object{{"id": "c2", "name": "Alan"}}, "next": nil}}
	case strings.HasSuffix(path, "/crm/contacts"):
		return answer{body: object{"contacts": []object{{"id": "c1", "name": "Ada"}}, "next": "c1"}}
	case path == "/articles":
		return answer{body: []int{}, headers: [][2]string{{"link", `<https://api.example.com/articles?page=2>; rel=next, <https://api.example.com/articles?page=9>; rel=last`}}}
	case path == "/graphql":
		return answer{body: object{"data": object{"order": object{"total": 2400}, "pay": object{"id": "p1"}}}}
	case strings.HasSuffix(path, "/graphql"):
		return answer{body: object{"errors": []object{{"message": "no such order", "extensions": object{"code": "NOT_FOUND"}}}, "data": nil}}
	case path == "/complete":
		return answer{body: "data: {\"delta\":\"Hello\"}\n\ndata: {\"delta\":\"!\"}\n\ndata: [DONE]\n\n", headers: [][2]string{{"content-type", "text/event-stream"}}}
	case path == "/export":
		return answer{body: "{\"id\":1}\n{\"id\":2}\n"}
	}
	return answer{body: object{"id": "h1"}}
}
