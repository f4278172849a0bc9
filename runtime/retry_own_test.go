package runtime_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/vm"
)

func TestRetryOfWhatTheScriptThrew(t *testing.T) {
	// An error of the script's own stems from no call as far as anybody can see.
	// What may be the reason is asked again; what was written is not written twice.
	upstreams, err := connections.NewSet()
	if err != nil {
		t.Fatal(err)
	}
	vault, err := connections.NewSecrets(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		method string
		status int // before it is repaired
		asked  int64
		ends   runtime.Status
		says   string
	}{
		"a write that was refused":  {"POST", 500, 2, runtime.Succeeded, "/x is called again"},
		"a read":                    {"GET", 200, 2, runtime.Succeeded, "/x is called again"},
		"a write that was accepted": {"POST", 200, 1, runtime.Failed, "no call is made again"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			var repaired atomic.Bool
			upstream := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				if !repaired.Load() {
					rw.WriteHeader(tc.status)
					_, _ = rw.Write([]byte(`"bad"`))
					return
				}
				_, _ = rw.Write([]byte(`"good"`))
			}))
			defer upstream.Close()
			w := newWorld(t)
			w.more = []runtime.Binding{httpbind.New(httpbind.Options{Connections: upstreams, Secrets: vault, Egress: loopback(t)})}
			w.modules = []vm.Module{httpbind.Module()}
			defer w.close()
			w.save("s", `async () => { const r = await fetch("`+upstream.URL+`/x", { method: "`+tc.method+`" }); if (await r.json() !== "good") throw new Error("no good: " + r.status); return 1; }`)
			w.open()
			id := w.begin("s", "").ID
			if r, err := w.Wait(t.Context(), id, 10*time.Second); err != nil || r.Status != runtime.Failed {
				t.Fatal(r.Status, r.Error, err)
			}
			repaired.Store(true)
			retried(t, w, id)
			r, err := w.Wait(t.Context(), id, 10*time.Second)
			if err != nil || r.Status != tc.ends || asked.Load() != tc.asked {
				t.Errorf("run = %s, %v, %v; asked %d times", r.Status, r.Error, err, asked.Load())
			}
			if !strings.Contains(w.log.text(), tc.says) {
				t.Errorf("the log lacks %q:\n%s", tc.says, w.log.text())
			}
		})
	}
}

func TestATurnThatWasCutOffIsExecutedAgain(t *testing.T) {
	// The clock may have stood still; a loop without end fails all the same.
	w := newWorld(t) // a busy loop stands still in a bubble's time
	defer w.close()
	w.save("s", `async () => { await write("a"); for (;;) {} }`)
	w.open()
	r, err := w.Wait(t.Context(), w.begin("s", "").ID, time.Minute)
	if err != nil || r.Status != runtime.Failed || r.Error.Code != "RESOURCE_ERROR" {
		t.Fatal(r.Status, r.Error, err)
	}
	if got := w.did(); got != "write a" {
		t.Errorf("performed: %s", got)
	}
	for _, want := range []string{"try 2 of 3", "try 3 of 3"} {
		if !strings.Contains(w.log.text(), want) {
			t.Errorf("the log lacks %q:\n%s", want, w.log.text())
		}
	}
}

func TestACutOffLeavesNoWriteInDoubt(t *testing.T) {
	// What is under way beside the turn comes to its end first, and is not made again.
	w := newWorld(t)
	defer w.close()
	var writes atomic.Int64
	w.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
		if p.Call.Class == call.Write {
			writes.Add(1)
			select {
			case <-time.After(1500 * time.Millisecond): // longer than a turn may take
			case <-ctx.Done():
				return call.Failed(p.Call.ID, call.From(context.Cause(ctx)))
			}
		}
		return call.OK(p.Call.ID, p.Call.Args)
	}
	w.save("s", `async () => { write("slow"); await read("a"); for (;;) {} }`)
	w.open()
	r, err := w.Wait(t.Context(), w.begin("s", "").ID, 20*time.Second)
	if err != nil || r.Status != runtime.Failed || writes.Load() != 1 {
		t.Fatalf("run = %s (%s), %v, %v; %d writes", r.Status, r.Reason, r.Error, err, writes.Load())
	}
}
