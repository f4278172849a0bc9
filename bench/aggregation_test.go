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

func startReprise(b testing.TB, dir string, flags ...string) *process {
	b.Helper()
	return spawn(b, "reprise", append([]string{"serve", dir, "--addr", "127.0.0.1:0", "--no-admin", "--egress-allow", "loopback"}, flags...)...)
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
// the same in plain Go, at 16 connections.
func BenchmarkAggregation(b *testing.B) {
	upstream := spawn(b, "upstream")
	reference := spawn(b, "reference", upstream.url)
	reprise := startReprise(b, project(b, "aggregate", fmt.Sprintf(aggregate, upstream.url)))
	compare(b, reference, reprise, "/aggregate", merged)
}

// BenchmarkTrivialFetch compares a script that says hello with a plain
// net/http handler that does, at 16 connections: what each request costs
// before it does anything.
func BenchmarkTrivialFetch(b *testing.B) {
	reference := spawn(b, "reference", "")
	reprise := startReprise(b, project(b, "hello", `export default { fetch: () => new Response("hello") };`))
	compare(b, reference, reprise, "/hello", func(body []byte) error {
		if string(body) != "hello" {
			return fmt.Errorf("the answer is %q", body)
		}
		return nil
	})
}

// compare puts the same load on both servers in alternating rounds. The ratios
// are medians over the rounds: of requests per second, and of CPU time per
// request.
func compare(b *testing.B, reference, reprise *process, path string, check func(body []byte) error) {
	b.Helper()
	const connections, round = 16, time.Second
	for _, p := range []*process{reference, reprise} {
		hammer(b, p, path, connections, round, check) // warm up
	}
	var goRate, ourRate, goCPU, ourCPU, rateRatio, cpuRatio []float64
	for b.Loop() {
		for range 6 {
			g := hammer(b, reference, path, connections, round, check)
			o := hammer(b, reprise, path, connections, round, check)
			goRate, ourRate = append(goRate, g.perSecond), append(ourRate, o.perSecond)
			goCPU, ourCPU = append(goCPU, g.micros()), append(ourCPU, o.micros())
			rateRatio = append(rateRatio, o.perSecond/g.perSecond)
			cpuRatio = append(cpuRatio, o.micros()/g.micros())
		}
	}
	b.ReportMetric(median(goRate), "go-req/s")
	b.ReportMetric(median(ourRate), "reprise-req/s")
	b.ReportMetric(median(goCPU), "go-cpu-µs/req")
	b.ReportMetric(median(ourCPU), "reprise-cpu-µs/req")
	b.ReportMetric(median(rateRatio), "ratio")
	b.ReportMetric(median(cpuRatio), "cpu-ratio")
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
