package bench

// kill -9, again and again, while many clients start runs. What a client was
// told must hold, and every run must have happened once.

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/server/api"
	"reprise/server/client"
	"reprise/server/problem"
)

// order counts in KV, calls an API that tells repetitions apart, sleeps, waits
// for a signal, and counts again.
const order = `import { http } from "reprise:http";
import { kv } from "reprise:kv";
import { sleep, waitFor } from "reprise:run";
export default {
  async run({ id, ms }) {
    await kv.atomic().sum(["begun"], 1).commit();
    const { n } = await http.post(%q + "/effects/" + id, { json: { id }, idempotent: true }).json();
    await sleep(ms);
    const go = await waitFor("go", { timeout: "10 minutes" });
    const [again] = await Promise.all([
      http.put(%q + "/effects/" + id + "-done", { json: go }).json(),
      kv.atomic().sum(["ended"], 1).sum(["of", id], 1).commit(),
    ]);
    return { id, n: n + again.n };
  },
  async fetch(request) {
    const { value: begun } = await kv.get(["begun"]);
    const { value: ended } = await kv.get(["ended"]);
    const twice = [];
    for await (const { key, value } of kv.list({ prefix: ["of"] })) if (value !== 1) twice.push([key, value]);
    return Response.json({ begun, ended, twice });
  },
};
`

// effects is an API that has each effect once per key, as a good one does.
type effects struct {
	mu   sync.Mutex
	keys map[string]map[string]bool // path -> idempotency keys; guarded by mu
}

func (e *effects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	if r.Method == http.MethodPut {
		key = "put" // means the same however often it comes
	}
	e.mu.Lock()
	if e.keys[r.URL.Path] == nil {
		e.keys[r.URL.Path] = map[string]bool{}
	}
	e.keys[r.URL.Path][key] = true
	n := len(e.keys[r.URL.Path])
	e.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"n":%d}`, n)
}

// mortal is a server that is killed and started again on the same data.
type mortal struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
	url string // of the scripts

	mu      sync.Mutex
	current *client.Client // nil while there is no server; guarded by mu
}

func (m *mortal) start() {
	m.t.Helper()
	m.cmd = exec.Command(os.Args[0], "serve", m.dir, "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json",
		"--egress-allow", "loopback")
	m.cmd.Env = append(os.Environ(), roleVariable+"=reprise")
	var errs strings.Builder
	m.cmd.Stderr = nil
	if testing.Verbose() && os.Getenv("REPRISE_BENCH_SHOW") != "" {
		m.cmd.Stderr = os.Stderr
	}
	stdout, err := m.cmd.StdoutPipe()
	if err == nil {
		err = m.cmd.Start()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	out := bufio.NewScanner(stdout)
	for out.Scan() {
		if url, ok := strings.CutPrefix(out.Text(), "listening on "); ok {
			m.url = strings.TrimSpace(url)
		}
		if strings.HasPrefix(out.Text(), "scripts ") {
			break
		}
		errs.WriteString(out.Text() + "\n")
	}
	go func() {
		for out.Scan() { // nobody else reads on
		}
	}()
	c, err := client.Open(filepath.Join(m.dir, ".reprise"))
	if err != nil {
		m.t.Fatalf("the server did not start: %v\n%s", err, errs.String())
	}
	m.mu.Lock()
	m.current = c
	m.mu.Unlock()
}

func (m *mortal) kill() {
	m.mu.Lock()
	m.current = nil
	m.mu.Unlock()
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait()
}

func (m *mortal) client() *client.Client {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current
}

// insist has f done by whatever server there is until it succeeds.
func (m *mortal) insist(ctx context.Context, f func(c *client.Client) error) error {
	for {
		if c := m.client(); c != nil {
			err := f(c)
			if e, ok := errors.AsType[*problem.Problem](err); err == nil || ok && e.Status < 500 {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestKilledUnderLoad kills the server while 64 clients start runs.
func TestKilledUnderLoad(t *testing.T) {
	kills := killed
	up := &effects{keys: map[string]map[string]bool{}}
	upstream := httptest.NewServer(up)
	defer upstream.Close()
	m := &mortal{t: t, dir: project(t, "order", fmt.Sprintf(order, upstream.URL, upstream.URL))}
	m.start()
	defer func() { m.kill() }()

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	stop := make(chan struct{})
	var acked sync.Map // key -> id
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := placeOrder(ctx, m, fmt.Sprintf("c%d-%d", i, n), random.IntN(3000), &acked); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(2, 3))
	for range kills {
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(800+random.IntN(2000)) * time.Millisecond): // three lives too short for a turn would pause an innocent run
		}
		m.kill()
		m.start()
	}
	close(stop)
	group.Wait()
	settled(ctx, t, m)
	verify(ctx, t, m, up, &acked, kills)
}

// placeOrder starts a run, and starts it again under the same key until it is
// told that it is there; then it sends the signal the run waits for, twice.
func placeOrder(ctx context.Context, m *mortal, key string, ms int, acked *sync.Map) error {
	input := json.RawMessage(fmt.Sprintf(`{"id":%q,"ms":%d}`, key, ms))
	var run runtime.Run
	start := func(c *client.Client) (err error) {
		run, err = c.StartRun(ctx, api.StartRun{Script: "order", Input: input, IdempotencyKey: key})
		return err
	}
	if err := m.insist(ctx, start); err != nil {
		return fmt.Errorf("order %s: %w", key, err)
	}
	if before, known := acked.LoadOrStore(key, run.ID); known && before != run.ID {
		return fmt.Errorf("order %s is run %s, and was %s", key, run.ID, before)
	}
	for range 2 {
		err := m.insist(ctx, func(c *client.Client) error {
			err := c.SignalRun(ctx, run.ID, "go", json.RawMessage(`{"by":"test"}`), "go")
			if e, ok := errors.AsType[*problem.Problem](err); ok && e.Status == http.StatusConflict {
				return nil // it has ended: the first one was enough
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("signal to order %s, run %s: %w", key, run.ID, err)
		}
	}
	first := run.ID
	if err := m.insist(ctx, start); err != nil || run.ID != first {
		return fmt.Errorf("order %s is run %s at first and %s then: %w", key, first, run.ID, err)
	}
	return nil
}

// settled waits until no run is under way.
func settled(ctx context.Context, t *testing.T, m *mortal) {
	t.Helper()
	for {
		var under []string
		for _, status := range []runtime.Status{runtime.Queued, runtime.Running, runtime.Waiting} {
			runs, _, err := m.client().Runs(ctx, runtime.ListQuery{Status: status, Limit: 3})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range runs {
				under = append(under, r.ID+" "+string(r.Status))
			}
		}
		if len(under) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("runs are stuck: %s", strings.Join(under, ", "))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// verify holds the runs, the API's effects and KV against what clients know.
func verify(ctx context.Context, t *testing.T, m *mortal, up *effects, acked *sync.Map, kills int) {
	t.Helper()
	orders := map[string]string{} // key -> id
	cursor := ""
	for {
		page, next, err := m.client().Runs(ctx, runtime.ListQuery{Script: "order", Limit: 500, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			if before := orders[r.IdempotencyKey]; before != "" {
				t.Errorf("order %s is two runs: %s and %s", r.IdempotencyKey, before, r.ID)
			}
			orders[r.IdempotencyKey] = r.ID
			if want := fmt.Sprintf(`{"id":%q,"n":2}`, r.IdempotencyKey); r.Status != runtime.Succeeded || string(r.Output) != want {
				t.Errorf("run %s of order %s: %s %s %v, output %s", r.ID, r.IdempotencyKey, r.Status, r.Reason, r.Error, r.Output)
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	n := 0
	acked.Range(func(key, id any) bool {
		n++
		if orders[key.(string)] != id.(string) {
			t.Errorf("order %s was acknowledged as run %s, and is now %q", key, id, orders[key.(string)])
		}
		return true
	})
	if n < 64 {
		t.Errorf("only %d orders were acknowledged: that is no load", n)
	}
	up.mu.Lock()
	seen := maps.Clone(up.keys)
	up.mu.Unlock()
	for key := range orders {
		if made, done := len(seen["/effects/"+key]), len(seen["/effects/"+key+"-done"]); made != 1 || done != 1 {
			t.Errorf("order %s had %d effects, and %d at its end", key, made, done)
		}
	}
	body := once(t, &process{url: m.url}, "/order")
	if want := fmt.Sprintf(`{"begun":%d,"ended":%d,"twice":[]}`, len(orders), len(orders)); string(body) != want {
		t.Errorf("KV has %s, want %s", body, want)
	}
	t.Logf("%d kills, %d orders acknowledged, %d runs", kills, n, len(orders))
}
