package crashtest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"reprise/runtime"
	"reprise/store/storetest"
)

// sender sends one delivery until it is answered, and once more after that.
type sender struct {
	answers []string // ids of the runs that it was told
}

func (s *sender) send(ctx context.Context, e *runtime.Engine) error {
	for range 2 {
		r, _, err := e.Deliver(ctx, runtime.DeliverRequest{
			Script: "generators", Key: "event e1", TTL: 24 * time.Hour, Webhook: runtime.Webhook{Scheme: "stripe", Event: "e1"},
		})
		if err != nil {
			return err
		}
		s.answers = append(s.answers, r.ID)
	}
	return nil
}

func TestAnAnsweredDeliveryHasARun(t *testing.T) {
	// Whatever write is the last one of a process, and whatever a crash may lose is
	// lost: a delivery that was answered is there, and once.
	theLab(t)
	crashes, late := 0, 0
	for n := 1; late < 3; n++ {
		crashed, answered := false, 0
		synctest.Test(t, func(t *testing.T) {
			f := storetest.NewFaults(newMemory())
			f.StopAfter(n)
			w := newWorld(t, &scenario{name: "webhook"})
			from := &sender{}
			if crashed = !w.delivered(f, from); !crashed {
				return
			}
			answered = len(from.answers)
			_, f = w.survivors(f, crash{acked: true, kept: 0})
			if !w.delivered(f, from) {
				t.Errorf("after %d writes: the second process does not get on", n)
			}
		})
		if t.Failed() {
			t.Fatalf("after %d writes, %d answers", n, answered)
		}
		if !crashed {
			break
		}
		crashes++
		if answered == 2 {
			late++ // all was said before the crash: what comes later is any run's affair
		}
	}
	if crashes < 3 {
		t.Errorf("only %d crashes", crashes)
	}
}

// delivered lets a process live that takes the delivery. It reports false if the
// store stopped before the run had ended.
func (w *world) delivered(f *storetest.Faults, from *sender) bool {
	w.t.Helper()
	ctx := w.t.Context()
	e, http, err := w.lab.engine(ctx, f, w.up, nil)
	if err != nil {
		return false
	}
	e.Run()
	defer func() {
		closing, closed := context.WithCancel(context.WithoutCancel(ctx))
		if hasStopped(f) {
			closed() // a process that dies waits for nothing
		}
		if err := e.Close(closing); err != nil {
			w.t.Error(err)
		}
		closed()
		http.Close()
	}()
	if err := from.send(ctx, e); err != nil {
		if !hasStopped(f) {
			w.t.Error(err)
		}
		return false
	}
	for _, id := range from.answers {
		if id != from.answers[0] {
			w.t.Errorf("it was answered with the runs %q", from.answers)
		}
	}
	id := from.answers[0]
	for range 1000 {
		r, err := e.Wait(ctx, id, time.Hour)
		if hasStopped(f) {
			return false
		}
		if err == nil && r.Status.Ended() {
			break
		}
	}
	all, _, err := e.Deliveries(ctx, runtime.DeliveryQuery{})
	if hasStopped(f) {
		return false
	}
	if err != nil || len(all) != 1 || all[0].ID != id || all[0].State != runtime.DeliverySucceeded {
		w.t.Errorf("deliveries are %+v, %v", all, err)
	}
	return true
}
