package bench

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

const streaming = `export default {
  async fetch(request) {
    const res = await fetch("%s/bytes");
    if (!request.url.endsWith("?read")) return new Response(res.body, res);
    let bytes = 0;
    const reader = res.body.getReader();
    for (let chunk; !(chunk = await reader.read()).done;) bytes += chunk.value.byteLength;
    return new Response(new Uint8Array(bytes === 100 << 20 ? 1 : 0));
  },
};
`

// drainURL reads an answer of a known length.
func drainURL(t testing.TB, url string, want int64) time.Duration {
	t.Helper()
	began := time.Now()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil || n != want || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %d bytes, %v; want %d", url, res.StatusCode, n, err, want)
	}
	return time.Since(began)
}

func startPassing(t testing.TB) (reference, reprise *process) {
	upstream := spawn(t, "upstream")
	dir := project(t, "pass", fmt.Sprintf(streaming, upstream.url))
	return spawn(t, "reference", upstream.url), startReprise(t, dir)
}

// A hundred megabytes pass through a script, and the server does not hold them.
func TestAHundredMegabytesPassThrough(t *testing.T) {
	_, reprise := startPassing(t)
	drainURL(t, reprise.url+"/pass", streamed) // what is made once is made
	before := reprise.memory(t)
	drainURL(t, reprise.url+"/pass", streamed)
	grown := (reprise.status(t, "VmHWM:") - before) >> 10
	t.Logf("the server grew by %d MiB", grown)
	if grown > 40 { // the garbage of other work included
		t.Errorf("the server grew by %d MiB", grown)
	}
}

// BenchmarkStream compares a hundred megabytes that pass through a script with the
// same in plain Go, and with a script that reads them.
func BenchmarkStream(b *testing.B) {
	reference, reprise := startPassing(b)
	var rates, costs, reads []float64
	drainURL(b, reprise.url+"/pass", streamed)
	before := reprise.memory(b)
	drainURL(b, reprise.url+"/pass", streamed)
	extra := reprise.status(b, "VmHWM:") - before
	for b.Loop() {
		for range 5 {
			cpu := func(p *process, path string, want int64) (took, used float64) {
				start := p.cpu(b)
				return drainURL(b, p.url+path, want).Seconds(), (p.cpu(b) - start).Seconds()
			}
			goTook, goUsed := cpu(reference, "/pass", streamed)
			ourTook, ourUsed := cpu(reprise, "/pass", streamed)
			readTook, _ := cpu(reprise, "/pass?read", 1)
			rates, costs, reads = append(rates, goTook/ourTook), append(costs, ourUsed/goUsed), append(reads, streamed/(1<<20)/readTook)
		}
	}
	b.ReportMetric(median(rates), "ratio")
	b.ReportMetric(median(costs), "cpu-ratio")
	b.ReportMetric(median(reads), "read-MiB/s")
	b.ReportMetric(float64(extra)/1024, "extra-MiB")
	b.ReportMetric(float64(reprise.status(b, "VmHWM:")-before)/1024, "extra-read-MiB")
	b.ReportMetric(0, "ns/op")
}
