package script_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reprise/runtime/call"
	"reprise/runtime/proc"
	"reprise/runtime/script"
)

// TestMain makes this test binary the builder processes of its tests, too.
func TestMain(m *testing.M) {
	proc.Main(builderRoles)
	goleak.VerifyTestMain(m)
}

// fixture is a project with a registry whose events arrive on a channel.
type fixture struct {
	t        testing.TB
	project  *script.Project
	registry *script.Registry
	events   chan script.Event
}

// checkExports stands for the engine: what a script exports is in its source.
func checkExports(_ context.Context, rev *script.Revision) ([]string, error) {
	if strings.Contains(string(rev.Code), "THROWS") {
		return nil, call.Errorf(call.CodeLoad, "the top level threw")
	}
	return []string{"fetch"}, nil
}

// uniqueRoutes stands for the server: no two scripts may have the same path.
func uniqueRoutes(others []*script.Revision, newcomer *script.Revision) error {
	for _, o := range others {
		if newcomer.Config.HTTP != nil && o.Config.HTTP != nil && o.Config.HTTP.Path == newcomer.Config.HTTP.Path {
			return newcomer.ConfigError([]string{"http", "path"}, "%s has this path already", o.File)
		}
	}
	return nil
}

func load(t testing.TB, files map[string]string, change ...func(*script.Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, project: writeProject(t, files), events: make(chan script.Event, 10_000)}
	o := script.Options{Project: f.project, Builder: testBuilder(), Check: checkExports, Validate: uniqueRoutes, OnEvent: func(e script.Event) { f.events <- e }}
	for _, c := range change {
		c(&o)
	}
	f.registry = script.NewRegistry(o)
	if err := f.registry.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	return f
}

// watch watches until the test ends.
func (f *fixture) watch() {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.registry.Watch(ctx); err != nil {
			f.t.Error(err)
		}
	})
	f.t.Cleanup(func() { cancel(); wg.Wait() })
	f.await(script.EventWatching, "")
}

// await returns the next event, which must be this one.
func (f *fixture) await(kind script.EventKind, name string) script.Event {
	f.t.Helper()
	select {
	case e := <-f.events:
		if e.Kind != kind || e.Script != name {
			f.t.Fatalf("event %s %s (%v), want %s %s", e.Kind, e.Script, e.Err, kind, name)
		}
		return e
	case <-time.After(20 * time.Second):
		f.t.Fatalf("no event; want %s %s", kind, name)
	}
	return script.Event{}
}

// awaitAll waits for one event of the kind for each of the scripts, in any order.
func (f *fixture) awaitAll(kind script.EventKind, names ...string) {
	f.t.Helper()
	missing := map[string]bool{}
	for _, n := range names {
		missing[n] = true
	}
	for len(missing) > 0 {
		select {
		case e := <-f.events:
			if e.Kind != kind || !missing[e.Script] {
				f.t.Fatalf("event %s %s (%v), want %s of %v", e.Kind, e.Script, e.Err, kind, missing)
			}
			delete(missing, e.Script)
		case <-time.After(20 * time.Second):
			f.t.Fatalf("no event; want %s of %v", kind, missing)
		}
	}
}

// none fails if there was another event.
func (f *fixture) none() {
	f.t.Helper()
	select {
	case e := <-f.events:
		f.t.Fatalf("unexpected event %s %s: %v", e.Kind, e.Script, e.Err)
	default:
	}
}

func (f *fixture) write(name, text string) { f.t.Helper(); write(f.t, f.project.Root+"/"+name, text) }

func (f *fixture) remove(name string) {
	f.t.Helper()
	if err := os.RemoveAll(f.project.Root + "/" + name); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) rename(from, to string) {
	f.t.Helper()
	if err := os.Rename(f.project.Root+"/"+from, f.project.Root+"/"+to); err != nil {
		f.t.Fatal(err)
	}
}

// state fails unless the script stands like this.
func (f *fixture) state(name string, want script.Status) script.State {
	f.t.Helper()
	s, ok := f.registry.Get(name)
	if !ok || s.Status != want {
		f.t.Fatalf("%s is %q (%v), want %q", name, s.Status, s.Err, want)
	}
	if (f.registry.Current(name) != nil) != (want != script.Broken) {
		f.t.Fatalf("%s is %s, and its current revision is %v", name, want, f.registry.Current(name))
	}
	return s
}

func js(n int) string { return fmt.Sprintf("export default () => %d;\n", n) }

func route(path string) string {
	return fmt.Sprintf("export const config = { http: { path: %q } };\nexport default () => 1;\n", path)
}

func TestLoad(t *testing.T) {
	f := load(t, map[string]string{
		"scripts/b/good.ts": js(1),
		"scripts/bad.ts":    "export default (",
		"scripts/throws.ts": "throw new Error('THROWS'); export default 1;",
		"scripts/r1.ts":     route("/x"),
		"scripts/r2.ts":     route("/x"),
	})
	f.await(script.EventLoaded, "b/good")
	f.await(script.EventFailed, "bad")
	f.await(script.EventLoaded, "r1")
	f.await(script.EventFailed, "r2")
	f.await(script.EventFailed, "throws")
	f.none()
	if s := f.state("b/good", script.Live); s.Revision.Handlers[0] != "fetch" || s.LoadedAt.IsZero() || s.Failure() != nil {
		t.Errorf("state = %+v", s)
	}
	s := f.state("bad", script.Broken)
	if fail := s.Failure(); fail.Code != "COMPILE_ERROR" || fail.Src.Line == 0 || fail.Frame == "" || fail.Name != "CompileError" {
		t.Errorf("failure = %+v", fail)
	}
	s = f.state("r2", script.Broken)
	if fail := s.Failure(); fail.Code != "CONFIG_ERROR" || fail.Message != "scripts/r1.ts has this path already" ||
		fail.Frame != "> 1 | export const config = { http: { path: \"/x\" } };\n    |                                       ^^^^" {
		t.Errorf("failure = %+v\n%s", fail, fail.Frame)
	}
	s = f.state("throws", script.Broken)
	if fail := s.Failure(); fail.Code != "LOAD_ERROR" {
		t.Errorf("failure = %+v", fail)
	}
	var names []string
	for _, s := range f.registry.List() {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "b/good bad r1 r2 throws" {
		t.Errorf("list = %s", got)
	}
}

func TestLoadStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := script.NewRegistry(script.Options{Project: writeProject(t, map[string]string{"a.ts": js(1)}), Builder: testBuilder()})
	if err := r.Load(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func TestCurrentIsSafeWhileLoading(t *testing.T) {
	f := load(t, map[string]string{"a.ts": js(1)})
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if f.registry.Current("a") == nil {
						t.Error("there was no revision for a moment")
						return
					}
				}
			}
		})
	}
	for i := range 20 {
		f.write("a.ts", js(i))
		if err := f.registry.Load(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
}
