package httpbind_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// canned answers every request on every connection with the same bytes, so
// that a benchmark measures the client and not a server.
func canned(b *testing.B) string {
	body := `{"items":[` + strings.Repeat(`{"sku":"1-00001","qty":1,"unit":1.5,"note":"lorem ipsum dolor"},`, 15) + `{}]}`
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nX-Request-Id: 5b2f\r\nContent-Length: " +
		jsonInt(len(body)) + "\r\n\r\n" + body)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				buf := make([]byte, 8192)
				for {
					// Each request of these benchmarks comes in one piece.
					if _, err := c.Read(buf); err != nil {
						_ = c.Close()
						return
					}
					if _, err := c.Write(answer); err != nil {
						_ = c.Close()
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/items"
}

func jsonInt(n int) string {
	b, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// BenchmarkNetHTTP is the ruler: the same request in plain Go.
func BenchmarkNetHTTP(b *testing.B) {
	url := canned(b)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	b.Cleanup(client.CloseIdleConnections)
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Accept", "application/json")
		res, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadAll(res.Body); err != nil {
			b.Fatal(err)
		}
		_ = res.Body.Close()
	}
}

func benchmarkDo(b *testing.B, o httpbind.Options, req web.HTTPRequest) {
	req.Method, req.URL = "GET", canned(b)
	h := newHost(b, o)
	p := h.performance(req, "")
	p.Attempt = func(call.Attempt) {}
	b.ReportAllocs()
	for b.Loop() {
		if o := h.b.Do(b.Context(), p); o.Err != nil {
			b.Fatal(o.Err)
		}
	}
}

func BenchmarkDo(b *testing.B) {
	benchmarkDo(b, httpbind.Options{}, web.HTTPRequest{Headers: [][2]string{{"accept", "application/json"}}})
}

// BenchmarkDoSecret has a credential in use, so the answer is searched for it.
func BenchmarkDoSecret(b *testing.B) {
	secrets, err := connections.NewSecrets(map[string]string{"API": "sk_live_0123456789abcdef"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	benchmarkDo(b, httpbind.Options{Secrets: secrets}, web.HTTPRequest{Auth: &web.HTTPAuth{Type: "bearer", Token: tokenOf("API")}})
}
