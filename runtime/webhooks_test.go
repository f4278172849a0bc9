package runtime_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/store"
)

// deliver has a delivery with that key come n times at once.
func (w *world) deliver(n int, req runtime.DeliverRequest) (ids []string, first int) {
	w.t.Helper()
	if req.Script == "" {
		req.Script = "s"
	}
	if req.TTL == 0 {
		req.TTL = 24 * time.Hour
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			r, duplicate, err := w.Deliver(w.t.Context(), req)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				w.t.Error(err)
			}
			if !duplicate {
				first++
			}
			ids = append(ids, r.ID)
		})
	}
	group.Wait()
	slices.Sort(ids)
	return slices.Compact(ids), first
}

func keyed(key string) runtime.DeliverRequest {
	return runtime.DeliverRequest{Key: key, Webhook: runtime.Webhook{Scheme: "stripe", Event: key}}
}

// rows counts what the store has in a table.
func (w *world) rows(table string) int {
	w.t.Helper()
	rows, err := w.store.Rows(w.t.Context(), table, store.Range{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(rows)
}

func TestEqualDeliveriesBeginOneRun(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async (i) => i.body.length`)
		w.open()
		req := keyed("e1")
		req.Input = json.RawMessage(`{"body":"` + strings.Repeat("x", 70_000) + `"}`)
		ids, first := w.deliver(50, req)
		if len(ids) != 1 || first != 1 {
			t.Fatalf("50 equal deliveries began %d runs, %d times", len(ids), first)
		}
		w.ended(ids[0], runtime.Succeeded, "70000")
		// Another input is the same delivery all the same: a sender signs each try anew.
		req.Input = json.RawMessage(`{"body":"else"}`)
		if again, first := w.deliver(1, req); again[0] != ids[0] || first != 0 {
			t.Errorf("the delivery came again, and began %s", again)
		}
		d, err := w.Delivery(t.Context(), ids[0])
		if err != nil || len(d.Duplicates) != 50 || d.State != runtime.DeliverySucceeded || d.Event != "e1" || len(d.Input) < 70_000 {
			t.Errorf("%d duplicates, %s, %v", len(d.Duplicates), d.State, err)
		}
		if n := w.rows("blobs.owned"); n != 2 { // one payload and the revision
			t.Errorf("%d blobs are kept", n)
		}
		// Only so many are noted.
		w.deliver(70, req)
		if d, _ := w.Delivery(t.Context(), ids[0]); len(d.Duplicates) < 100 || w.rows("webhooks.duplicates") > 170 {
			t.Errorf("%d duplicates, %d rows", len(d.Duplicates), w.rows("webhooks.duplicates"))
		}
		w.restart()
		if again, first := w.deliver(5, req); again[0] != ids[0] || first != 0 {
			t.Errorf("after a restart it began %s", again)
		}
		// Other keys, other scripts and none begin their own.
		w.save("t", `async () => 1`)
		for name, req := range map[string]runtime.DeliverRequest{"key": keyed("e2"), "script": {Script: "t", Key: "e1"}, "none": keyed("")} {
			if ids, first := w.deliver(1, req); first != 1 || ids[0] == d.ID {
				t.Errorf("another %s: %v", name, ids)
			}
		}
		if ids, first := w.deliver(3, keyed("")); len(ids) != 3 || first != 3 {
			t.Errorf("without a key 3 began %d runs", len(ids))
		}
		if _, _, err := w.Deliver(t.Context(), runtime.DeliverRequest{Script: "nobody", Key: "k", TTL: time.Hour}); call.CodeOf(err) != call.CodeNotFound {
			t.Errorf("no script: %v", err)
		}
	})
}

func TestADeliveryIsRememberedForAWhile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => 1`)
		w.open()
		req := keyed("e1")
		req.TTL = time.Minute
		first, _ := w.deliver(1, req)
		w.end(first[0])
		<-time.After(50 * time.Second)
		if again, n := w.deliver(1, req); n != 0 || again[0] != first[0] {
			t.Errorf("within the time: %v", again)
		}
		// Longer than its run, too.
		if err := w.Delete(t.Context(), first[0]); err != nil {
			t.Fatal(err)
		}
		if again, n := w.deliver(1, req); n != 0 || again[0] != first[0] {
			t.Errorf("of a deleted run: %v", again)
		}
		<-time.After(20 * time.Second)
		if ids, n := w.deliver(20, req); n != 1 || len(ids) != 1 || ids[0] == first[0] {
			t.Errorf("after it 20 began %d runs", n)
		}
	})
}

func TestAFailedDeliveryMayComeAgain(t *testing.T) {
	// With Again, as a sender does who is told of failures; and then once.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { throw new Error("no") }`)
		w.open()
		req := keyed("e1")
		first, _ := w.deliver(1, req)
		w.ended(first[0], runtime.Failed, "")
		if ids, n := w.deliver(1, req); n != 0 || ids[0] != first[0] {
			t.Errorf("without Again: %v", ids)
		}
		w.save("s", `async () => { await waitFor("go"); return 1 }`)
		req.Again = true
		second, n := w.deliver(20, req)
		if n != 1 || len(second) != 1 || second[0] == first[0] {
			t.Fatalf("20 began %d runs: %v", n, second)
		}
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: second[0], Name: "go"}); err != nil {
			t.Fatal(err)
		}
		w.ended(second[0], runtime.Succeeded, "1")
		if ids, n := w.deliver(1, req); n != 0 || ids[0] != second[0] {
			t.Errorf("once it has succeeded: %v", ids)
		}
	})
}

func TestTheInbox(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async (i) => { if (i.fail) throw new Error("no"); if (i.wait) await waitFor("go"); return i }`, runtime.Script{Concurrency: &runtime.Concurrency{Limit: 1}})
		w.save("t", `async () => 1`)
		w.open()
		w.end(w.begin("s", "{}").ID) // which nobody delivered
		take := func(script, key, input string) string {
			req := keyed(key)
			req.Script, req.Input = script, json.RawMessage(input)
			ids, _ := w.deliver(1, req)
			return ids[0]
		}
		failed := take("s", "e1", `{"fail":true}`)
		w.ended(failed, runtime.Failed, "")
		waits := take("s", "e2", `{"wait":true}`)
		w.is(waits, runtime.Waiting, "")
		queued, other := take("s", "e3", `{}`), take("t", "e4", `null`)
		w.ended(other, runtime.Succeeded, "1")

		list := func(q runtime.DeliveryQuery) (ids []string) {
			for {
				page, cursor, err := w.Deliveries(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range page {
					ids = append(ids, d.ID)
				}
				if q.Cursor = cursor; cursor == "" {
					return ids
				}
			}
		}
		for _, tc := range []struct {
			q    runtime.DeliveryQuery
			want []string
		}{
			{runtime.DeliveryQuery{}, []string{other, queued, waits, failed}},
			{runtime.DeliveryQuery{Limit: 1}, []string{other, queued, waits, failed}},
			{runtime.DeliveryQuery{Script: "s", Limit: 2}, []string{queued, waits, failed}},
			{runtime.DeliveryQuery{State: runtime.DeliveryReceived}, []string{queued}},
			{runtime.DeliveryQuery{State: runtime.DeliveryStarted, Limit: 1}, []string{waits}},
			{runtime.DeliveryQuery{State: runtime.DeliveryFailed, Script: "s"}, []string{failed}},
			{runtime.DeliveryQuery{State: runtime.DeliverySucceeded}, []string{other}},
			{runtime.DeliveryQuery{State: runtime.DeliveryFailed, Script: "t"}, nil},
		} {
			if diff := cmp.Diff(tc.want, list(tc.q)); diff != "" {
				t.Errorf("%+v: %s", tc.q, diff)
			}
		}

		// Delivered again, to the script as it is now, with the same input.
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: waits, Name: "go"}); err != nil {
			t.Fatal(err)
		}
		w.ended(queued, runtime.Succeeded, "{}")
		w.save("s", `async (i) => ["mended", i]`)
		again, err := w.Redeliver(t.Context(), failed)
		if err != nil || again.RedeliveryOf != failed || again.Event != "e1" || again.ID == failed {
			t.Fatalf("%+v, %v", again, err)
		}
		w.ended(again.ID, runtime.Succeeded, `["mended",{"fail":true}]`)
		if d, err := w.Delivery(t.Context(), failed); err != nil || d.State != runtime.DeliveryFailed || d.Error == nil {
			t.Errorf("the first one is %+v, %v", d, err)
		}
		for _, id := range []string{"nobody", w.begin("t", "1").ID} {
			if _, err := w.Redeliver(t.Context(), id); call.CodeOf(err) != call.CodeNotFound {
				t.Errorf("%s: %v", id, err)
			}
			if _, err := w.Delivery(t.Context(), id); call.CodeOf(err) != call.CodeNotFound {
				t.Errorf("%s: %v", id, err)
			}
		}

		// They are kept as runs are.
		w.deliver(1, keyed("e1")) // a duplicate
		for _, id := range list(runtime.DeliveryQuery{}) {
			w.end(id)
			if err := w.Delete(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		for _, table := range []string{"webhooks", "webhooks.script", "webhooks.duplicates"} {
			if n := w.rows(table); n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
		if ids := list(runtime.DeliveryQuery{}); len(ids) != 0 {
			t.Errorf("deliveries are left: %v", ids)
		}
	})
}

// patient is a store that tells whether what it was asked to keep is on disk when
// the one who asked goes on.
type patient struct {
	store.Store
	mu      sync.Mutex
	pending int // commits that nobody has waited for yet; guarded by mu
}

func (p *patient) Commit(ctx context.Context, c store.Commit) (store.Committed, error) {
	done, err := p.Store.Commit(ctx, c)
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.Relaxed {
		p.pending++
	} else {
		p.pending = 0
	}
	return done, err
}

func TestADuplicateIsAnsweredWhenTheFirstOneIsOnDisk(t *testing.T) {
	// A sender that is told so will not send it again.
	inWorld(t, func(t *testing.T, w *world) {
		p := &patient{Store: w.store}
		w.store = p
		w.save("s", `async () => { await waitFor("go") }`)
		w.open()
		for n := range 103 { // beyond those that are noted
			w.deliver(1, keyed("e1"))
			w.settle()
			p.mu.Lock()
			if n > 0 && p.pending > 0 {
				t.Errorf("after %d duplicates %d commits are not waited for", n, p.pending)
			}
			p.pending = 1 // as if the first one's were still on its way
			p.mu.Unlock()
		}
	})
}

func TestASecondStartIsAnsweredWhenTheFirstOneIsOnDisk(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := &patient{Store: w.store}
		w.store = p
		w.save("s", `async () => { await waitFor("go") }`)
		w.open()
		for n := range 3 {
			if _, created, err := w.Start(t.Context(), runtime.StartRequest{Script: "s", IdempotencyKey: "k"}); err != nil || created != (n == 0) {
				t.Fatal(n, created, err)
			}
			w.settle()
			p.mu.Lock()
			if n > 0 && p.pending > 0 {
				t.Errorf("start %d did not wait", n)
			}
			p.pending = 1 // as if the first one's were still on its way
			p.mu.Unlock()
		}
	})
}
