package site

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	"reprise/runtime"
	"reprise/runtime/worker"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkSite measures what the site costs on top of a plain handler that
// sends the same answer; the engine is a fake that answers at once.
func BenchmarkSite(b *testing.B) {
	body := []byte(`{"ok":true}`)
	plain := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
	f := newFixture(b, Options{}, script("index", ""), script("orders/fulfil", "/orders/:id"))
	resp := text(string(body))
	f.engine.answer = func(*worker.Request) runtime.FetchResult { return runtime.FetchResult{Run: "run-1", Response: resp} }
	r := httptest.NewRequest("GET", "/orders/7", nil)
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "User-Agent", "Cookie"} {
		r.Header.Set(name, "some value")
	}
	for name, h := range map[string]http.Handler{"plain": plain, "site": f.site} {
		b.Run(name+"/handler", func(b *testing.B) {
			b.ReportAllocs()
			w := &discard{h: http.Header{}}
			for b.Loop() {
				clear(w.h)
				h.ServeHTTP(w, r)
			}
		})
		b.Run(name+"/loopback", func(b *testing.B) {
			srv := httptest.NewServer(h)
			defer srv.Close()
			client := srv.Client()
			defer client.CloseIdleConnections()
			for b.Loop() {
				resp, err := client.Get(srv.URL + "/orders/7")
				if err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 1000} {
		var sources []RouteSource
		for i := range n {
			sources = append(sources, script(fmt.Sprintf("folder%d/script%d", i%20, i), ""), script(fmt.Sprintf("p%d", i), fmt.Sprintf("/api%d/:id/x", i)))
		}
		tab := mustTable(b, sources...)
		u, err := url.Parse("/api7/42/x")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strconv.Itoa(2*n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r, _, _ := tab.lookup("GET", u); r == nil {
					b.Fatal("lost")
				}
			}
		})
	}
}
