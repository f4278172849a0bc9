package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// chatty logs 20 lines per request.
const chatty = `export const config = { limits: { logRate: 20_000 } };
export default {
  fetch() {
    for (let i = 0; i < 20; i++) console.log("line", { i, text: "something a script might say" });
    return new Response("ok");
  },
};
`

// entryStart begins every entry of a frame.
var entryStart = []byte(`{"seq":`)

// BenchmarkTails compares what a request costs the one who waits for it while
// scripts log 10,000 lines a second, without tails and with 100 attached. The
// tails' readers are in the benchmark's process, on the same cores, and take
// more of them than the server does; what the server itself spends on a
// request and its share of the tails is reported beside.
func BenchmarkTails(b *testing.B) {
	dir := project(b, "chatty", chatty)
	p := spawn(b, "reprise", "serve", dir, "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--limit-log-rate", "20000")
	const rate, length = 500, 4 * time.Second // 500 requests × 20 lines
	paced(b, p, "/chatty", rate, time.Second) // warm up
	var without, with, cpuWithout, cpuWith []float64
	var received atomic.Int64
	measure := func(took, cpu *[]float64) {
		before := p.cpu(b)
		*took = append(*took, paced(b, p, "/chatty", rate, length))
		*cpu = append(*cpu, float64((p.cpu(b)-before).Microseconds())/(rate*length.Seconds()))
	}
	for b.Loop() {
		for range 3 {
			measure(&without, &cpuWithout)
			detach := attach(b, p, dir, 100, &received)
			measure(&with, &cpuWith)
			detach()
		}
	}
	b.ReportMetric(median(cpuWithout), "cpu-µs-without")
	b.ReportMetric(median(cpuWith), "cpu-µs-with-100-tails")
	b.ReportMetric(median(without), "µs-without")
	b.ReportMetric(median(with), "µs-with-100-tails")
	b.ReportMetric(median(with)/median(without), "ratio")
	b.ReportMetric(float64(received.Load())/float64(len(with))/length.Seconds()/100, "lines/s-per-tail")
	b.ReportMetric(0, "ns/op")
}

// paced sends requests at a rate over four connections and returns the median
// of the script's own time, in microseconds, as the log has it.
func paced(b *testing.B, p *process, path string, rate int, d time.Duration) float64 {
	b.Helper()
	const connections = 4
	took := make([][]float64, connections)
	errs := make([]error, connections)
	var group sync.WaitGroup
	began := time.Now()
	for i := range connections {
		group.Go(func() {
			tick := time.NewTicker(time.Second * connections / time.Duration(rate))
			defer tick.Stop()
			done := make(chan struct{})
			sent := time.Now()
			errs[i] = steady(p, path, done, func(body []byte) error {
				took[i] = append(took[i], float64(time.Since(sent).Nanoseconds())/1000)
				if string(body) != "ok" {
					return fmt.Errorf("the answer is %q", body)
				}
				if time.Since(began) > d {
					close(done)
					return nil
				}
				<-tick.C
				sent = time.Now()
				return nil
			})
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
	return median(slices.Concat(took...))
}

// attach opens tails that read everything, and returns what closes them.
func attach(b *testing.B, p *process, dir string, n int, received *atomic.Int64) (detach func()) {
	b.Helper()
	token, err := os.ReadFile(filepath.Join(dir, ".reprise", "admin.token"))
	if err != nil {
		b.Fatal(err)
	}
	url := "ws" + strings.TrimPrefix(p.admin, "http") + "/api/v1/tail"
	header := http.Header{"Authorization": {"Bearer " + strings.TrimSpace(string(token))}}
	var group sync.WaitGroup
	sockets := make([]*websocket.Conn, n)
	for i := range sockets {
		dialer := websocket.Dialer{ReadBufferSize: 64 << 10}
		c, res, err := dialer.Dial(url, header)
		if err != nil {
			b.Fatal(err, res)
		}
		sockets[i] = c
		if err := c.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","filterId":"f"}`)); err != nil {
			b.Fatal(err)
		}
		group.Go(func() {
			for {
				_, frame, err := c.ReadMessage()
				if err != nil {
					return
				}
				if bytes.HasPrefix(frame, []byte(`{"type":"gap"`)) {
					b.Errorf("a reading tail got a gap: %s", frame)
				}
				received.Add(int64(bytes.Count(frame, entryStart)))
			}
		})
	}
	return func() {
		for _, c := range sockets {
			_ = c.Close()
		}
		group.Wait()
	}
}
