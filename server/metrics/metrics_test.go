package metrics

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reprise/runtime"
)

var _ runtime.Meter = (*Metrics)(nil)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	m := New(Options{
		Version: "1.2.3", Tails: func() int { return 3 }, LogDropped: func() uint64 { return 4 },
		StoreBytes: func() int64 { return 5 }, LogBytes: func() int64 { return 6 },
		Scripts: func() map[string]int { return map[string]int{"live": 2, "broken": 1} },
	})
	m.RunEnded("orders/fulfil", "succeeded", 3*time.Second)
	m.RequestEnded("hello", 204, time.Millisecond)
	m.RequestEnded("", 404, time.Millisecond)
	m.RequestEnded("hello", 7, time.Millisecond)
	m.CallEnded("http.request", true, 20*time.Millisecond)
	m.ConnectionRequest("crm", 503, time.Second)
	m.ConnectionRequest("crm", 0, 2*time.Second)
	m.Reloaded(true)
	m.Reloaded(false)
	got := scrape(t, m)
	for _, want := range []string{
		`reprise_runs_total{script="orders/fulfil",status="succeeded"} 1`,
		`reprise_requests_total{script="hello",status="2xx"} 1`,
		`reprise_requests_total{script="",status="4xx"} 1`,
		`reprise_requests_total{script="hello",status="other"} 1`,
		`reprise_call_duration_seconds_count{kind="http.request"} 1`,
		`reprise_call_failures_total{kind="http.request"} 1`,
		`reprise_connection_requests_total{connection="crm",status="5xx"} 1`,
		`reprise_connection_requests_total{connection="crm",status="error"} 1`,
		`reprise_connection_wait_seconds_sum{connection="crm"} 3`,
		`reprise_reloads_total{result="ok"} 1`,
		`reprise_reloads_total{result="failed"} 1`,
		`reprise_tail_subscribers 3`, `reprise_log_dropped_total 4`, `reprise_store_bytes 5`, `reprise_log_bytes 6`,
		`reprise_scripts{state="live"} 2`, `reprise_scripts{state="broken"} 1`,
		`reprise_info{version="1.2.3"} 1`, `go_goroutines `, `process_cpu_seconds_total `,
	} {
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
}

// A flood of names does not make a flood of series.
func TestLabelsAreBounded(t *testing.T) {
	m := New(Options{})
	for i := range maxNames + 500 {
		m.RunEnded(fmt.Sprintf("s%d", i), "failed", 0)
	}
	got := scrape(t, m)
	if n := strings.Count(got, "\nreprise_runs_total{"); n != maxNames+1 {
		t.Errorf("%d series, want %d", n, maxNames+1)
	}
	if !strings.Contains(got, `reprise_runs_total{script="other",status="failed"} 500`) {
		t.Error("the rest is not counted together")
	}
}
