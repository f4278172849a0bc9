package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reprise/runtime/schedule"
	"reprise/runtime/scheduler"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDead = errors.New("the process is dead")

// world is what outlives a process: the clock, the rows and the runs.
type world struct {
	t    *testing.T
	mu   sync.Mutex
	skew time.Duration // of the wall's clock

	rows   map[string]string
	runs   map[string]map[string]bool // script -> key -> queued
	ended  bool                       // whether runs end at once
	starts int                        // with repetitions
	notes  []scheduler.Note
	failAt map[string]error // by operation

	// The process dies at its operation number crash, before it has an effect
	// or after.
	crash, ops int
	after      bool
	dead       chan struct{}

	s *scheduler.Scheduler
}

func newWorld(t *testing.T) *world {
	return &world{t: t, rows: map[string]string{}, runs: map[string]map[string]bool{}, ended: true, failAt: map[string]error{}, crash: -1}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

// do is one operation of the process on the world.
func (w *world) do(name string, effect func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.dead:
		return errDead
	default:
	}
	n := w.ops
	w.ops++
	if n == w.crash {
		close(w.dead)
		if w.after {
			effect()
		}
		return errDead
	}
	if err := w.failAt[name]; err != nil {
		return err
	}
	effect()
	return nil
}

// boot starts a process.
func (w *world) boot(specs map[string]*schedule.Spec) {
	w.dead = make(chan struct{})
	w.s = scheduler.New(scheduler.Options{
		Start: func(_ context.Context, t scheduler.Tick) error {
			return w.do("start", func() {
				if w.runs[t.Script] == nil {
					w.runs[t.Script] = map[string]bool{}
				}
				w.starts++
				if _, there := w.runs[t.Script][t.Key()]; !there {
					w.runs[t.Script][t.Key()] = t.Queue
				}
			})
		},
		Busy: func(_ context.Context, t scheduler.Tick) (busy bool, err error) {
			err = w.do("busy", func() {
				for key := range w.runs[t.Script] {
					busy = busy || !w.ended && key < t.Key()
				}
			})
			return busy, err
		},
		Load: func(_ context.Context, script string) (value []byte, err error) {
			err = w.do("load", func() {
				if v, ok := w.rows[script]; ok {
					value = []byte(v)
				}
			})
			return value, err
		},
		Save: func(_ context.Context, script string, value []byte) error {
			return w.do("save", func() {
				if w.rows[script] = string(value); value == nil {
					delete(w.rows, script)
				}
			})
		},
		Note: func(n scheduler.Note) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.notes = append(w.notes, n)
		},
		Now: w.now,
	})
	w.s.Update(specs)
	w.s.Start(w.t.Context())
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// ran lists the ticks of a script that made runs, as 15:04, with q where queued.
func (w *world) ran(script string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for key, queued := range w.runs[script] {
		at, err := time.Parse(time.RFC3339, strings.TrimPrefix(key, "tick:"))
		if err != nil {
			w.t.Fatal(err)
		}
		text := at.Format("15:04")
		if at.Second() != 0 {
			text = at.Format("15:04:05")
		}
		if queued {
			text += "q"
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// said returns the notes that are not below a level, and forgets all.
func (w *world) said(level slog.Level) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, n := range w.notes {
		if n.Level >= level {
			out = append(out, n.Script+": "+n.Message)
		}
	}
	w.notes = nil
	return out
}

func only(script string, spec schedule.Spec) map[string]*schedule.Spec {
	return map[string]*schedule.Spec{script: &spec}
}

func hourly(o schedule.Overlap, c schedule.CatchUp) map[string]*schedule.Spec {
	return only("a", schedule.Spec{Cron: "@hourly", Overlap: o, CatchUp: c})
}

// The clock of these tests begins at 2000-01-01 00:00 UTC.

func TestTicksStartRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.boot(map[string]*schedule.Spec{
			"a": {Cron: "30 * * * *"}, "b": {Cron: "0 3 * * *", Timezone: "Europe/Oslo"}, "seconds": {Cron: "*/20 59 2 * * *"}, "none": nil,
		})
		w.pass(3*time.Hour + time.Minute)
		if got := w.ran("a"); got != "00:30 01:30 02:30" {
			t.Errorf("a ran at %s", got)
		}
		if got := w.ran("b"); got != "02:00" {
			t.Errorf("b ran at %s", got)
		}
		if got := w.ran("seconds"); got != "02:59 02:59:20 02:59:40" {
			t.Errorf("seconds ran at %s", got)
		}
		if w.starts != 7 {
			t.Errorf("%d starts for 7 ticks", w.starts)
		}
		if w.runs["a"]["tick:2000-01-01T00:30:00Z"] {
			t.Error("a run waits for nothing")
		}
		want := []time.Time{time.Date(2000, 1, 2, 2, 0, 0, 0, time.UTC), time.Date(2000, 1, 3, 2, 0, 0, 0, time.UTC)}
		if diff := cmp.Diff(want, w.s.Next("b", 2)); diff != "" {
			t.Error(diff)
		}
		if w.s.Next("none", 2) != nil || w.s.Next("nobody", 2) != nil {
			t.Error("a script without a schedule has ticks")
		}
		if diff := cmp.Diff([]string(nil), w.said(slog.LevelDebug)); diff != "" {
			t.Error(diff)
		}
		w.s.Close()
		w.pass(2 * time.Hour)
		if w.starts != 7 {
			t.Error("it goes on after Close")
		}
	})
}

func TestTickNamesItsRun(t *testing.T) {
	oslo := time.FixedZone("", 3600)
	tick := scheduler.Tick{Script: "a", Time: time.Date(2026, 1, 1, 4, 0, 0, 0, oslo)}
	if tick.Key() != "tick:2026-01-01T03:00:00Z" || string(tick.Input()) != `{"scheduledTime":1767236400000}` {
		t.Errorf("%s %s", tick.Key(), tick.Input())
	}
}

// A server that was down from 01:30 to 05:30, with a run of 01:00 that has or
// has not ended; it runs until 06:30.
func TestOverlapAndCatchUp(t *testing.T) {
	for _, c := range []struct {
		overlap    schedule.Overlap
		catchUp    schedule.CatchUp
		busy, idle string
		said       string // while busy
	}{
		{"", "", "01:00", "01:00 06:00", "4 runs were missed, from 2000-01-01T02:00:00Z to 2000-01-01T05:00:00Z, and skipped; the run for 2000-01-01T06:00:00Z is skipped"},
		{schedule.Skip, schedule.CatchUpNone, "01:00", "01:00 06:00", "4 runs were missed; the run for 2000-01-01T06:00:00Z is skipped"},
		{schedule.Skip, schedule.CatchUpLatest, "01:00", "01:00 05:00 06:00", "4 runs were missed; the run for 2000-01-01T05:00:00Z is skipped; the run for 2000-01-01T06:00:00Z is skipped"},
		{schedule.Skip, schedule.CatchUpAll, "01:00 02:00q 03:00q 04:00q 05:00q", "01:00 02:00q 03:00q 04:00q 05:00q 06:00", "4 runs were missed; the run for 2000-01-01T06:00:00Z is skipped"},
		{schedule.Queue, schedule.CatchUpNone, "01:00q 06:00q", "01:00q 06:00q", "4 runs were missed"},
		{schedule.Queue, schedule.CatchUpLatest, "01:00q 05:00q 06:00q", "01:00q 05:00q 06:00q", "4 runs were missed"},
		{schedule.Queue, schedule.CatchUpAll, "01:00q 02:00q 03:00q 04:00q 05:00q 06:00q", "01:00q 02:00q 03:00q 04:00q 05:00q 06:00q", "4 runs were missed"},
		{schedule.Allow, schedule.CatchUpNone, "01:00 06:00", "01:00 06:00", "4 runs were missed"},
		{schedule.Allow, schedule.CatchUpLatest, "01:00 05:00 06:00", "01:00 05:00 06:00", "4 runs were missed"},
		{schedule.Allow, schedule.CatchUpAll, "01:00 02:00 03:00 04:00 05:00 06:00", "01:00 02:00 03:00 04:00 05:00 06:00", "4 runs were missed"},
	} {
		for _, busy := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, %s, busy %v", c.overlap, c.catchUp, busy), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					w.ended = !busy
					w.boot(hourly(c.overlap, c.catchUp))
					w.pass(90 * time.Minute)
					w.s.Close()
					w.pass(4 * time.Hour)
					w.boot(hourly(c.overlap, c.catchUp))
					w.pass(time.Hour)
					w.s.Close()
					want := c.idle
					if busy {
						want = c.busy
					}
					if got := w.ran("a"); got != want {
						t.Errorf("ran %s, not %s", got, want)
					}
					if !busy {
						return
					}
					said, parts := w.said(slog.LevelDebug), strings.Split(c.said, "; ")
					if len(said) != len(parts) {
						t.Fatalf("said %q", said)
					}
					for i, part := range parts {
						if !strings.Contains(said[i], part) {
							t.Errorf("said %q, not %q", said[i], part)
						}
					}
				})
			})
		}
	}
}
