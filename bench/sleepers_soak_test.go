//go:build soak && !race

package bench

// What waiting costs: many runs that sleep, how much memory they take, and how
// late they wake when the time of all of them comes at once.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/server/client"
)

// sleeper returns how late it woke, in milliseconds.
const sleeper = `import { sleep } from "reprise:run";
export const config = { http: { method: "POST", path: "/sleeper" } } as const;
export default {
  async run({ at }) {
    await sleep(new Date(at));
    return Date.now() - at;
  },
};
`

// sleepers is how many runs sleep; REPRISE_BENCH_SLEEPERS says another number.
const sleepers = 100_000

func numberOf(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSleepingRuns(t *testing.T) {
	n := numberOf(t, "REPRISE_BENCH_SLEEPERS", sleepers)
	dir := project(t, "sleeper", sleeper)
	p := spawn(t, "reprise", "serve", dir, "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--run-max-per-script", "1000000")
	c, err := client.Open(filepath.Join(dir, ".reprise"))
	if err != nil {
		t.Fatal(err)
	}
	startSleepers(t, p, 256, time.Now()) // warm up
	asleep(t, c, 0)
	heap, anon := settledMemory(t, p, c)

	// Beginning them takes a few minutes, so their time is far enough away.
	began := time.Now()
	at := began.Add(time.Duration(n) * 3 * time.Millisecond).Add(20 * time.Second)
	startSleepers(t, p, n, at)
	t.Logf("%d runs begun at %.0f runs/s", n, float64(n)/time.Since(began).Seconds())
	asleep(t, c, n)
	heapThen, anonThen := settledMemory(t, p, c)
	perRun := func(before, after int) float64 { return float64(after-before) * 1024 / float64(n) }
	t.Logf("each sleeping run: %.0f bytes of live heap, %.0f bytes of resident memory (heap %d to %d KiB, anonymous %d to %d KiB, RSS %d KiB)",
		perRun(heap, heapThen), perRun(anon, anonThen), heap, heapThen, anon, anonThen, p.memory(t))
	if left := time.Until(at); left < 0 {
		t.Logf("beginning them took %s longer than they slept: the figures below are of no use", -left)
	}
	if got := perRun(heap, heapThen); got > 4<<10 {
		t.Errorf("a sleeping run keeps %.0f bytes on the heap", got)
	}
	late := lateness(t, c, n)
	slices.Sort(late)
	t.Logf("awake again: first after %d ms, median %d ms, 99%% %d ms, last %d ms: %.0f runs/s",
		late[0], late[n/2], late[n*99/100], late[n-1], float64(n)/(float64(late[n-1])/1000))
	if late[0] > 5000 {
		t.Errorf("the first one woke %d ms late", late[0])
	}
}

// startSleepers starts n runs that sleep until a moment.
func startSleepers(t *testing.T, p *process, n int, at time.Time) {
	t.Helper()
	body := fmt.Sprintf(`{"at":%d}`, at.UnixMilli())
	const connections = 32
	transport := &http.Transport{MaxIdleConnsPerHost: connections}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	var group sync.WaitGroup
	for i := range connections {
		group.Go(func() {
			for range (n + connections - 1 - i) / connections {
				res, err := c.Post(p.url+"/sleeper", "application/json", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode != http.StatusAccepted {
					t.Errorf("start: %s", res.Status)
					return
				}
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// asleep returns when no run is executing; about n are to be asleep.
func asleep(t *testing.T, c *client.Client, n int) {
	t.Helper()
	for tick := time.NewTicker(100 * time.Millisecond); ; <-tick.C {
		runs, _, err := c.Runs(t.Context(), runtime.ListQuery{Status: runtime.Running, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 0 {
			return
		}
	}
}

// settledMemory is the live heap and the anonymous resident memory in KiB, once
// neither shrinks any more.
func settledMemory(t *testing.T, p *process, c *client.Client) (heap, anon int) {
	t.Helper()
	heap, anon = heapOf(t, c), p.status(t, "RssAnon:")
	still := 0
	for tick := time.NewTicker(time.Second); still < 5; <-tick.C {
		h, a := heapOf(t, c), p.status(t, "RssAnon:")
		still++
		if h < heap-256 || a < anon-256 {
			still = 0
		}
		heap, anon = min(h, heap), min(a, anon)
	}
	return heap, anon
}

// heapOf is what the heap held when it was last collected, as /metrics has it.
func heapOf(t *testing.T, c *client.Client) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if rest, ok := bytes.CutPrefix(line, []byte("go_memstats_heap_alloc_bytes ")); ok {
			n, err := strconv.ParseFloat(string(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n) >> 10
		}
	}
	t.Fatal("/metrics says nothing of the heap")
	return 0
}

// lateness waits for the end of the newest n runs and returns what they say.
func lateness(t *testing.T, c *client.Client, n int) (late []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	for tick := time.NewTicker(time.Second); ; <-tick.C {
		left := 0
		for _, s := range []runtime.Status{runtime.Waiting, runtime.Running} {
			runs, _, err := c.Runs(ctx, runtime.ListQuery{Status: s, Limit: 1})
			if err != nil {
				t.Fatal(err)
			}
			left += len(runs)
		}
		if left == 0 {
			break
		}
	}
	cursor := ""
	for len(late) < n {
		page, next, err := c.Runs(ctx, runtime.ListQuery{Script: "sleeper", Limit: 500, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			var ms int
			if err := json.Unmarshal(r.Output, &ms); err != nil || r.Status != runtime.Succeeded {
				t.Fatalf("run %s: %s %v, output %s", r.ID, r.Status, r.Error, r.Output)
			}
			if late = append(late, ms); len(late) == n {
				break
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if len(late) != n {
		t.Fatalf("there are %d runs, not %d", len(late), n)
	}
	return late
}
