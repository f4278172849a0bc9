package cli

import (
	"strings"
	"testing"
	"time"

	"reprise/runtime/logs"
	"reprise/runtime/worker"
	"reprise/server/metrics"
)

func TestWhatIsSaidOfAWorkerThatEnded(t *testing.T) {
	// An entry says what ended and why, whose doing it may be and what becomes of
	// them; where only one was executing, it is that script's own.
	now := time.Unix(1_800_000_000, 0).UTC()
	run := worker.Suspect{Run: "r", Script: "orders", Revision: "1", Durable: true}
	request := worker.Suspect{Run: "q", Script: "shop", Revision: "2"}
	load := worker.Suspect{Script: "new", Revision: "3"}
	guilty, broken := run, load
	guilty.Guilty, guilty.Until, broken.Guilty = true, now.Add(30*time.Second), true
	for _, test := range []struct {
		name string
		e    worker.Event
		want []string // level, script, run: message
	}{
		{"nobody", worker.Event{Worker: "1", Why: "it was ended by signal 9 (killed)"}, []string{
			"warn  : worker 1 has ended: it was ended by signal 9 (killed); another one takes its place",
		}},
		{"one run", worker.Event{Worker: "2", Why: "w", Suspects: []worker.Suspect{run}}, []string{
			"warn orders r: worker 2 has ended: w; another one takes its place. orders was executing there and may be why; the run is played again, alone in a process",
		}},
		{"guilty", worker.Event{Worker: worker.Quarantine, Why: "w", Suspects: []worker.Suspect{guilty}}, []string{
			"error orders r: the quarantine has ended: w. For the next 30s, what begins of orders executes in the quarantine, one turn at a time",
		}},
		{"a load", worker.Event{Worker: "1", Why: "w", Suspects: []worker.Suspect{broken}}, []string{
			"error new : worker 1 has ended: w; another one takes its place. Only new was being loaded there",
		}},
		{"several", worker.Event{Worker: "1", Why: "w", Suspects: []worker.Suspect{request, load}}, []string{
			"warn  : worker 1 has ended: w; another one takes its place",
			"warn shop q: worker 1 has ended. shop was executing there and may be why; a GET that has written nothing is tried again, alone in a process, another request is answered with 503",
			"warn new : worker 1 has ended. new was being loaded there and may be why; it is loaded again, alone in a process",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.e.Kind = worker.EventEnded
			var got []string
			for _, en := range endEntries(test.e, now) {
				got = append(got, en.Level.String()+" "+en.Script+" "+en.Run+": "+en.Msg)
				if en.Kind != logs.KindServer || !strings.Contains(string(en.Fields), `"worker":"`+test.e.Worker+`"`) {
					t.Errorf("entry = %+v", en)
				}
				if apart := strings.Contains(string(en.Fields), `"apart":"2027-01-15T08:00:30Z"`); apart != (test.name == "guilty") {
					t.Errorf("fields = %s", en.Fields)
				}
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestAWorkerThatEndsIsLoggedWhileARevisionIsLoaded(t *testing.T) {
	// Loading waits for workers, with the scripts' lock held; a worker that has
	// ended comes back when that has been said.
	a := &app{scripts: &scripts{}, metrics: metrics.New(metrics.Options{})}
	a.scripts.mu.Lock()
	defer a.scripts.mu.Unlock()
	said := make(chan struct{})
	go func() {
		defer close(said)
		a.workerEvent(worker.Event{Kind: worker.EventEnded, Worker: "1", Why: "w"})
	}()
	select {
	case <-said:
	case <-time.After(10 * time.Second):
		t.Fatal("it waits")
	}
	if len(a.scripts.early) != 1 || a.ended.Load() != 1 {
		t.Errorf("said: %+v", a.scripts.early)
	}
}
