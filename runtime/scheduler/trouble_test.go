package scheduler_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/schedule"
)

func every(cron string) map[string]*schedule.Spec {
	return only("a", schedule.Spec{Cron: cron, CatchUp: schedule.CatchUpAll})
}

// An edit of the times begins anew: nothing is made up for. An edit of how
// they are taken keeps what is known.
func TestEditsWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.boot(every("0 * * * *"))
		w.pass(90 * time.Minute) // 01:30
		w.s.Update(every("15 * * * *"))
		w.pass(time.Hour) // 02:30
		if got := w.ran("a"); got != "01:00 02:15" {
			t.Fatalf("another minute: %s", got)
		}
		w.s.Update(only("a", schedule.Spec{Cron: "15 * * * *", Timezone: "Asia/Kolkata"})) // 03:15 there is 21:45 here
		w.pass(20 * time.Minute)                                                           // 02:50
		if got := w.ran("a"); got != "01:00 02:15 02:45" {
			t.Fatalf("another zone: %s", got)
		}
		w.s.Update(map[string]*schedule.Spec{"a": nil})
		w.pass(2 * time.Hour) // 04:50
		if len(w.rows) != 0 {
			t.Errorf("a script without a schedule has a row: %v", w.rows)
		}
		w.s.Update(every("0 * * * *"))
		w.pass(time.Hour) // 05:50
		if got := w.ran("a"); got != "01:00 02:15 02:45 05:00" {
			t.Fatalf("taken away and given back: %s", got)
		}
		w.s.Close()
		w.pass(2 * time.Hour) // 07:50
		w.boot(only("a", schedule.Spec{Cron: "0 * * * *", CatchUp: schedule.CatchUpLatest, Overlap: schedule.Queue}))
		w.pass(time.Minute)
		if got := w.ran("a"); got != "01:00 02:15 02:45 05:00 07:00q" {
			t.Fatalf("another policy after a restart: %s", got)
		}
		w.s.Close()
		w.pass(4 * time.Hour) // 11:51
		w.boot(every("30 * * * *"))
		w.pass(time.Hour)
		w.s.Close()
		if got := w.ran("a"); got != "01:00 02:15 02:45 05:00 07:00q 12:30" {
			t.Fatalf("edited while nothing was running: %s", got)
		}
	})
}

// A script whose file is away for a while comes back and catches up.
func TestScriptGoesAndComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.boot(every("0 * * * *"))
		w.pass(90 * time.Minute)
		w.s.Update(nil)
		w.pass(3 * time.Hour)
		if got := w.ran("a"); got != "01:00" {
			t.Fatalf("without the script: %s", got)
		}
		w.s.Update(every("0 * * * *"))
		w.pass(time.Minute)
		w.s.Close()
		if got := w.ran("a"); got != "01:00 02:00q 03:00q 04:00q" {
			t.Errorf("with it: %s", got)
		}
	})
}

// Updates that change nothing, in a storm, change nothing.
func TestUpdatesThatChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.boot(every("*/10 * * * *"))
		for range 1000 {
			w.s.Update(every("*/10 * * * *"))
			w.pass(3 * time.Second)
		}
		w.s.Close()
		if w.starts != 5 || w.ops != 17 {
			t.Errorf("%d starts, %d operations", w.starts, w.ops)
		}
	})
}

// A short restart loses no tick, whatever catchUp says.
func TestRestartAtTheTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		specs := hourly("", "")
		w.boot(specs)
		w.pass(2*time.Hour - 10*time.Second)
		w.s.Close()
		w.pass(30 * time.Second)
		w.boot(specs)
		w.pass(time.Minute)
		w.s.Close()
		if got := w.ran("a"); got != "01:00 02:00" {
			t.Errorf("ran %s", got)
		}
	})
}

func TestTooMuchToMakeUpFor(t *testing.T) {
	for _, c := range []struct {
		cron string
		down time.Duration
		runs int
		said string
	}{
		{"* * * * *", 1005 * time.Minute, 1002, "1004 runs were missed, from 2000-01-01T00:02:00Z to 2000-01-01T16:45:00Z; the newest 1000 are made up for, and 4 are left out: 1000 is the most"},
		{"* * * * * *", 20 * time.Hour, 1000 + 60 + 31, "more than 10000 runs were missed"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.boot(every(c.cron))
			w.pass(time.Minute + 500*time.Millisecond)
			w.s.Close()
			w.said(slog.LevelDebug)
			w.pass(c.down)
			w.boot(every(c.cron))
			w.pass(100 * time.Millisecond)
			w.s.Close()
			if said := w.said(slog.LevelWarn); len(said) != 1 || !strings.Contains(said[0], c.said) {
				t.Errorf("said %q", said)
			}
			// The newest are those that were run.
			newest := time.Now().UTC().Truncate(time.Minute).Format("2006-01-02T15:04:05Z")
			if _, ok := w.runs["a"]["tick:"+newest]; !ok && c.cron == "* * * * *" {
				t.Errorf("%s did not run", newest)
			}
			if got := len(w.runs["a"]); got < c.runs-1 || got > c.runs {
				t.Errorf("%d runs, not %d", got, c.runs)
			}
		})
	}
}

// A script with much to make up for holds up nobody.
func TestManyScripts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		specs := every("* * * * *")
		for i := range 100 {
			specs[fmt.Sprint("b", i)] = &schedule.Spec{Cron: "H * * * *"}
		}
		w.boot(specs)
		w.pass(2 * time.Hour)
		w.s.Close()
		minutes := map[string]bool{}
		for i := range 100 {
			ran := w.ran(fmt.Sprint("b", i))
			if len(ran) != len("00:00 00:00") && len(ran) != len("00:00 00:00 00:00") {
				t.Errorf("b%d ran at %s", i, ran)
			}
			minutes[ran[3:5]] = true
		}
		if len(minutes) < 30 {
			t.Errorf("100 scripts start in %d minutes of the hour", len(minutes))
		}
	})
}

// While starts fail they are tried again, less and less often. What is on time
// once they work is started; what is not was missed.
func TestStartsFail(t *testing.T) {
	for _, c := range []struct {
		catchUp schedule.CatchUp
		fails   time.Duration
		want    string
	}{
		{schedule.CatchUpNone, 20 * time.Second, "01:00"},
		{schedule.CatchUpNone, 150 * time.Minute, "04:00"},
		{schedule.CatchUpLatest, 150 * time.Minute, "03:00 04:00"},
		{schedule.CatchUpAll, 150 * time.Minute, "01:00q 02:00q 03:00q 04:00"},
	} {
		for _, op := range []string{"start", "busy", "save"} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.boot(hourly("", c.catchUp))
				w.pass(time.Hour - time.Minute)
				w.mu.Lock()
				w.failAt[op] = errors.New("the disk is full")
				w.mu.Unlock()
				w.pass(time.Minute + c.fails) // 01:00:20 or 03:30
				w.mu.Lock()
				delete(w.failAt, op)
				w.mu.Unlock()
				until := time.Date(2000, 1, 1, 1, 1, 30, 0, time.UTC)
				if c.fails > time.Hour {
					until = time.Date(2000, 1, 1, 4, 0, 30, 0, time.UTC)
				}
				w.pass(time.Until(until))
				w.s.Close()
				got, want := w.ran("a"), c.want
				if op == "save" && c.fails > time.Hour { // the first one was started
					want = map[schedule.CatchUp]string{schedule.CatchUpNone: "01:00 04:00", schedule.CatchUpLatest: "01:00 03:00 04:00", schedule.CatchUpAll: "01:00 02:00q 03:00q 04:00"}[c.catchUp]
				}
				if got != want {
					t.Errorf("%s, %s fails for %s: ran %s, not %s", c.catchUp, op, c.fails, got, want)
				}
				said := w.said(slog.LevelError)
				if len(said) == 0 || !strings.Contains(said[0], "the disk is full") || !strings.Contains(said[0], "again in 1s") {
					t.Fatalf("%s fails: said %q", op, said)
				}
				if most := int(c.fails/time.Minute) + 10; len(said) > most {
					t.Errorf("said so %d times", len(said))
				}
			})
		}
	}
}

func TestLoadFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.failAt["load"] = errors.New("not now")
		w.boot(hourly("", ""))
		w.pass(30 * time.Minute)
		w.mu.Lock()
		delete(w.failAt, "load")
		w.mu.Unlock()
		w.pass(time.Hour)
		w.s.Close()
		if got := w.ran("a"); got != "01:00" {
			t.Errorf("ran %s", got)
		}
	})
}

// The machine is suspended, or the clock is set.
func TestClockJumps(t *testing.T) {
	jump := func(w *world, d time.Duration) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.skew += d
	}
	run := func(name string, catchUp schedule.CatchUp, jumpBy time.Duration, want string, starts int) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.boot(hourly("", catchUp))
				w.pass(70 * time.Minute) // 01:10
				jump(w, jumpBy)
				w.pass(70 * time.Minute)
				w.s.Close()
				if got := w.ran("a"); got != want || w.starts != starts {
					t.Errorf("ran %s with %d starts, not %s with %d", got, w.starts, want, starts)
				}
			})
		})
	}
	// Suspended at 01:10 for three hours and a half: it wakes at 04:40, and the next is 05:00.
	run("suspended", schedule.CatchUpNone, 210*time.Minute, "01:00 05:00", 2)
	run("suspended, latest", schedule.CatchUpLatest, 210*time.Minute, "01:00 04:00 05:00", 3)
	run("suspended, all", schedule.CatchUpAll, 210*time.Minute, "01:00 02:00q 03:00q 04:00q 05:00", 5)
	// Set back to 00:40: 01:00 comes again, and starts nothing new.
	run("set back", schedule.CatchUpAll, -30*time.Minute, "01:00", 2)
	// A little correction at once after a tick is nothing.
	run("slewed", schedule.CatchUpAll, -10*time.Second, "01:00 02:00", 2)
	// Suspended to within seconds after a tick: it is noticed within a minute.
	run("suspended over a tick", schedule.CatchUpNone, 48*time.Minute, "01:00 02:00 03:00", 3)
}

// A clock that was years ahead and is right again stops nothing.
func TestClockWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.skew = 10 * 365 * 24 * time.Hour
		w.boot(hourly("", schedule.CatchUpAll))
		w.pass(90 * time.Minute)
		w.s.Close()
		w.skew, w.runs = 0, map[string]map[string]bool{}
		w.boot(hourly("", schedule.CatchUpAll)) // 01:30
		w.pass(2 * time.Hour)
		w.s.Close()
		if got := w.ran("a"); got != "02:00 03:00" {
			t.Errorf("ran %s", got)
		}
	})
}

func TestDamagedRow(t *testing.T) {
	for _, row := range []string{"", "{", "{}", `{"tick":5}`, `null`} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.rows["a"] = row
			w.boot(hourly("", schedule.CatchUpAll))
			w.pass(90 * time.Minute)
			w.s.Close()
			if got := w.ran("a"); got != "01:00" {
				t.Errorf("with %q it ran %s", row, got)
			}
			if said := w.said(slog.LevelError); len(said) != 1 || !strings.Contains(said[0], "damaged") {
				t.Errorf("with %q it said %q", row, said)
			}
			want := `{"spec":{"cron":"@hourly","catchUp":"all"},"tick":"2000-01-01T01:00:00Z"}`
			if diff := cmp.Diff(want, w.rows["a"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBadSpecIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.boot(every("bad"))
		w.pass(time.Hour)
		w.s.Close()
		if said := w.said(slog.LevelError); len(said) != 1 || !strings.Contains(said[0], "a: the schedule does not work") {
			t.Errorf("said %q", said)
		}
	})
}
