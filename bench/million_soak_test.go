//go:build soak && !race

package bench

// How long a start takes with many runs in the store. Two runs are made by the
// program itself, one that has ended and one that sleeps; the rest are copies of
// what the store holds of them, under ids of their own, made through its commits.

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"reprise/runtime"
	"reprise/server/client"
	"reprise/store"
	"reprise/store/badger"
)

// rows is how many runs there are; REPRISE_BENCH_ROWS says another number.
const rows = 1_000_000

func TestStartWithAMillionRuns(t *testing.T) {
	n := numberOf(t, "REPRISE_BENCH_ROWS", rows)
	dir := project(t, "sleeper", sleeper)
	if err := os.WriteFile(filepath.Join(dir, "scripts", "hello.ts"), []byte(`export default { fetch: () => new Response("hello") };`), 0o644); err != nil {
		t.Fatal(err)
	}
	serve := func() *process {
		return spawn(t, "reprise", "serve", dir, "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--run-max-per-script", "10000000")
	}
	p := serve()
	began := time.Now()
	empty := firstAnswers(t, p, began)
	startSleepers(t, p, 1, time.Now())
	startSleepers(t, p, 1, time.Now().AddDate(1, 0, 0))
	c, err := client.Open(filepath.Join(dir, ".reprise"))
	if err != nil {
		t.Fatal(err)
	}
	ended, waiting := only(t, c, runtime.Succeeded), only(t, c, runtime.Waiting)
	halt(t, p)

	began = time.Now()
	copyRuns(t, filepath.Join(dir, ".reprise", "store"), map[string]int{ended: n * 9 / 10, waiting: n / 10})
	t.Logf("%d runs written in %s, %d MiB", n, time.Since(began).Round(time.Second), used(t, filepath.Join(dir, ".reprise", "store"))>>20)

	for range 3 {
		began = time.Now()
		p = serve()
		listening := time.Since(began)
		answer := firstAnswers(t, p, began)
		if c, err = client.Open(filepath.Join(dir, ".reprise")); err != nil {
			t.Fatal(err)
		}
		for _, status := range []runtime.Status{"", runtime.Waiting} {
			if runs, _, err := c.Runs(t.Context(), runtime.ListQuery{Status: status, Limit: 50}); err != nil || len(runs) != 50 {
				t.Fatalf("%d runs are listed: %v", len(runs), err)
			}
		}
		listed := time.Since(began)
		startSleepers(t, p, 1, time.Now())
		t.Logf("listening after %s, first answer after %s, runs listed after %s, a run begun after %s; %d MiB anonymous, %d MiB resident (with no runs: first answer %s after that)",
			listening.Round(time.Millisecond), answer.Round(time.Millisecond), listed.Round(time.Millisecond), time.Since(began).Round(time.Millisecond),
			p.status(t, "RssAnon:")>>10, p.memory(t)>>10, empty.Round(time.Millisecond))
		if answer > time.Minute {
			t.Errorf("the first answer came after %s", answer)
		}
		halt(t, p)
	}
}

// firstAnswers returns when a fetch handler had answered.
func firstAnswers(t *testing.T, p *process, began time.Time) time.Duration {
	t.Helper()
	if got := once(t, p, "/hello"); string(got) != "hello" {
		t.Fatalf("the answer is %q", got)
	}
	return time.Since(began)
}

// only waits for the one run in a status.
func only(t *testing.T, c *client.Client, s runtime.Status) string {
	t.Helper()
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		runs, _, err := c.Runs(t.Context(), runtime.ListQuery{Status: s, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 1 {
			return runs[0].ID
		}
	}
}

// halt stops a server in order.
func halt(t *testing.T, p *process) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

// indexed are the tables with a row for each run.
var indexed = []string{"runs", "runs.script", "runs.status", "runs.revision"}

// copyRuns writes so many copies of each run.
func copyRuns(t *testing.T, dir string, copies map[string]int) {
	t.Helper()
	s, err := badger.Open(badger.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	var group sync.WaitGroup
	for id, n := range copies {
		run := storedRun(ctx, t, s, id)
		const writers = 4
		for w := range writers {
			group.Go(func() {
				for i := w; i < n; i += writers {
					if _, err := s.Commit(ctx, run.as(uuid.Must(uuid.NewV7()).String())); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	group.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// stored is all that the store holds of a run.
type stored struct {
	id     string
	commit store.Commit
}

func storedRun(ctx context.Context, t *testing.T, s store.Store, id string) stored {
	t.Helper()
	c := store.Commit{Run: id, Relaxed: true}
	var err error
	if c.Appends, err = s.Journal(ctx, id, 0); err != nil || len(c.Appends) < 2 {
		t.Fatalf("the journal of %s has %d records: %v", id, len(c.Appends), err)
	}
	for _, table := range indexed {
		all, err := s.Rows(ctx, table, store.Range{})
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, row := range all {
			if strings.HasSuffix(row.Key, id) {
				found++
				c.Rows = append(c.Rows, store.RowOp{Table: table, Key: row.Key, Value: row.Value})
			}
		}
		if found != 1 {
			t.Fatalf("table %s has %d rows of %s", table, found, id)
		}
	}
	timers, err := s.Due(ctx, time.Now().AddDate(2, 0, 0), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, timer := range timers {
		if timer.Run == id {
			c.Timers = append(c.Timers, store.TimerOp{Run: id, ID: timer.ID, At: timer.At})
		}
	}
	return stored{id: id, commit: c}
}

// as is the commit of the run under another id.
func (r stored) as(id string) store.Commit {
	c := r.commit
	c.Run = id
	c.Appends = make([][]byte, len(r.commit.Appends))
	for i, record := range r.commit.Appends {
		c.Appends[i] = bytes.ReplaceAll(record, []byte(r.id), []byte(id))
	}
	c.Rows = make([]store.RowOp, len(r.commit.Rows))
	for i, row := range r.commit.Rows {
		row.Key = strings.ReplaceAll(row.Key, r.id, id)
		if len(row.Value) > 0 { // nil would delete it
			row.Value = bytes.ReplaceAll(row.Value, []byte(r.id), []byte(id))
		}
		c.Rows[i] = row
	}
	c.Timers = make([]store.TimerOp, len(r.commit.Timers))
	for i, timer := range r.commit.Timers {
		timer.Run = id
		c.Timers[i] = timer
	}
	return c
}
