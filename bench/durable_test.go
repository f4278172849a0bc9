package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// ten is a run of ten trivial journaled calls: what takeTen does in Go.
const ten = `import { kv } from "reprise:kv";
export const config = { http: { method: "POST", path: "/ten", respond: "result" } } as const;
export default {
  async run() {
    let sum = 0;
    for (let i = 0; i < 10; i++) {
      await kv.set(["n", i], i);
      sum += i;
    }
    return { sum };
  },
};
`

// pauses is a run of ten calls that do nothing but be recorded.
const pauses = `import { sleep } from "reprise:run";
export const config = { http: { method: "POST", path: "/pauses", respond: "result" } } as const;
export default {
  async run() {
    let sum = 0;
    for (let i = 0; i < 10; i++) {
      await sleep(0);
      sum += i;
    }
    return { sum };
  },
};
`

// calls is a run of ten GET calls, one after another.
const calls = `import { http } from "reprise:http";
export const config = { http: { method: "POST", path: "/calls", respond: "result" } } as const;
export default {
  async run() {
    let sum = 0;
    for (let i = 0; i < 10; i++) {
      await http.get(%q + "/small/1").json();
      sum += i;
    }
    return { sum };
  },
};
`

const steps = 10

// summed checks the answer of a run.
func summed(body []byte) error {
	if string(body) != `{"sum":45}` {
		return fmt.Errorf("the answer is %q", body)
	}
	return nil
}

// rival is one program under test with the path that asks it for a run.
type rival struct {
	p    *process
	path string
}

// startRivals starts the upstream, the plain-Go log and Reprise with all scripts.
func startRivals(b *testing.B) (log, reprise *process) {
	b.Helper()
	upstream := spawn(b, "upstream")
	log = spawn(b, "log", b.TempDir(), upstream.url)
	dir := project(b, "ten", ten)
	for name, source := range map[string]string{"calls": fmt.Sprintf(calls, upstream.url), "pauses": pauses} {
		if err := os.WriteFile(filepath.Join(dir, "scripts", name+".ts"), []byte(source), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return log, startReprise(b, dir)
}

// volley starts runs over n connections for d, one after another on each, and
// returns how many steps per second that made and how long the runs took, in
// milliseconds.
func (r rival) volley(b *testing.B, n int, d time.Duration) (perSecond float64, took []float64, cpu time.Duration) {
	b.Helper()
	host := strings.TrimPrefix(r.p.url, "http://")
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n", r.path, host)
	before, began := r.p.cpu(b), time.Now()
	each, errs := make([][]float64, n), make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			sent := time.Now()
			errs[i] = converse(host, request, func() bool { return time.Since(began) < d }, func(body []byte) error {
				each[i] = append(each[i], float64(time.Since(sent).Microseconds())/1000)
				sent = time.Now()
				return summed(body)
			})
		})
	}
	group.Wait()
	whole := time.Since(began)
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
	took = slices.Concat(each...)
	runs := len(took)
	return float64(runs*steps) / whole.Seconds(), took, (r.p.cpu(b) - before) / time.Duration(max(runs, 1))
}

// compareRuns puts the same load on the log and on Reprise in alternating rounds.
func compareRuns(b *testing.B, log, reprise rival, n int) {
	b.Helper()
	for _, r := range []rival{log, reprise} {
		r.volley(b, n, time.Second) // warm up
	}
	var goRate, ourRate, rateRatio, goTook, ourTook, tookRatio, goCPU, ourCPU []float64
	for b.Loop() {
		for range 8 {
			g, gTook, gCPU := log.volley(b, n, time.Second)
			o, oTook, oCPU := reprise.volley(b, n, time.Second)
			goRate, ourRate, rateRatio = append(goRate, g), append(ourRate, o), append(rateRatio, o/g)
			gm, om := median(gTook), median(oTook)
			goTook, ourTook, tookRatio = append(goTook, gm), append(ourTook, om), append(tookRatio, om/gm)
			goCPU, ourCPU = append(goCPU, float64(gCPU.Microseconds())), append(ourCPU, float64(oCPU.Microseconds()))
		}
	}
	b.ReportMetric(median(goRate), "go-steps/s")
	b.ReportMetric(median(ourRate), "reprise-steps/s")
	b.ReportMetric(median(rateRatio), "ratio")
	b.ReportMetric(median(goTook), "go-ms/run")
	b.ReportMetric(median(ourTook), "reprise-ms/run")
	b.ReportMetric(median(tookRatio), "latency-ratio")
	b.ReportMetric(median(goCPU), "go-cpu-µs/run")
	b.ReportMetric(median(ourCPU), "reprise-cpu-µs/run")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkDurable compares 64 concurrent runs of ten trivial journaled calls
// with a plain-Go group-commit log making the same appends. Of the log, every
// record is waited for; of Reprise, the answer has the whole run on disk. The
// calls are recorded and no more (sleep), or write KV besides, which the log
// does not.
func BenchmarkDurable(b *testing.B) {
	log, reprise := startRivals(b)
	b.Run("sleep", func(b *testing.B) { compareRuns(b, rival{log, "/ten"}, rival{reprise, "/pauses"}, 64) })
	b.Run("kv", func(b *testing.B) { compareRuns(b, rival{log, "/ten"}, rival{reprise, "/ten"}, 64) })
}

// BenchmarkDurableToTheEnd is the same with a log that, too, waits for the disk
// only once per run: what waiting less is worth.
func BenchmarkDurableToTheEnd(b *testing.B) {
	log, reprise := startRivals(b)
	compareRuns(b, rival{log, "/ten?wait=end"}, rival{reprise, "/ten"}, 64)
}

// BenchmarkDurableAlone compares one run of ten calls with nothing beside it.
func BenchmarkDurableAlone(b *testing.B) {
	log, reprise := startRivals(b)
	b.Run("sleep", func(b *testing.B) { compareRuns(b, rival{log, "/ten"}, rival{reprise, "/pauses"}, 1) })
	b.Run("kv", func(b *testing.B) { compareRuns(b, rival{log, "/ten"}, rival{reprise, "/ten"}, 1) })
}

// BenchmarkDurableCalls compares 64 concurrent runs of ten GET calls.
func BenchmarkDurableCalls(b *testing.B) {
	log, reprise := startRivals(b)
	compareRuns(b, rival{log, "/calls"}, rival{reprise, "/calls"}, 64)
}

// BenchmarkDurableDisk measures what a small call takes on disk: what the data
// directory of runs with 210 calls each has more than that of as many with ten,
// both after a stop.
func BenchmarkDurableDisk(b *testing.B) {
	const runs = 1000
	var perCall, perRun []float64
	for b.Loop() {
		few, many := diskOf(b, 10, runs), diskOf(b, 210, runs)
		perCall = append(perCall, float64(many-few)/(200*runs))
		perRun = append(perRun, float64(few)/runs)
	}
	b.ReportMetric(median(perCall), "B/call")
	b.ReportMetric(median(perRun), "B/run-of-10")
	b.ReportMetric(0, "ns/op")
}

// diskOf is what the store of so many runs with so many calls takes.
func diskOf(b *testing.B, calls, runs int) (bytes int64) {
	b.Helper()
	dir := project(b, "ten", strings.Replace(ten, "i < 10", fmt.Sprintf("i < %d", calls), 1))
	p := startReprise(b, dir)
	host := strings.TrimPrefix(p.url, "http://")
	request := fmt.Appendf(nil, "POST /ten HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n", host)
	const connections = 20
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			left := runs / connections
			if err := converse(host, request, func() bool { left--; return left >= 0 }, func([]byte) error { return nil }); err != nil {
				b.Error(err)
			}
		})
	}
	group.Wait()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	_ = p.cmd.Wait()
	return used(b, filepath.Join(dir, ".reprise", "store"))
}

// used is how many bytes the files of a folder take on disk: holes in sparse
// files count for nothing.
func used(b testing.TB, dir string) (total int64) {
	b.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			b.Fatal(err)
		}
		if b, ok := b.(*testing.B); ok && testing.Verbose() {
			b.Logf("%10d %s", len(bytes.TrimRight(text, "\x00")), f.Name())
		}
		total += int64(len(bytes.TrimRight(text, "\x00")))
	}
	return total
}
