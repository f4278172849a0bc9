package worker

import (
	"testing"
	"time"

	"reprise/runtime/call"
)

// fetched is a turn that makes one small request, and what comes back.
func fetched() (Turn, call.Outcome) {
	turn := Turn{N: 1, At: time.Unix(1700000000, 5), CPU: 180 * time.Microsecond, Open: 1, Calls: []call.Call{{
		ID: 1, Kind: "http.request", Target: "GET https://api.example.com/items/17", Class: call.Read,
		Args: []byte(`{"method":"GET","url":"https://api.example.com/items/17","headers":[["accept","application/json"]]}`),
		Pos:  call.Position{File: "scripts/orders/fulfil.ts", Line: 120, Column: 9},
	}}}
	outcome := call.OK(1, []byte(`{"status":200,"url":"https://api.example.com/items/17","headers":[["content-type","application/json"],["content-length","24"]]}`))
	outcome.Body = call.Bytes([]byte(`{"id":17,"name":"chair"}`))
	return turn, outcome
}

// BenchmarkTurnWire is what a small fetch costs on the pipe: the turn that makes
// it, the outcome, and the turn that answers the request.
func BenchmarkTurnWire(b *testing.B) {
	turn, outcome := fetched()
	answer := Turn{N: 2, At: turn.At, Settled: true, Done: true, Response: &Response{
		Status: 200, Headers: lines("content-type", "application/json", "cache-control", "no-store"), Body: outcome.Body,
	}}
	turns := func(b *testing.B, x *Turn) {
		b.ReportAllocs()
		buf := make([]byte, 0, 1024)
		for b.Loop() {
			buf = appendTurn(buf[:0], x)
			if _, err := parseTurn(buf); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("turn", func(b *testing.B) { turns(b, &turn) })
	b.Run("answer", func(b *testing.B) { turns(b, &answer) })
	b.Run("outcome", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 1024)
		for b.Loop() {
			buf = outcome.Append(buf[:0])
			if _, err := call.ParseOutcome(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStartWire is what the start of a request costs: alone, and with its
// setting, as every one would be if settings were not remembered.
func BenchmarkStartWire(b *testing.B) {
	x := browsed()
	var server, worker settings
	b.Run("start", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 4096)
		for b.Loop() {
			s, fresh := server.say(&x)
			if fresh {
				if err := worker.learn(*s); err != nil {
					b.Fatal(err)
				}
			}
			buf = appendStart(buf[:0], &x, s.Number)
			if _, err := parseStart(buf, &worker); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(buf)), "B/message")
	})
	b.Run("setting", func(b *testing.B) {
		b.ReportAllocs()
		s, _ := server.say(&x)
		buf := make([]byte, 0, 4096)
		for b.Loop() {
			buf = appendSetting(buf[:0], s)
			if _, err := parseSetting(buf); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(buf)), "B/message")
	})
}

// browsed is the start of a request as a browser makes it, in a project with
// some settings.
func browsed() Start {
	x := Start{
		Run: "01890a5d-ac96-774b-bcce-b302099a8057", Script: "orders/fulfil", Revision: "rev-3f9a0c1b2d4e5f60", Handler: HandlerFetch,
		Now: time.Unix(1700000000, 5), Seed: [32]byte{1, 2, 3}, SecretKey: make([]byte, 32),
		Env:         []byte(`{"REGION":"eu-central-1","STAGE":"production","WAREHOUSE_PAGE_SIZE":"100","SUPPORT_ADDRESS":"help@shop.example","FEATURES":"a,b,c,d"}`),
		Connections: []string{"self", "warehouse", "payments", "mail"}, Secrets: []string{"PAYMENTS_KEY", "MAIL_TOKEN", "WEBHOOK_SECRET", "SIGNING_KEY"},
		Request: &Request{Method: "GET", URL: "https://shop.example/orders/17?expand=lines", Params: lines("id", "17")},
	}
	x.Request.Headers = lines(
		"Host", "shop.example",
		"Accept", "text/html,application/xhtml+xml",
		"Accept-Encoding", "gzip, deflate, br",
		"Accept-Language", "de-DE,de;q=0.9",
		"Cache-Control", "no-cache",
		"Cookie", "session=0123456789abcdef0123456789abcdef",
		"Sec-Fetch-Dest", "document",
		"Sec-Fetch-Mode", "navigate",
		"Sec-Fetch-Site", "none",
		"Upgrade-Insecure-Requests", "1",
		"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"X-Forwarded-For", "192.0.2.7",
	)
	return x
}

// lines makes header lines of names and values.
func lines(texts ...string) []Header {
	list := make([]Header, len(texts)/2)
	for i := range list {
		list[i].Name, list[i].Value = texts[2*i], texts[2*i+1]
	}
	return list
}
