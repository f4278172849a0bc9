package runtime_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/runtime/worker"
	"reprise/store/badger"
)

// replayedCalls is how long the history of BenchmarkReplay is.
const replayedCalls = 1000

// BenchmarkReplay plays a run of a thousand calls again: the journal is read
// from the store, a VM is made, every turn executed and compared.
func BenchmarkReplay(b *testing.B) {
	s, err := badger.Open(badger.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	host := worker.New(worker.Options{Platform: web.Platform(), Modules: []vm.Module{testModule{}}})
	handlers, err := host.Load(worker.Revision{ID: "r1", Script: "s", Code: []byte(`(async (__reprise) => { "use strict"; const { read } = __reprise.module("test");
		__reprise.exports({ default: async (n) => { let sum = 0; for (let i = 0; i < n; i++) sum += (await read({ i, name: "a call" })).i; return sum; } }); })`)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	e, err := runtime.New(b.Context(), runtime.Options{
		Store: s, Log: &recorder{}, Workers: host, Bindings: []runtime.Binding{&testBinding{}},
		Scripts: scripts{"s": {Name: "s", Revision: "r1", Handlers: handlers}},
		Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	e.Run()
	defer func() { _ = e.Close(context.WithoutCancel(b.Context())) }()
	run, _, err := e.Start(b.Context(), runtime.StartRequest{Script: "s", Input: json.RawMessage("1000")})
	if err == nil {
		run, err = e.Wait(b.Context(), run.ID, time.Minute)
	}
	if err != nil || string(run.Output) != "499500" {
		b.Fatalf("run = %+v, %v", run, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		report, err := e.Replay(b.Context(), run.ID, runtime.ReplayRequest{})
		if err != nil || report.Divergence != nil {
			b.Fatalf("%+v, %v", report, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*replayedCalls), "µs/call")
}
