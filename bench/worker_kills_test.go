package bench

// Worker processes that are killed, stand still or are kept waiting, while many
// clients ask and runs are under way.

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// counting is a script whose POST counts.
const counting = `import { kv } from "reprise:kv";
export default {
  async fetch(request) {
    if (request.method === "POST") await kv.atomic().sum(["count"], 1).commit();
    return new Response(String((await kv.get(["count"])).value ?? 0));
  },
};
`

// victim is a worker that is there, and not the quarantine: what ends there is
// taken for a run's own doing.
func (r *rig) victim(random *rand.Rand) (pid int) {
	r.await("a worker to kill", func() bool {
		var there []int
		for _, e := range r.entries("kind:server worker has started") {
			var fields struct {
				Worker string
				Pid    int
			}
			if json.Unmarshal(e.Fields, &fields) == nil && fields.Worker != "quarantine" && slices.Contains(r.workers(), fields.Pid) {
				there = append(there, fields.Pid)
			}
		}
		if len(there) > 0 {
			pid = there[random.IntN(len(there))]
		}
		return len(there) > 0
	})
	return pid
}

func TestWorkersAreKilledUnderLoad(t *testing.T) {
	// While 64 clients ask, and runs write: workers are killed, and one is
	// stopped. Every request is answered, or told to come again; no run is lost,
	// none happens twice.
	r := startRig(t, "serve", map[string]string{"neighbour.ts": serving, "diary.ts": diary, "count.ts": counting}, "--workers", "2")
	stopDiary := r.keepDiary(16)
	gets, posts := r.clients(64, http.MethodGet, "/neighbour"), r.clients(8, http.MethodPost, "/count")
	random := rand.New(rand.NewPCG(4, 4))
	pause := func() { <-time.After(time.Duration(200+random.IntN(600)) * time.Millisecond) }
	for range workerKills {
		pause()
		pid := r.victim(random)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		r.await("the end of a killed worker", func() bool { return state(pid) == 0 })
	}
	pause() // or requests that are tried once more are lost again
	pid := r.victim(random)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.write("late.ts", serving) // is loaded all the same
	r.await("the end of a worker that stands still", func() bool { return state(pid) == 0 })
	stood := time.Since(began)
	r.await("a script that was saved meanwhile", func() bool {
		a, err := r.get("/late")
		return err == nil && a.status == http.StatusOK
	})
	answered, lost := gets.stop()
	counted, uncounted := posts.stop()
	runs := stopDiary()
	t.Logf("%d workers were killed, one stood still for %v; %d GETs answered and %d to come again, %d POSTs and %d; %d runs",
		workerKills, stood.Round(time.Millisecond), answered, lost, counted, uncounted, runs)
	if n, err := strconv.Atoi(r.mustGet("/count")); err != nil || n < counted || n > counted+uncounted {
		t.Errorf("%d POSTs were answered, %d were not, and %d were counted; %v", counted, uncounted, n, err)
	}
	if ends := int(r.metric("reprise_worker_ends_total")); ends < workerKills+1 {
		t.Errorf("%d worker ends are counted, and there were %d", ends, workerKills+1)
	}
	r.stop()
}
