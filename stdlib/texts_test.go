package stdlib_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// event is one of an event stream.
type event struct {
	Event string   `json:"event"`
	Data  string   `json:"data"`
	ID    string   `json:"id"`
	Retry *float64 `json:"retry,omitempty"`
}

func TestEventStreams(t *testing.T) {
	n := func(f float64) *float64 { return &f }
	for _, tc := range []struct {
		text string
		want []event
	}{
		{"", nil},
		{"data: a\n\n", []event{{"message", "a", "", nil}}},
		{"data:a\ndata:  b\ndata\ndata:\n\n", []event{{"message", "a\n b\n\n", "", nil}}},
		{"\ufeffdata: a\r\rdata: b\r\n\r\ndata: c\n\r", []event{{"message", "a", "", nil}, {"message", "b", "", nil}, {"message", "c", "", nil}}},
		{"\ufeff\ufeffdata: a\n\n", nil}, // only the first one is a mark
		{": comment\n\nevent: x\n\ndata: y\n\n", []event{{"message", "y", "", nil}}},
		{"event: x\nevent: z\ndata: y\n\ndata: w\n\n", []event{{"z", "y", "", nil}, {"message", "w", "", nil}}},
		{"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", []event{{"message", "a", "1", nil}, {"message", "b", "1", nil}, {"message", "c", "", nil}}},
		{"id: 1\ndata: a\n\nid: 2\x00\ndata: b\n\n", []event{{"message", "a", "1", nil}, {"message", "b", "1", nil}}},
		{"retry: 50\n\nretry: 5x\nretry: -1\nretry:\ndata: a\n\n", []event{{"message", "a", "", n(50)}}},
		{"data: a\n\ndata: without its end\n", []event{{"message", "a", "", nil}}},
		{"data: a\n\ndata: without its end", []event{{"message", "a", "", nil}}},
		{"Data: a\n data: b\nfoo: c\nfoo\n\n", nil},
		{"data: a:b: c\n\n", []event{{"message", "a:b: c", "", nil}}},
		{"data\n\n", []event{{"message", "", "", nil}}},
		{"data: \u2028é😀\n\n", []event{{"message", "\u2028é😀", "", nil}}},
	} {
		var got []event
		read(t, `return parseEvents(input)`, tc.text, &got)
		if d := cmp.Diff(tc.want, got); d != "" && len(tc.want)+len(got) > 0 {
			t.Errorf("%q: -want +got\n%s", tc.text, d)
		}
	}
}

func TestEventStreamsRoundTrip(t *testing.T) {
	// Whatever events are written, however they are written, are read.
	rng := rand.New(rand.NewPCG(926, 1))
	oneOf := func(list ...string) string { return list[rng.IntN(len(list))] }
	word := func() string { return oneOf("", "a", " a", ": b", "data: x", "é", "{\"n\":1}", "id") }
	texts, wants := []string{}, [][]event{}
	for range 300 {
		text, want, id := oneOf("", "\ufeff"), []event{}, ""
		var retry *float64
		line := func(field, value string) {
			space := oneOf(" ", "")
			if strings.HasPrefix(value, " ") {
				space = " "
			}
			if value == "" && rng.IntN(2) == 0 {
				text += field
			} else {
				text += field + ":" + space + value
			}
			text += oneOf("\n", "\r", "\r\n")
			if rng.IntN(6) == 0 {
				text += oneOf(":", ": data: no", "unknown: x", "datax: x") + "\n"
			}
		}
		for range rng.IntN(5) {
			e := event{Event: "message"}
			if rng.IntN(3) == 0 {
				e.Event = oneOf("ping", "é", "two words")
				line("event", e.Event)
			}
			if rng.IntN(3) == 0 {
				id = word()
				line("id", id)
			}
			if rng.IntN(5) == 0 {
				f := float64(rng.IntN(5000))
				retry = &f
				line("retry", fmt.Sprint(f))
			}
			var data []string
			for range rng.IntN(4) {
				data = append(data, word())
				line("data", data[len(data)-1])
			}
			// A CR and a LF would be one end of a line and not two.
			if strings.HasSuffix(text, "\r") {
				text += oneOf("\r", "\r\n")
			} else {
				text += oneOf("\n", "\r", "\r\n")
			}
			if strings.HasSuffix(text, "\r") {
				text += ":\n"
			}
			if e.Data, e.ID, e.Retry = strings.Join(data, "\n"), id, retry; data != nil {
				want = append(want, e)
			}
		}
		texts, wants = append(texts, text+oneOf("", "data: cut off", "data: cut off\n")), append(wants, want)
	}
	var got [][]event
	read(t, `return input.map(parseEvents)`, texts, &got)
	for i := range wants {
		if d := cmp.Diff(wants[i], got[i]); d != "" {
			t.Fatalf("%q\n-written +read\n%s", texts[i], d)
		}
	}
}

func TestEventsOfAResponse(t *testing.T) {
	says := func(kind string) upstream {
		return func(asked) answer {
			return answer{body: "\ufeffdata: {\"n\":1}\n\nevent: end\ndata: x\n\n", headers: [][2]string{{"content-type", kind}}}
		}
	}
	const body = `const out = []; for await (const { event, data } of events(%s)) out.push(event, data); return out`
	for _, arg := range []string{`env.shop.get("/s")`, `await env.shop.get("/s")`} {
		start(t, fmt.Sprintf(body, arg)).serve(says("Text/Event-Stream; charset=utf-8")).gives(`["message","{\"n\":1}","end","x"]`)
	}
	start(t, fmt.Sprintf(body, `env.shop.get("/s?token=1")`)).serve(says("text/html")).
		fails("INVALID_ARGUMENT_ERROR events takes a response of type text/event-stream; https://shop.example/v2/s answered 200 with text/html")
	start(t, fmt.Sprintf(body, `5`)).fails("INVALID_ARGUMENT_ERROR events takes a Response, or the promise of one, not a number")
	start(t, `parseEvents(5)`).fails("INVALID_ARGUMENT_ERROR parse takes the text of an event stream, not a number")
}

func TestLinesOfJSON(t *testing.T) {
	says := func(text string) upstream {
		return func(asked) answer { return answer{body: text} }
	}
	start(t, `return [parseLines('{"a":1}\r\n\n  [2]\n"é"'), parseLines(""), parseLines("\ufeff1\n")]`).gives(`[[{"a":1},[2],"é"],[],[1]]`)
	p := start(t, `const out = []; for await (const row of values(env.shop.get("/export?token=1"))) out.push(row.n); return out`)
	p.serve(says("{\"n\":1}\n{\"n\":2}\n")).gives("[1,2]")
	// What comes before a broken line has been given; the error says which it is.
	p = start(t, `const out = []; try { for await (const row of values(env.shop.get("/export?token=1"))) out.push(row.n) } catch (e) { return [...out, e.code, e.line, e.message] }`)
	p.serve(says("{\"n\":1}\n\n{\"n\":2,\n{\"n\":3}\n")).
		gives(`[1,"INVALID_JSON_ERROR",3,"https://shop.example/v2/export: line 3 is not JSON; it begins with \"{\\\"n\\\":2,\""]`)
	start(t, `parseLines("1\n2\n"+ "x".repeat(100))`).fails(`INVALID_JSON_ERROR line 3 is not JSON; it begins with "` + strings.Repeat("x", 80) + `…"`)
	start(t, `parseLines({})`).fails("INVALID_ARGUMENT_ERROR parse takes text with a JSON value on each line, not an object")
	start(t, `for await (const x of values(null));`).fails("INVALID_ARGUMENT_ERROR values takes a Response, or the promise of one, not null")
}
