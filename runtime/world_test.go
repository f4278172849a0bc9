// A world is an engine with several scripts, real stdlib modules, a clock of its
// own (testing/synctest), edits of scripts, and restarts on the same store.

package runtime_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reprise/bindings/kv"
	"reprise/bindings/retry"
	"reprise/bindings/run"
	"reprise/connections/egress"
	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/runtime/worker"
	"reprise/stdlib"
	"reprise/store"
	"reprise/store/badger"
)

// world outlives its engine: restart makes another one on the same store.
type world struct {
	*runtime.Engine
	t       *testing.T
	store   store.Store
	log     *recorder
	binding *testBinding
	more    []runtime.Binding // e.g. a real HTTP binding
	modules []vm.Module
	options runtime.Options // what a test wants to be different
	host    *worker.Host
	mu      sync.Mutex
	current map[string]*runtime.Script
	packed  map[string][]byte
	packing func(id string) // called before a revision is packed

	unpacking func(id string)                     // called before a revision is loaded from the store
	workers   func(worker.Workers) worker.Workers // stands between the engine and the host
}

// edition is what a revision is packed as.
type edition struct {
	Name, Expr string
	Config     runtime.Script
}

// inWorld runs a test in a bubble, where time is free.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		f(t, w)
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := badger.Open(badger.Options{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: s, log: &recorder{}, binding: &testBinding{}, packed: map[string][]byte{}, current: map[string]*runtime.Script{}}
	return w
}

func (w *world) close() {
	w.stop()
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) stop() {
	w.t.Helper()
	if w.Engine != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			w.t.Error(err)
		}
		w.Engine = nil
	}
}

// open starts an engine; scripts have to be saved before they are started.
func (w *world) open() *world {
	w.t.Helper()
	w.host = worker.New(worker.Options{Platform: web.Platform(), Modules: append([]vm.Module{testModule{}, run.Module(), retry.Module(), kv.Module()}, w.modules...)})
	for name, s := range w.current {
		if _, err := w.load(s.Revision); err != nil {
			w.t.Fatal(name, err)
		}
	}
	o := w.options
	o.Store, o.Log, o.Workers, o.Scripts, o.Revisions = w.store, w.log, w.host, w, w
	if w.workers != nil {
		o.Workers = w.workers(w.host)
	}
	o.Bindings = append([]runtime.Binding{w.binding, kv.New(w.store)}, w.more...)
	o.URL = func() string { return "http://127.0.0.1:8080" }
	o.Logger = slog.New(slog.NewTextHandler(w.log, nil))
	var err error
	if w.Engine, err = runtime.New(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
	w.Bind(run.New(w.Engine))
	w.Run()
	return w
}

// restart is the orderly end of a process and the begin of the next.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.open()
}

// save makes expr, a default export, the script's current revision.
func (w *world) save(name, expr string, config ...runtime.Script) {
	w.t.Helper()
	e := edition{Name: name, Expr: expr}
	if len(config) > 0 {
		e.Config = config[0]
	}
	b, err := json.Marshal(e)
	if err != nil {
		w.t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	id := hex.EncodeToString(sum[:6])
	w.packed[id] = b
	s := &runtime.Script{Revision: id}
	if w.host != nil {
		if s, err = w.load(id); err != nil {
			w.t.Fatal(err)
		}
		if old := w.current[name]; old != nil {
			w.host.Forget(old.Revision)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current[name] = s
}

// limit gives a script other limits, as an edit of its config does: another
// revision, of the same code.
func (w *world) limit(name string, l call.Limits) {
	w.t.Helper()
	var e edition
	if err := json.Unmarshal(w.packed[w.Current(name).Revision], &e); err != nil {
		w.t.Fatal(err)
	}
	e.Config.Limits = l
	w.save(name, e.Expr, e.Config)
}

var exportedName = regexp.MustCompile(`(?m)^export (?:const|async function) (\w+)`)

// moduleText is a module of stdlib as a constant with its exports.
func (w *world) moduleText(name string) string {
	text, ok := stdlib.Module(name)
	if !ok {
		w.t.Fatalf("there is no module %s", name)
	}
	var names []string
	for _, m := range exportedName.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return `(() => {` + strings.ReplaceAll(text, "\nexport ", "\n") + "\nreturn { " + strings.Join(names, ", ") + " }; })()"
}

// load makes the workers hold a revision once more.
func (w *world) load(id string) (*runtime.Script, error) {
	var e edition
	if err := json.Unmarshal(w.packed[id], &e); err != nil {
		return nil, err
	}
	extra := ""
	for _, m := range w.modules {
		extra += `const ` + m.Name() + ` = __reprise.module("` + m.Name() + `"); `
	}
	code := `(async (__reprise) => { "use strict"; const { read, write, put, timer } = __reprise.module("test"); const { kv } = __reprise.module("kv"); ` + extra + `
		const { current, sleep, waitFor, signal, start, invoke, publish, continueAs, ask, step } = ` + w.moduleText("run") + `;
		__reprise.exports({ default: ` + e.Expr + ` }); })`
	handlers, err := w.host.Load(worker.Revision{ID: id, Script: e.Name, Code: []byte(code)}, nil)
	if err != nil {
		return nil, err
	}
	s := e.Config
	s.Name, s.File, s.Revision, s.Handlers = e.Name, "scripts/"+e.Name+".ts", id, handlers
	if s2 := w.current[e.Name]; s2 != nil && s2.Revision == id {
		*s2 = s
	}
	return &s, nil
}

func (w *world) Current(name string) *runtime.Script {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current[name]
}

func (w *world) Pack(id string) ([]byte, error) {
	if w.packing != nil {
		w.packing(id)
	}
	if packed, ok := w.packed[id]; ok {
		return packed, nil
	}
	return nil, call.Errorf(call.CodeNotFound, "the revision %s is not loaded", id)
}

func (w *world) Unpack(b []byte) (*runtime.Script, error) {
	sum := sha256.Sum256(b)
	id := hex.EncodeToString(sum[:6])
	w.packed[id] = b
	if w.unpacking != nil {
		w.unpacking(id)
	}
	return w.load(id)
}

// Build takes the source to be an expression.
func (w *world) Build(_ context.Context, name, source string) (*runtime.Script, []byte, error) {
	if strings.Contains(source, "syntax error") {
		return nil, nil, call.Errorf(call.CodeInvalidArgument, "it does not build")
	}
	b, err := json.Marshal(edition{Name: name, Expr: source})
	if err != nil {
		return nil, nil, err
	}
	s, err := w.Unpack(b)
	return s, b, err
}

func (w *world) begin(script, input string) runtime.Run {
	w.t.Helper()
	r, _, err := w.Start(w.t.Context(), runtime.StartRequest{Script: script, Input: json.RawMessage(input)})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// run starts a run and lets time pass until everything waits for others.
func (w *world) settle() { synctest.Wait() }

func (w *world) get(id string) runtime.Run {
	w.t.Helper()
	r, err := w.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// end waits until the run has ended. A bubble's time is not quite free: Badger
// ticks on.
func (w *world) end(id string) runtime.Run {
	w.t.Helper()
	r, err := w.Wait(w.t.Context(), id, 26*time.Hour)
	if err != nil || !r.Status.Ended() {
		w.t.Fatalf("the run does not end: %+v, %v", r, err)
	}
	return r
}

// is waits for a status.
func (w *world) is(id string, want runtime.Status, reason string) runtime.Run {
	w.t.Helper()
	var r runtime.Run
	for range 2000 {
		synctest.Wait()
		if r = w.get(id); r.Status == want && (reason == "" || r.Reason == reason) {
			return r
		}
		<-time.After(5 * time.Millisecond)
	}
	w.t.Fatalf("the run is %s (%s), not %s (%s): %v, %+v\n%s", r.Status, r.Reason, want, reason, r.Error, r.Divergence, w.log.text())
	return r
}

func (w *world) ended(id string, want runtime.Status, output string) runtime.Run {
	w.t.Helper()
	r := w.end(id)
	if r.Status != want || output != "" && string(r.Output) != output {
		w.t.Fatalf("the run ended as %s (%s) with %s, error %v; want %s with %s\n%s", r.Status, r.Reason, r.Output, r.Error, want, output, w.log.text())
	}
	return r
}

// did is what the test binding performed since the last time.
func (w *world) did() string {
	w.binding.mu.Lock()
	defer w.binding.mu.Unlock()
	s := strings.Join(w.binding.started, ", ")
	w.binding.started = nil
	return s
}

func wantCode(t *testing.T, err error, code call.Code, text string) {
	t.Helper()
	if call.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("error = %v, want %s with %q", err, code, text)
	}
}

// loopback lets scripts call the upstreams of a test.
func loopback(t *testing.T) *egress.Policy {
	t.Helper()
	p, err := egress.New(egress.Options{Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
