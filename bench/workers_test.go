package bench

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// passing is a script that asks for three large answers and hands on one: their
// bytes stay with the server.
const passing = `import { http } from "reprise:http";
const upstream = %q;
export default {
  async fetch() {
    const [a, , ] = await Promise.all([1, 2, 3].map((id) => http.get(upstream + "/large/" + id)));
    return new Response(a.body);
  },
};
`

// BenchmarkWorkers compares scripts in worker processes with the same in the
// server's own (--workers 0), in alternating rounds.
func BenchmarkWorkers(b *testing.B) {
	upstream := spawn(b, "upstream")
	start := func(name, source string) [2]*process {
		return [2]*process{startReprise(b, project(b, name, source), "--workers", "0"), startReprise(b, project(b, name, source))}
	}
	hello := start("hello", `export default { fetch: () => new Response("hello") };`)
	aggregation := start("aggregate", fmt.Sprintf(aggregate, upstream.url))
	passed := start("pass", fmt.Sprintf(passing, upstream.url))
	whole := func(body []byte) error {
		if len(body) < 90_000 {
			return fmt.Errorf("the answer has %d bytes", len(body))
		}
		return nil
	}
	greeting := func(body []byte) error {
		if !bytes.Equal(body, []byte("hello")) {
			return fmt.Errorf("the answer is %q", body)
		}
		return nil
	}
	for _, c := range []struct {
		name        string
		both        [2]*process
		path        string
		connections int
		check       func([]byte) error
	}{
		{"hello/64", hello, "/hello", 64, greeting},
		{"hello/1", hello, "/hello", 1, greeting},
		{"aggregation/64", aggregation, "/aggregate", 64, merged},
		{"aggregation/1", aggregation, "/aggregate", 1, merged},
		{"pass-through/16", passed, "/pass", 16, whole},
	} {
		b.Run(c.name, func(b *testing.B) { compareWorkers(b, c.both, c.path, c.connections, c.check) })
	}
}

func compareWorkers(b *testing.B, both [2]*process, path string, connections int, check func([]byte) error) {
	b.Helper()
	const round = time.Second
	for _, p := range both {
		hammer(b, p, path, connections, round, check) // warm up
	}
	var rates, micros, took [2][]float64
	var ratio, more []float64
	for b.Loop() {
		for range 6 {
			for i, p := range both {
				l := hammer(b, p, path, connections, round, check)
				rates[i], micros[i] = append(rates[i], l.perSecond), append(micros[i], l.micros())
				took[i] = append(took[i], 1e6*float64(connections)/l.perSecond)
			}
			n := len(rates[0]) - 1
			ratio, more = append(ratio, rates[1][n]/rates[0][n]), append(more, took[1][n]-took[0][n])
		}
	}
	for i, name := range []string{"inside", "workers"} {
		b.ReportMetric(median(rates[i]), name+"-req/s")
		b.ReportMetric(median(micros[i]), name+"-cpu-µs/req")
		b.ReportMetric(median(took[i]), name+"-µs/req")
	}
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(median(more), "more-µs")
	b.ReportMetric(0, "ns/op")
}
