package bench

// A rig is a server in a process of its own, seen from outside: by its API, by
// what the system says of its process, and by two neighbours, which are scripts
// that do nothing wrong while others do.

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/logs"
	"reprise/server/api"
	"reprise/server/client"
)

// patience is when a test gives up on something that has to come. Nothing but a
// hang takes so long: a turn that does not end is stopped after two minutes by
// the clock, however slow the machine is, and tried once more.
const patience = 6 * time.Minute

// rig is a server under test.
type rig struct {
	*process
	t      testing.TB
	dir    string
	client *client.Client
	asks   *http.Client
	ctx    context.Context
}

// startRig starts a server on scripts: their sources by file name. The command
// is serve, or dev, which tells visitors what is wrong.
func startRig(t testing.TB, command string, scripts map[string]string, flags ...string) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), ctx: t.Context()}
	for name, source := range scripts {
		r.write(name, source)
	}
	r.process = spawn(t, "reprise", append([]string{command, r.dir, "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, flags...)...)
	c, err := client.Open(filepath.Join(r.dir, ".reprise"))
	if err != nil {
		t.Fatal(err)
	}
	r.client = c
	r.asks = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}
	t.Cleanup(r.asks.CloseIdleConnections)
	return r
}

// write saves a script.
func (r *rig) write(name, source string) {
	r.t.Helper()
	path := filepath.Join(r.dir, "scripts", name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(source), 0o644)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// answered is what became of a request.
type answered struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// get asks a script.
func (r *rig) get(path string) (a answered, err error) {
	began := time.Now()
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, r.url+path, nil)
	if err != nil {
		return a, err
	}
	res, err := r.asks.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answered{res.StatusCode, res.Header, string(body), time.Since(began)}, err
}

// mustGet returns the text of an answer that has to be good.
func (r *rig) mustGet(path string) string {
	r.t.Helper()
	a, err := r.get(path)
	if err != nil || a.status != http.StatusOK {
		r.t.Fatalf("GET %s: %d %s %v", path, a.status, a.body, err)
	}
	return a.body
}

// run starts a run and waits for its end.
func (r *rig) run(script, input string) (runtime.Run, error) {
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	run, err := r.client.StartRun(ctx, api.StartRun{Script: script, Input: json.RawMessage(input), Wait: "5m"})
	if err == nil && !run.Status.Ended() {
		err = fmt.Errorf("run %s of %s is %s %s and does not end", run.ID, script, run.Status, run.Reason)
	}
	return run, err
}

// warmUp asks for a script until the server has collected its garbage a few
// times: it lets a small heap grow by much before it does, so that how much it
// takes at first says little.
func (r *rig) warmUp(path string) {
	r.t.Helper()
	c := r.clients(8, http.MethodGet, path)
	r.await("the third collection", func() bool { return r.metric("go_gc_duration_seconds_count") >= 3 })
	c.stop()
}

// logEnds says in the test's log which workers ended, and why.
func (r *rig) logEnds() {
	r.t.Helper()
	why := map[string]int{}
	for _, e := range r.entries("kind:server \"another one takes its place\"") {
		why[digits.ReplaceAllString(e.Msg, "N")]++
	}
	for _, msg := range slices.Sorted(maps.Keys(why)) {
		r.t.Logf("%d × %s", why[msg], msg)
	}
}

var digits = regexp.MustCompile(`\d+`)

// entries are the newest of those in the log that a filter chooses.
func (r *rig) entries(filter string) []logs.Entry {
	r.t.Helper()
	page, err := r.client.Logs(r.ctx, client.LogQuery{Filter: filter, Limit: 500, Desc: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return page.Entries
}

// metric is the sum of a metric over its labels.
func (r *rig) metric(name string) (sum float64) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, r.client.URL()+"/metrics", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.client.Token())
	res, err := r.asks.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		n, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			r.t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// workers are the process ids of the server's children.
func (r *rig) workers() []int { return r.pids()[1:] }

// await waits until f holds, and fails when it never does.
func (r *rig) await(what string, f func() bool) {
	r.t.Helper()
	for began := time.Now(); !f(); <-time.After(20 * time.Millisecond) {
		if time.Since(began) > patience {
			r.t.Fatalf("%s does not come about", what)
		}
	}
}

// stop ends the server and sees to it that none of its processes is left.
func (r *rig) stop() {
	r.t.Helper()
	r.await("a server without zombies", func() bool { return len(zombies(r.workers())) == 0 })
	children := r.workers()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("the server ended badly: %v", err)
	}
	r.await("the end of the server's processes", func() bool {
		return !slices.ContainsFunc(children, func(pid int) bool { return state(pid) != 0 })
	})
}

// state is what the system says of a process: R, S, T, Z, …, or zero when it is gone.
func state(pid int) byte {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if i := strings.LastIndexByte(string(stat), ')'); err == nil && i > 0 && i+2 < len(stat) {
		return stat[i+2]
	}
	return 0
}

func zombies(pids []int) []int {
	return slices.DeleteFunc(slices.Clone(pids), func(pid int) bool { return state(pid) != 'Z' })
}

// descriptors is how many files the server has open.
func (r *rig) descriptors() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.cmd.Process.Pid))
	if err != nil {
		r.t.Fatal(err)
	}
	return len(entries)
}

// watchMemory notes how much memory the server itself has at most, in KiB.
func (r *rig) watchMemory() (most func() int) {
	var peak atomic.Int64
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			peak.Store(max(peak.Load(), int64(r.memory(r.t))))
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	return sync.OnceValue(func() int {
		close(stop)
		<-ended
		return int(peak.Load())
	})
}

// serving is the neighbour that answers requests, each in three turns.
const serving = `import { kv } from "reprise:kv";
import { sleep } from "reprise:run";
export default {
  async fetch() {
    const { value } = await kv.get(["greeting"]);
    await sleep(1);
    return new Response(value ?? "hello");
  },
};
`

// tally is what became of a neighbour's requests.
type tally struct {
	took []time.Duration
	lost int     // answered with 503 and Retry-After
	errs []error // anything else that was not right
}

// ask asks for a script so many times a second, whatever becomes of earlier
// requests, until stop is called.
func (r *rig) ask(path string, rate int, want string) (stop func() *tally) {
	quit := make(chan struct{})
	var mu sync.Mutex
	var all tally
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			group.Go(func() {
				a, err := r.get(path)
				mu.Lock()
				defer mu.Unlock()
				all.note(a, err, want)
			})
		}
	})
	return sync.OnceValue(func() *tally {
		close(quit)
		group.Wait()
		slices.Sort(all.took)
		return &all
	})
}

func (t *tally) note(a answered, err error, want string) {
	switch {
	case err != nil:
	case a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "":
		t.lost++
	case a.status != http.StatusOK || a.body != want:
		err = fmt.Errorf("%d %s", a.status, a.body)
	}
	if err != nil {
		t.errs = append(t.errs, err)
	}
	t.took = append(t.took, a.took)
}

// at is the time that a part of all requests took at most.
func (t *tally) at(part float64) time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	return t.took[min(len(t.took)-1, int(part*float64(len(t.took))))].Round(100 * time.Microsecond)
}

func (t *tally) String() string {
	return fmt.Sprintf("%d requests, %d lost with their worker, %d wrong; median %v, 99 %% within %v, all within %v",
		len(t.took), t.lost, len(t.errs), t.at(.5), t.at(.99), t.at(1))
}

// check fails when a request was not answered as it has to be.
func (t *tally) check(r *rig) {
	r.t.Helper()
	for i, err := range t.errs {
		if i < 10 {
			r.t.Errorf("a neighbour's request: %v", err)
		}
	}
	if len(t.took) == 0 {
		r.t.Error("the neighbour was asked for nothing")
	}
}

// clients ask for a script without pause, over so many connections.
type clients struct {
	*rig
	quit           chan struct{}
	group          sync.WaitGroup
	answered, lost atomic.Int64
}

func (r *rig) clients(n int, method, path string) *clients {
	c := &clients{rig: r, quit: make(chan struct{})}
	for range n {
		c.group.Go(func() {
			for c.one(method, path) {
			}
		})
	}
	return c
}

func (c *clients) one(method, path string) (goOn bool) {
	select {
	case <-c.quit:
		return false
	default:
	}
	req, err := http.NewRequestWithContext(c.ctx, method, c.url+path, nil)
	if err != nil {
		c.t.Error(err)
		return false
	}
	res, err := c.asks.Do(req)
	if err != nil {
		c.t.Error(err)
		return false
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	switch {
	case err == nil && res.StatusCode == http.StatusOK:
		c.answered.Add(1)
	case err == nil && res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
		c.lost.Add(1)
	default:
		c.t.Errorf("%s %s: %s %s %v", method, path, res.Status, body, err)
	}
	return true
}

// stop lets the clients have their last answer.
func (c *clients) stop() (answered, lost int) {
	close(c.quit)
	c.group.Wait()
	return int(c.answered.Load()), int(c.lost.Load())
}

// diary is the neighbour that is durable: each of its runs writes twenty times.
const diary = `import { kv } from "reprise:kv";
import { sleep } from "reprise:run";
export default {
  async run(id) {
    for (let i = 0; i < 20; i++) {
      await kv.atomic().sum(["diary", id], 1).commit();
      await sleep(50);
    }
    return id;
  },
  async fetch() {
    let all = 0;
    const wrong = [];
    for await (const { key, value } of kv.list({ prefix: ["diary"] })) {
      all++;
      if (value !== 20) wrong.push([key, value]);
    }
    return Response.json({ all, wrong });
  },
};
`

// keepDiary has runs of the diary, one after another, in so many places, and
// checks what they did when stop is called.
func (r *rig) keepDiary(places int) (stop func() (runs int)) {
	quit := make(chan struct{})
	var begun atomic.Int64
	var group sync.WaitGroup
	for range places {
		group.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
				}
				id := strconv.FormatInt(begun.Add(1), 10)
				run, err := r.run("diary", id)
				if err != nil || run.Status != runtime.Succeeded || string(run.Output) != id {
					r.t.Errorf("run %s of the diary: %s %s %v, output %s, %v", run.ID, run.Status, run.Reason, run.Error, run.Output, err)
				}
			}
		})
	}
	return func() int {
		r.t.Helper()
		close(quit)
		group.Wait()
		n := int(begun.Load())
		if got, want := r.mustGet("/diary"), fmt.Sprintf(`{"all":%d,"wrong":[]}`, n); got != want {
			r.t.Errorf("the diary is %s, want %s", got, want)
		}
		return n
	}
}
