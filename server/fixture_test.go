package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/runtime/script"
	"reprise/runtime/worker"
	"reprise/server/metrics"
)

// engine answers at once, or when it is let go.
type engine struct {
	entered chan struct{} // one for every request, if set
	release chan struct{}
}

func (e *engine) Fetch(script string, _ *worker.Request) runtime.FetchResult {
	if e.release != nil {
		e.entered <- struct{}{}
		<-e.release
	}
	return runtime.FetchResult{Run: "r1", Response: &worker.Response{Status: 200, Body: call.Bytes([]byte("from " + script))}}
}

func (e *engine) Start(context.Context, runtime.StartRequest) (runtime.Run, bool, error) {
	return runtime.Run{ID: "r1", Status: runtime.Running}, true, nil
}

func (e *engine) Deliver(context.Context, runtime.DeliverRequest) (runtime.Run, bool, error) {
	return runtime.Run{ID: "r1", Status: runtime.Running}, false, nil
}

func (e *engine) Deliveries(context.Context, runtime.DeliveryQuery) ([]runtime.Delivery, string, error) {
	return nil, "", nil
}

func (e *engine) Delivery(_ context.Context, id string) (runtime.Delivery, error) {
	return runtime.Delivery{}, call.Errorf(call.CodeNotFound, "there is no delivery %s", id)
}

func (e *engine) Redeliver(ctx context.Context, id string) (runtime.Delivery, error) {
	return e.Delivery(ctx, id)
}

func (e *engine) Wait(ctx context.Context, _ string, _ time.Duration) (runtime.Run, error) {
	if e.entered != nil {
		e.entered <- struct{}{}
	}
	<-ctx.Done()
	return runtime.Run{}, context.Cause(ctx)
}

func (e *engine) Get(_ context.Context, id string) (runtime.Run, error) {
	return runtime.Run{}, call.Errorf(call.CodeNotFound, "there is no run %s", id)
}

func (e *engine) List(context.Context, runtime.ListQuery) ([]runtime.Run, string, error) {
	return nil, "", nil
}
func (e *engine) Delete(context.Context, string) error { return nil }
func (e *engine) RunKey(id string) string              { return "key-of-" + id }
func (e *engine) Stats(string) runtime.Stats           { return runtime.Stats{Requests: 7} }

func (e *engine) NextRuns(_ string, n int) []time.Time {
	return []time.Time{time.Unix(int64(n), 0).UTC()}
}

func (e *engine) Ask(_ context.Context, run string, ask uint64, key string) (runtime.AskForm, error) {
	if key != "k" {
		return runtime.AskForm{}, call.Errorf(call.CodeNotFound, "no")
	}
	return runtime.AskForm{Run: run, Call: ask, Title: "Go on?"}, nil
}

func (e *engine) Answer(context.Context, string, uint64, string, json.RawMessage) error { return nil }

// What is not of interest here is not done.

func (e *engine) Cancel(context.Context, string) (runtime.Run, error) { return runtime.Run{}, nil }
func (e *engine) Kill(context.Context, string) (runtime.Run, error)   { return runtime.Run{}, nil }
func (e *engine) Pause(context.Context, string) (runtime.Run, error)  { return runtime.Run{}, nil }

func (e *engine) Resume(context.Context, string, runtime.ResumeRequest) (runtime.Run, error) {
	return runtime.Run{}, nil
}

func (e *engine) Retry(context.Context, string, runtime.RetryRequest) (runtime.Run, error) {
	return runtime.Run{}, nil
}

func (e *engine) Fork(context.Context, string, runtime.ForkRequest) (runtime.Run, error) {
	return runtime.Run{}, nil
}

func (e *engine) Upgrade(context.Context, string, string) (runtime.Run, error) {
	return runtime.Run{}, nil
}
func (e *engine) Signal(context.Context, runtime.SignalRequest) error { return nil }
func (e *engine) Journal(context.Context, string) ([]runtime.JournalRecord, error) {
	return nil, nil
}

func (e *engine) Replay(context.Context, string, runtime.ReplayRequest) (runtime.ReplayReport, error) {
	return runtime.ReplayReport{}, nil
}

func (e *engine) Check(context.Context, runtime.CheckRequest) (runtime.CheckReport, error) {
	return runtime.CheckReport{}, nil
}

// registry is a list of states that can be replaced.
type registry struct {
	mu     sync.Mutex
	states []script.State
}

func (r *registry) List() []script.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states
}

func (r *registry) Get(name string) (script.State, bool) {
	for _, s := range r.List() {
		if s.Name == name {
			return s, true
		}
	}
	return script.State{}, false
}

func (r *registry) set(states ...script.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = states
}

func state(name string, http *script.HTTP) script.State {
	file := "scripts/" + name + ".ts"
	return script.State{
		Script: script.Script{Name: name, File: file}, Status: script.Live, LoadedAt: time.Unix(1, 0).UTC(),
		Revision: &script.Revision{Script: name, File: file, ID: "9f2c", Handlers: []string{"fetch"}, Config: script.Config{HTTP: http}, Bytes: 5},
	}
}

type fixture struct {
	*Server
	registry *registry
	dir      string
	http     *http.Client
}

// newFixture starts a server on free ports.
func newFixture(t *testing.T, change func(*Options)) *fixture {
	t.Helper()
	log, err := logs.Open(t.Context(), logs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{registry: &registry{states: []script.State{state("hello", nil)}}, dir: t.TempDir(), http: &http.Client{Transport: &http.Transport{}}}
	o := Options{
		Addr: "127.0.0.1:0", Admin: "127.0.0.1:0", DataDir: f.dir, Engine: &engine{}, Scripts: f.registry, Log: log,
		Metrics: metrics.New(metrics.Options{Version: "1.0"}), Version: "1.0", Project: "/p", Dev: true,
	}
	if change != nil {
		change(&o)
	}
	if f.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.http.CloseIdleConnections()
		if err := f.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := f.http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
