package crashtest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reprise/bindings/authbind"
	"reprise/bindings/httpbind"
	"reprise/bindings/kv"
	"reprise/bindings/retry"
	"reprise/bindings/run"
	"reprise/bindings/secrets"
	"reprise/bindings/std"
	"reprise/connections"
	"reprise/runtime"
	"reprise/runtime/logs"
	"reprise/runtime/script"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/runtime/worker"
	"reprise/store"
)

// What is tested has time, on a busy machine too.
var _ = vm.LimitTurns(time.Minute)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

// lab is what all lives share: the built scripts and the VMs.
type lab struct {
	workers *worker.Host
	scripts map[string]*runtime.Script
	sources map[string]*script.Revision
}

// Current implements runtime.Scripts.
func (l *lab) Current(name string) *runtime.Script { return l.scripts[name] }

var laboratory = sync.OnceValues(func() (*lab, error) {
	l := newLab()
	for _, dir := range []string{"testdata", "../.."} {
		if err := l.loadProject(dir); err != nil {
			return nil, err
		}
	}
	return l, nil
})

func newLab() *lab {
	return &lab{
		scripts: map[string]*runtime.Script{}, sources: map[string]*script.Revision{},
		workers: worker.New(worker.Options{
			Platform: web.Platform(), Connect: httpbind.Connect, TurnBudget: time.Minute,
			Modules: []vm.Module{httpbind.Module(), kv.Module(), run.Module(), retry.Module(), authbind.Module(), secrets.Module(), std.Module()},
		}),
	}
}

func theLab(t testing.TB) *lab {
	t.Helper()
	l, err := laboratory()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) loadProject(dir string) error {
	project, err := script.OpenProject(dir)
	if err != nil {
		return err
	}
	list, err := project.List()
	if err != nil {
		return err
	}
	builder := script.NewBuilder(script.BuilderOptions{})
	for _, s := range list {
		rev, err := builder.Build(context.Background(), project, s)
		if err != nil {
			return err
		}
		if err := l.load(rev); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) load(rev *script.Revision) error {
	handlers, err := l.workers.Load(worker.Revision{ID: rev.ID, Script: rev.Script, Code: rev.Code, Map: rev.Map}, nil)
	if err != nil {
		return err
	}
	c := &rev.Config
	s := &runtime.Script{
		Name: rev.Script, File: rev.File, Revision: rev.ID, Handlers: handlers,
		Strict: c.Durability == script.DurabilityStrict, PauseOnFailure: c.OnFailure == script.OnFailurePause, OnFailed: c.OnFailed, Connections: []string{"up"},
	}
	if c.Concurrency != nil {
		s.Concurrency = &runtime.Concurrency{Limit: c.Concurrency.Limit, Key: c.Concurrency.Key}
	}
	if c.Rate != nil {
		s.Rate = &runtime.Rate{Limit: c.Rate.Limit, Per: time.Duration(c.Rate.Per), Key: c.Rate.Key}
	}
	l.scripts[rev.Script], l.sources[rev.Script] = s, rev
	return nil
}

// deaf is a log that nobody reads.
type deaf struct{}

func (deaf) Emit(logs.Entry) uint64 { return 0 }

// engine makes an engine on a store, whose upstream is up. No workers are the
// lab's own.
func (l *lab) engine(ctx context.Context, s store.Store, up *upstream, workers worker.Workers) (*runtime.Engine, *httpbind.Binding, error) {
	if workers == nil {
		workers = l.workers
	}
	set, err := connections.NewSet(connections.Upstream{Name: "up", BaseURL: "http://up.example"})
	if err != nil {
		return nil, nil, err
	}
	if err := set.SetSelf("http://127.0.0.1:8080"); err != nil {
		return nil, nil, err
	}
	http := httpbind.New(httpbind.Options{Connections: set, Transport: up, Random: func() float64 { return 0.5 }})
	e, err := runtime.New(ctx, runtime.Options{
		Store: s, Log: deaf{}, Scripts: l, Workers: workers, Env: json.RawMessage(`{}`),
		Bindings: []runtime.Binding{http, kv.New(s)}, Logger: slog.New(slog.NewTextHandler(logOutput, nil)),
		URL: func() string { return "http://127.0.0.1:8080" },
	})
	if err != nil {
		return nil, nil, err
	}
	e.Bind(run.New(e))
	return e, http, nil
}

// logOutput is where engines complain: CRASHTEST_LOG=1 shows it.
var logOutput = func() io.Writer {
	if os.Getenv("CRASHTEST_LOG") != "" {
		return os.Stderr
	}
	return io.Discard
}()
