package site

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

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
	}
}

// BenchmarkLoopback asks both over a real connection, in turns, so that a busy
// machine slows them alike, and reports the ratio of the medians.
func BenchmarkLoopback(b *testing.B) {
	f := newFixture(b, Options{}, script("hello", ""))
	plain := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("ok"))
	})
	handlers := [2]http.Handler{plain, f.site}
	var took [2][]time.Duration
	var servers [2]*httptest.Server
	for i, h := range handlers {
		servers[i] = httptest.NewServer(h)
		defer servers[i].Close()
	}
	for b.Loop() {
		for i, srv := range servers {
			began := time.Now()
			resp, err := srv.Client().Get(srv.URL + "/hello")
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			took[i] = append(took[i], time.Since(began))
		}
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	middle := len(took[0]) / 2
	b.ReportMetric(float64(took[1][middle])/float64(took[0][middle]), "site/plain")
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
