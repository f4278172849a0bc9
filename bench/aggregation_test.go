package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// aggregate is the script under test: what reference_test.go does in Go.
const aggregate = `import { http } from "reprise:http";
const upstream = %q;
export default {
  async fetch() {
    const [a, b, c] = await Promise.all(["1", "2", "3"].map((id) => http.get(upstream + "/small/" + id).json()));
    return Response.json({ a, b, c });
  },
};
`

// project writes a project with one script and returns its folder.
func project(b testing.TB, name, source string) string {
	b.Helper()
	dir := b.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "scripts"), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "scripts", name+".ts"), []byte(source), 0o644); err != nil {
		b.Fatal(err)
	}
	return dir
}

func startReprise(b testing.TB, dir string) *process {
	b.Helper()
	return spawn(b, "reprise", "serve", dir, "--addr", "127.0.0.1:0", "--no-admin")
}

// merged checks that an answer holds the three objects.
func merged(body []byte) error {
	for _, part := range []string{`"total_1":1000`, `"total_2":1000`, `"total_3":1000`} {
		if !bytes.Contains(body, []byte(part)) {
			return fmt.Errorf("the answer lacks %s: %s", part, body)
		}
	}
	return nil
}

// BenchmarkAggregation compares a script that merges three API answers with
// the same in plain Go, at 16 connections. The ratios are of medians over
// alternating rounds.
func BenchmarkAggregation(b *testing.B) {
	upstream := spawn(b, "upstream")
	reference := spawn(b, "reference", upstream.url)
	reprise := startReprise(b, project(b, "aggregate", fmt.Sprintf(aggregate, upstream.url)))
	const connections, round = 16, 2 * time.Second
	for _, p := range []*process{reference, reprise} {
		hammer(b, p, "/aggregate", connections, time.Second, merged) // warm up
	}
	var goRate, ourRate, goCPU, ourCPU, ratio []float64
	for b.Loop() {
		for range 3 {
			g := hammer(b, reference, "/aggregate", connections, round, merged)
			o := hammer(b, reprise, "/aggregate", connections, round, merged)
			goRate, ourRate = append(goRate, g.perSecond), append(ourRate, o.perSecond)
			goCPU, ourCPU = append(goCPU, float64(g.cpu.Microseconds())), append(ourCPU, float64(o.cpu.Microseconds()))
			ratio = append(ratio, o.perSecond/g.perSecond)
		}
	}
	b.ReportMetric(median(goRate), "go-req/s")
	b.ReportMetric(median(ourRate), "reprise-req/s")
	b.ReportMetric(median(goCPU), "go-cpu-µs/req")
	b.ReportMetric(median(ourCPU), "reprise-cpu-µs/req")
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(float64(reprise.memory(b))/1024, "reprise-MiB")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStart measures from the start of the process to the first answer.
func BenchmarkStart(b *testing.B) {
	dir := project(b, "hello", `export default { fetch: () => new Response("hello") };`)
	var millis []float64
	for b.Loop() {
		began := time.Now()
		p := startReprise(b, dir)
		c := once(b, p, "/hello")
		if string(c) != "hello" {
			b.Fatalf("the answer is %q", c)
		}
		millis = append(millis, float64(time.Since(began).Microseconds())/1000)
		if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
			b.Fatal(err)
		}
		_ = p.cmd.Wait()
	}
	b.ReportMetric(median(millis), "ms-to-first-answer")
	b.ReportMetric(0, "ns/op")
}
