package script_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"reprise/runtime/script"
)

// earlier is when the revisions of the process before began to serve.
var earlier = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

type lastServed = func(context.Context) (map[string]script.Served, error)

// last stands for the store: what the registry serves is what served last, of
// the next one.
func (f *fixture) last() lastServed {
	out := map[string]script.Served{}
	for _, s := range f.registry.List() {
		if rev := s.Revision; rev != nil {
			out[s.Name] = script.Served{Revision: rev.ID, Since: earlier, Load: func(context.Context) (*script.Revision, error) {
				return script.Unpack(pack(f.t, rev))
			}}
		}
	}
	return func(context.Context) (map[string]script.Served, error) { return out, nil }
}

// restart is another registry of the same project, in another process.
func (f *fixture) restart(served lastServed) *fixture {
	f.t.Helper()
	g := &fixture{t: f.t, project: f.project, events: make(chan script.Event, 100)}
	g.registry = script.NewRegistry(script.Options{
		Project: f.project, Builder: testBuilder(), Check: checkExports, Validate: uniqueRoutes, Served: served,
		OnEvent: func(e script.Event) { g.events <- e },
	})
	if err := g.registry.Load(context.Background()); err != nil {
		f.t.Fatal(err)
	}
	return g
}

func TestWhatServedLastServesOn(t *testing.T) {
	// Whatever the reason why the file does not load now. A script that is gone
	// stays gone, and one that never served is broken.
	f := load(t, map[string]string{"scripts/syntax.ts": js(1), "scripts/throws.ts": js(2), "scripts/good.ts": js(3), "scripts/gone.ts": js(4), "scripts/rival.ts": js(5)})
	f.write("scripts/syntax.ts", "export default (")
	f.write("scripts/throws.ts", "throw new Error('THROWS'); export default 1;")
	f.write("scripts/rival.js", js(6))
	f.write("scripts/never.ts", "export default (")
	f.remove("scripts/gone.ts")
	g := f.restart(f.last())
	g.await(script.EventLoaded, "good")
	for _, name := range []string{"rival", "syntax", "throws"} {
		e, before := g.await(script.EventFailed, name), f.registry.Current(name)
		want := name + ": the file does not load; revision " + before.ID + " of 2026-11-22 09:30:00 UTC, which served last, goes on serving"
		if e.Message != want || e.Err == nil || e.Unused != nil || !e.Since.Equal(earlier) || e.Revision == nil || e.Revision.ID != before.ID {
			t.Errorf("%s: %+v", name, e)
		}
		s := g.state(name, script.Stale)
		if s.Revision.ID != before.ID || !s.LoadedAt.Equal(earlier) || s.Failure() == nil || s.FailedAt.IsZero() {
			t.Errorf("%s is %+v", name, s)
		}
	}
	if e := g.await(script.EventFailed, "never"); e.Message != "never does not load" || e.Revision != nil || !e.Since.IsZero() {
		t.Errorf("%+v", e)
	}
	g.state("never", script.Broken)
	g.none()
	if _, ok := g.registry.Get("gone"); ok {
		t.Error("a script came back that was removed")
	}

	// From here on it is as after any broken save.
	g.watch()
	g.write("scripts/syntax.ts", "\n\nexport default (")
	if e := g.await(script.EventFailed, "syntax"); !strings.Contains(e.Message, "the newest save does not load; revision "+e.Revision.ID+" keeps serving") {
		t.Errorf("%+v", e)
	}
	g.write("scripts/syntax.ts", js(1)) // what serves already
	if e := g.await(script.EventRecovered, "syntax"); e.Revision.ID != f.registry.Current("syntax").ID {
		t.Errorf("%+v", e)
	}
	g.write("scripts/throws.ts", js(20))
	if e := g.await(script.EventRecovered, "throws"); e.Previous != f.registry.Current("throws").ID {
		t.Errorf("%+v", e)
	}
	g.remove("scripts/rival.js")
	g.await(script.EventRecovered, "rival")
	g.remove("scripts/rival.ts")
	g.await(script.EventRemoved, "rival")
	g.none()
}

func TestNobodyIsAskedWhatServedLast(t *testing.T) {
	// While all scripts load, a start does not wait for the store.
	f := load(t, map[string]string{"scripts/a.ts": route("/a"), "scripts/b.ts": route("/b")})
	g := f.restart(func(context.Context) (map[string]script.Served, error) {
		t.Error("somebody asks")
		return nil, nil
	})
	g.await(script.EventLoaded, "a")
	g.await(script.EventLoaded, "b")
}

func TestANewRouteTakesNoneThatServedLast(t *testing.T) {
	// It comes first by name, and was saved while nothing ran.
	for name, second := range map[string]string{"of a script that loads": route("/x"), "of a script that does not": "export default ("} {
		t.Run(name, func(t *testing.T) {
			f := load(t, map[string]string{"scripts/a.ts": route("/a"), "scripts/b.ts": route("/x")})
			f.write("scripts/a.ts", route("/x"))
			f.write("scripts/b.ts", second)
			g := f.restart(f.last())
			g.state("a", script.Stale)
			if a, b := g.registry.Current("a"), g.registry.Current("b"); a.Config.HTTP.Path != "/a" || b.Config.HTTP.Path != "/x" {
				t.Errorf("a serves %+v, b %+v", a.Config.HTTP, b.Config.HTTP)
			}
			// Once it is free, the newcomer gets it.
			for len(g.events) > 0 {
				<-g.events
			}
			g.watch()
			g.write("scripts/b.ts", route("/b"))
			for g.registry.Current("a").Config.HTTP.Path != "/x" {
				<-g.events
			}
			g.state("a", script.Live)
			g.state("b", script.Live)
		})
	}
}

func TestWhatServedLastMayNotBeAbleTo(t *testing.T) {
	// Then the script is broken, and it is said why.
	broken := errors.New("its bytes are damaged")
	for name, tc := range map[string]struct {
		files map[string]string // beside a, which is broken
		load  func(rev *script.Revision) (*script.Revision, error)
		says  string
	}{
		"it does not load": {nil, func(*script.Revision) (*script.Revision, error) { return nil, broken }, "its bytes are damaged"},
		"its handlers do not fit": {nil, func(rev *script.Revision) (*script.Revision, error) {
			other := *rev
			other.Handlers = []string{"fetch"}
			return &other, nil
		}, "scheduled"},
	} {
		t.Run(name, func(t *testing.T) {
			f := load(t, map[string]string{"scripts/a.ts": "export const config = { schedule: \"@daily\" };\n" + js(1)}, func(o *script.Options) { o.Check = nil })
			rev := f.registry.Current("a")
			f.write("scripts/a.ts", "export default (")
			g := f.restart(func(context.Context) (map[string]script.Served, error) {
				return map[string]script.Served{"a": {Revision: rev.ID, Since: earlier, Load: func(context.Context) (*script.Revision, error) { return tc.load(rev) }}}, nil
			})
			e := g.await(script.EventFailed, "a")
			if e.Unused == nil || !strings.Contains(e.Unused.Error(), "revision "+rev.ID+" of 2026-11-22 09:30:00 UTC, which served last, can not serve instead: ") ||
				!strings.Contains(e.Unused.Error(), tc.says) || e.Message != "a does not load" {
				t.Errorf("%+v", e)
			}
			g.state("a", script.Broken)
		})
	}
	t.Run("its route is taken", func(t *testing.T) {
		// By one that is new itself: c gave up what a took, and then did not get its own.
		f := load(t, map[string]string{"scripts/a.ts": route("/a"), "scripts/c.ts": route("/c"), "scripts/z.ts": route("/z")})
		f.write("scripts/a.ts", route("/c"))
		f.write("scripts/c.ts", route("/z"))
		g := f.restart(f.last())
		g.await(script.EventLoaded, "z")
		g.await(script.EventLoaded, "a")
		if e := g.await(script.EventFailed, "c"); !strings.Contains(e.Err.Error(), "z.ts has this path already") || !strings.Contains(e.Unused.Error(), "can not serve instead: ") ||
			!strings.Contains(e.Unused.Error(), "a.ts has this path already") {
			t.Errorf("%+v", e)
		}
		g.state("c", script.Broken)
	})
	t.Run("nobody knows", func(t *testing.T) {
		f := load(t, map[string]string{"scripts/a.ts": js(1)})
		f.write("scripts/a.ts", "export default (")
		g := f.restart(func(context.Context) (map[string]script.Served, error) { return nil, broken })
		g.await(script.EventFailed, "a")
		g.state("a", script.Broken)
	})
}
