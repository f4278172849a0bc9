package script_test

import (
	"fmt"
	"log/slog"
	"os"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"reprise/runtime/script"
)

// Every test of watching runs twice: with the system's reports, and polling.
func watching(t *testing.T, files map[string]string, test func(t *testing.T, f *fixture)) {
	for name, poll := range map[string]time.Duration{"notify": 0, "poll": 10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := load(t, files, func(o *script.Options) { o.Poll = poll })
			for range f.registry.List() {
				<-f.events
			}
			f.watch()
			test(t, f)
			f.none()
		})
	}
}

func TestSaveUpdatesOneScript(t *testing.T) {
	watching(t, map[string]string{"scripts/a.ts": js(1), "scripts/b.ts": js(1)}, func(t *testing.T, f *fixture) {
		before := f.registry.Current("a")
		f.write("scripts/a.ts", js(22))
		e := f.await(script.EventUpdated, "a")
		if e.Previous != before.ID || e.Revision != f.registry.Current("a") || e.Revision.ID == before.ID {
			t.Errorf("event = %+v", e)
		}
	})
}

func TestAddRemoveRename(t *testing.T) {
	watching(t, map[string]string{"scripts/a.ts": js(1)}, func(t *testing.T, f *fixture) {
		f.write("scripts/new/deep/b.ts", js(1))
		f.await(script.EventLoaded, "new/deep/b")
		f.write("scripts/new/deep/b.ts", js(22))
		f.await(script.EventUpdated, "new/deep/b")
		f.rename("scripts/new", "scripts/old")
		f.await(script.EventLoaded, "old/deep/b")
		f.await(script.EventRemoved, "new/deep/b")
		f.write("scripts/old/deep/b.ts", js(333))
		f.await(script.EventUpdated, "old/deep/b")
		f.remove("scripts/old")
		f.await(script.EventRemoved, "old/deep/b")
		f.write("scripts/old/deep/b.ts", js(4444))
		f.await(script.EventLoaded, "old/deep/b")
		if f.registry.Current("new/deep/b") != nil {
			t.Error("a removed script is still there")
		}
	})
}

func TestAtomicSave(t *testing.T) {
	watching(t, map[string]string{"scripts/a.ts": js(1)}, func(t *testing.T, f *fixture) {
		for i, temporary := range []string{"scripts/.a.ts.swp", "scripts/a.ts~", "scripts/4913", "scripts/a.ts.tmp", "scripts/___jb_tmp___", "scripts/#a.ts#"} {
			f.write(temporary, js(i+100))
			f.rename(temporary, "scripts/a.ts")
			if e := f.await(script.EventUpdated, "a"); !strings.Contains(string(e.Revision.Code), fmt.Sprint(i+100)) {
				t.Errorf("%s: got an old revision", temporary)
			}
		}
	})
}

func TestDeleteAndRecreateIsAnUpdate(t *testing.T) {
	watching(t, map[string]string{"scripts/a.ts": js(1)}, func(t *testing.T, f *fixture) {
		f.remove("scripts/a.ts")
		f.write("scripts/a.ts", js(22))
		f.await(script.EventUpdated, "a")
	})
}

func TestSavingADependencyRebuildsThoseThatHaveIt(t *testing.T) {
	watching(t, map[string]string{
		"scripts/a.ts": `import { x } from "./_lib"; export default () => x;`, "scripts/b.ts": `import x from "../data/rates.json"; export default () => x;`,
		"scripts/c.ts": js(1), "scripts/_lib.ts": "export const x = 1;", "data/rates.json": "[1]",
	}, func(t *testing.T, f *fixture) {
		f.write("scripts/_lib.ts", "export const x = 22;")
		f.await(script.EventUpdated, "a")
		f.write("data/rates.json", "[22]")
		f.await(script.EventUpdated, "b")
		f.remove("scripts/_lib.ts")
		f.await(script.EventFailed, "a")
		f.state("a", script.Stale)
		f.write("scripts/_lib.ts", "export const x = 333;")
		f.await(script.EventRecovered, "a")
	})
}

func TestABrokenSaveKeepsTheLastGoodRevision(t *testing.T) {
	watching(t, map[string]string{"scripts/a.ts": js(1)}, func(t *testing.T, f *fixture) {
		good := f.registry.Current("a")
		f.write("scripts/a.ts", "export default (")
		e := f.await(script.EventFailed, "a")
		if e.Revision != good || f.registry.Current("a") != good || f.state("a", script.Stale).Err == nil {
			t.Errorf("event = %+v", e)
		}
		f.write("scripts/a.ts", "export default () => 'THROWS';")
		f.await(script.EventFailed, "a")
		f.write("scripts/a.ts", js(1))
		f.await(script.EventRecovered, "a")
		if f.registry.Current("a") != good {
			t.Error("the same code is another revision")
		}
		f.state("a", script.Live)
	})
}

func TestWhatIsMissingIsFoundWhenItAppears(t *testing.T) {
	watching(t, map[string]string{
		"package.json": "{}", "scripts/a.ts": `import { x } from "../lib/deep/x"; export default () => x;`, "scripts/b.ts": `import "@scope/pkg"; export default () => 1;`,
	}, func(t *testing.T, f *fixture) {
		f.state("a", script.Broken)
		f.write("lib/deep/x.ts", "export const x = 1;")
		f.await(script.EventRecovered, "a")
		f.write("node_modules/@scope/pkg/package.json", `{"main": "i.js"}`)
		f.write("node_modules/@scope/pkg/i.js", `console.log(1);`)
		f.write("package-lock.json", `{}`)
		f.await(script.EventRecovered, "b")
	})
}

func TestAnErrorThatDoesNotLastIsNotShown(t *testing.T) {
	asked := make(chan string, 100)
	builder := script.NewBuilder(script.BuilderOptions{Module: func(name string) (string, bool) { asked <- name; return "", false }})
	f := load(t, map[string]string{"scripts/a.ts": js(1)}, func(o *script.Options) { o.Builder, o.ErrorAfter = builder, 3*time.Second })
	f.await(script.EventLoaded, "a")
	f.watch()
	for i := range 5 {
		f.write("scripts/a.ts", `import "reprise:missing";`)
		<-asked // it is being built, and will fail
		f.write("scripts/a.ts", js(i+100))
		f.await(script.EventUpdated, "a")
	}
	f.none()
	f.state("a", script.Live)
	f.write("scripts/a.ts", `import "reprise:missing";`)
	f.await(script.EventFailed, "a") // this one lasts
}

func TestUnchangedHashIsANoOp(t *testing.T) {
	watching(t, map[string]string{"scripts/a.ts": js(1), "scripts/b.ts": js(1)}, func(t *testing.T, f *fixture) {
		old := f.registry.Current("a")
		f.write("scripts/a.ts", "// a comment\n"+js(1))
		f.write("scripts/b.ts", js(22))
		f.await(script.EventUpdated, "b")
		deadline := time.After(20 * time.Second)
		for f.registry.Current("a") == old { // lines moved: the map is new
			select {
			case <-deadline:
				t.Fatal("the map stays old")
			default:
				goruntime.Gosched()
			}
		}
		if f.registry.Current("a").ID != old.ID {
			t.Error("the id is new")
		}
	})
}

func TestRoutesAreFreedAndTaken(t *testing.T) {
	watching(t, map[string]string{"scripts/a.ts": route("/x"), "scripts/b.ts": route("/x")}, func(t *testing.T, f *fixture) {
		f.state("b", script.Broken)
		f.write("scripts/a.ts", route("/yy"))
		f.await(script.EventUpdated, "a")
		f.await(script.EventRecovered, "b")
		f.write("scripts/c.ts", route("/yy"))
		f.await(script.EventFailed, "c")
		f.remove("scripts/a.ts")
		f.await(script.EventRemoved, "a")
		f.await(script.EventRecovered, "c")
	})
}

func TestTwoFilesOfOneName(t *testing.T) {
	watching(t, map[string]string{"scripts/a.ts": js(1)}, func(t *testing.T, f *fixture) {
		f.write("scripts/a.js", js(2))
		e := f.await(script.EventFailed, "a")
		if !strings.Contains(e.Err.Error(), "scripts/a.js and scripts/a.ts would both be") {
			t.Errorf("error = %v", e.Err)
		}
		f.remove("scripts/a.js")
		f.await(script.EventRecovered, "a")
	})
}

func TestLinkedFolders(t *testing.T) {
	watching(t, map[string]string{"scripts/a.ts": js(1), "shared/b.ts": js(1)}, func(t *testing.T, f *fixture) {
		symlink(t, "../shared", f.project.Root+"/scripts/linked")
		symlink(t, "..", f.project.Root+"/scripts/loop")
		f.awaitAll(script.EventLoaded, "linked/b", "loop/shared/b")
		f.write("shared/b.ts", js(22))
		f.awaitAll(script.EventUpdated, "linked/b", "loop/shared/b")
	})
}

// A mounted ConfigMap is a folder of links through "..data", which is swapped.
func TestSwappedLinks(t *testing.T) {
	watching(t, map[string]string{"scripts/..one/a.ts": js(1), "scripts/..two/a.ts": js(22), "scripts/z.ts": js(1)}, func(t *testing.T, f *fixture) {
		root := f.project.Root + "/scripts/"
		symlink(t, "..one", root+"..data")
		symlink(t, "..data/a.ts", root+"a.ts")
		f.await(script.EventLoaded, "a")
		symlink(t, "..two", root+"..data_tmp")
		f.rename("scripts/..data_tmp", "scripts/..data")
		if e := f.await(script.EventUpdated, "a"); !strings.Contains(string(e.Revision.Code), "22") {
			t.Errorf("code = %s", e.Revision.Code)
		}
	})
}

func TestChangesBetweenLoadAndWatchAreSeen(t *testing.T) {
	f := load(t, map[string]string{"scripts/a.ts": js(1), "scripts/b.ts": js(1)})
	f.await(script.EventLoaded, "a")
	f.await(script.EventLoaded, "b")
	f.write("scripts/a.ts", js(22))
	f.remove("scripts/b.ts")
	f.write("scripts/c.ts", js(1))
	f.watch()
	got := map[string]script.EventKind{}
	for range 3 {
		e := <-f.events
		got[e.Script] = e.Kind
	}
	if got["a"] != script.EventUpdated || got["b"] != script.EventRemoved || got["c"] != script.EventLoaded {
		t.Errorf("events = %v", got)
	}
}

func TestIgnoredFoldersAreNotLookedInto(t *testing.T) {
	p := writeProject(t, map[string]string{"a.ts": js(1), "data/b.ts": js(1)})
	r := script.NewRegistry(script.Options{Project: p, Builder: testBuilder(), Ignore: []string{p.Root + "/data"}})
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.Current("data/b") != nil {
		t.Error("a script in an ignored folder was loaded")
	}
}

func TestWatchLogsNothingWhenAllIsWell(t *testing.T) {
	var log strings.Builder
	f := load(t, map[string]string{"scripts/a.ts": js(1)}, func(o *script.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	f.await(script.EventLoaded, "a")
	f.watch()
	for i := range 3 {
		f.write("scripts/a.ts", js(100+i))
		f.await(script.EventUpdated, "a")
	}
	if log.Len() > 0 {
		t.Error(log.String())
	}
}

// A thousand saves must not leave anything behind.
func TestReloadsLeakNothing(t *testing.T) {
	f := load(t, map[string]string{"scripts/a.ts": "import './_lib'; " + js(1), "scripts/_lib.ts": "export const x = 1;"})
	f.await(script.EventLoaded, "a")
	f.watch()
	var took []time.Duration
	round := func(n int) {
		for i := range n {
			f.write("scripts/a.ts", "import './_lib'; "+js(100_000+i))
			took = append(took, f.await(script.EventUpdated, "a").Took)
		}
	}
	round(100)
	heap, goroutines := usage()
	round(900)
	heap2, goroutines2 := usage()
	for deadline := time.Now().Add(10 * time.Second); goroutines2 > goroutines && time.Now().Before(deadline); { // the last build's may still be ending
		goruntime.Gosched()
		goroutines2 = goruntime.NumGoroutine()
	}
	if goroutines2 > goroutines {
		t.Errorf("goroutines: %d, after 900 more reloads %d", goroutines, goroutines2)
	}
	if grown := heap2 - heap; grown > 2<<20 {
		t.Errorf("heap: %d KiB more after 900 reloads", grown>>10)
	}
	var sum time.Duration
	for _, d := range took {
		sum += d
	}
	t.Logf("heap %d KiB, then %d KiB; goroutines %d, then %d; from save to switch %v on average", heap>>10, heap2>>10, goroutines, goroutines2, sum/time.Duration(len(took)))
}

func usage() (heap int64, goroutines int) {
	goruntime.GC()
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return int64(m.HeapAlloc), goruntime.NumGoroutine()
}

func TestManyScriptsOneSave(t *testing.T) {
	files := map[string]string{}
	for i := range 200 {
		files[fmt.Sprintf("scripts/d%d/s%d.ts", i%10, i)] = js(i)
	}
	f := load(t, files)
	for range files {
		<-f.events
	}
	f.watch()
	f.write("scripts/d3/s3.ts", js(1000))
	e := f.await(script.EventUpdated, "d3/s3")
	t.Logf("from save to switch among 200 scripts: %v", e.Took)
	if err := os.Chtimes(f.project.Root+"/scripts/d3/s3.ts", time.Now(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	f.none()
}
