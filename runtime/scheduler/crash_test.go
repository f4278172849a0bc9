package scheduler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reprise/runtime/schedule"
	"reprise/runtime/scheduler"
)

// The process dies at each of its operations, before or after it had its
// effect, and comes back soon or late. With catchUp "all" every tick has its
// run in the end; with the others all but those of the time without a process,
// as the policy says. No tick has two.
func TestCrashAtEveryPoint(t *testing.T) {
	const window = 65 * time.Minute // ticks at 10, 20, … 60
	for _, catchUp := range []schedule.CatchUp{schedule.CatchUpNone, schedule.CatchUpLatest, schedule.CatchUpAll} {
		for _, overlap := range []schedule.Overlap{schedule.Skip, schedule.Queue, schedule.Allow} {
			for _, down := range []time.Duration{5 * time.Second, 25 * time.Minute} {
				t.Run(fmt.Sprintf("%s, %s, down for %s", catchUp, overlap, down), func(t *testing.T) {
					specs := only("a", schedule.Spec{Cron: "*/10 * * * *", Overlap: overlap, CatchUp: catchUp})
					for crash, more := 0, true; more; crash++ {
						for _, after := range []bool{false, true} {
							synctest.Test(t, func(t *testing.T) { more = crashAt(t, specs, crash, after, down, window) })
						}
					}
				})
			}
		}
	}
}

func crashAt(t *testing.T, specs map[string]*schedule.Spec, crash int, after bool, down, window time.Duration) bool {
	w := newWorld(t)
	w.crash, w.after = crash, after
	begin := time.Now()
	w.boot(specs)
	select {
	case <-w.dead:
	case <-time.After(window):
		w.s.Close()
		return false // the process has fewer operations
	}
	died := time.Now()
	w.s.Close()
	// The schedule is known from its first save on, which follows a load.
	known := crash > 1 || crash == 1 && after
	w.crash = -1
	w.pass(down)
	back := time.Now()
	w.boot(specs)
	w.pass(window)
	w.s.Close()

	plan, err := schedule.Parse(*specs["a"])
	if err != nil {
		t.Fatal(err)
	}
	missed := plan.Between(died.Add(-time.Nanosecond), back.Add(-30*time.Second), 100)
	var want []string
	for _, tick := range plan.Between(begin, time.Now(), 100) {
		run := true
		_, ran := w.runs["a"][scheduler.Tick{Time: tick}.Key()]
		switch at := slices.Index(missed, tick); {
		case !known:
			run = tick.After(back)
		case at < 0:
		case tick.Equal(died) && ran: // before the crash
		case specs["a"].CatchUp == schedule.CatchUpNone:
			run = false
		case specs["a"].CatchUp == schedule.CatchUpLatest:
			run = at == len(missed)-1
		}
		if run {
			want = append(want, tick.Format("15:04"))
		}
	}
	if got := strings.ReplaceAll(w.ran("a"), "q", ""); got != strings.Join(want, " ") {
		t.Errorf("crash at operation %d (after it: %v) at %s, back at %s:\nran %s,\nnot %s",
			crash, after, died.Format("15:04:05"), back.Format("15:04:05"), got, strings.Join(want, " "))
	}
	return true
}
