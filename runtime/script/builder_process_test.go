package script_test

import (
	"context"
	"errors"
	"maps"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/proc"
	"reprise/runtime/script"
)

func TestABombHurtsItsOwnBuildOnly(t *testing.T) {
	for name, c := range map[string]struct {
		want, why string
		again     int // how often the process ends
	}{
		"memory": {"took more than 400MiB of memory", "it took more than 400MiB of memory", 2},
		"crash":  {"the builder process ended while it built this (it exited with code 2: panic: the bundler has a mistake", "it exited with code 2", 2},
	} {
		t.Run(name, func(t *testing.T) {
			files := importing("innocent", name)
			files["other.ts"] = "export default 1;"
			p := writeProject(t, files)
			b := startBombs(t, p, script.BuilderProcessOptions{Memory: 400 << 20})
			errs := inBackground(t, b, p, "innocent", name)
			if errs["innocent"] != nil {
				t.Errorf("a build that shared the process: %v", errs["innocent"])
			}
			var e *script.BuildError
			if !errors.As(errs[name], &e) || !strings.Contains(e.Message, c.want) || e.Pos.File != name+".ts" || e.Code != call.CodeCompile {
				t.Fatalf("the bomb: %v", errs[name])
			}
			path := named(t, p, name).Path
			if !slices.Equal(e.Inputs, []string{path}) || script.Stamps(nil, e)[path] != script.StampNow(path) {
				t.Errorf("it depends on %v", script.Stamps(nil, e))
			}
			scripts := []string{"innocent", name}
			slices.Sort(scripts)
			first, second := <-b.ended, <-b.ended
			slices.Sort(first.Scripts)
			if !slices.Equal(first.Scripts, scripts) || !slices.Equal(second.Scripts, []string{name}) || !strings.Contains(first.Why, c.why) {
				t.Errorf("ends %+v, %+v", first, second)
			}
			// It is known now: it does not take others along again.
			errs = inBackground(t, b, p, "other", name)
			if errs["other"] != nil || errs[name] == nil {
				t.Errorf("again: %v", errs)
			}
			if again := <-b.ended; !slices.Equal(again.Scripts, []string{name}) {
				t.Errorf("it took %v along", again.Scripts)
			}
			// And when it has been mended, that counts.
			write(t, path, "export default 2;")
			if errs = inBackground(t, b, p, name); errs[name] != nil {
				t.Errorf("mended: %v", errs[name])
			}
		})
	}
}

func TestABuildThatDoesNotEndIsKilled(t *testing.T) {
	// The others in its process are built again, at once.
	p := writeProject(t, importing("innocent", "spin"))
	b := startBombs(t, p, script.BuilderProcessOptions{Timeout: 5 * time.Second})
	bomb, innocent := make(chan error, 1), make(chan error, 1)
	build := func(name string, done chan error) {
		_, err := b.Build(context.Background(), p, named(t, p, name))
		done <- err
	}
	go build("spin", bomb)
	first := <-b.spawned
	until(func() bool { // it spins, and its time ends well before that of the other one
		u, err := first.Usage()
		return err != nil || u.CPU > time.Second
	})
	go build("innocent", innocent)
	if err := <-bomb; err == nil || !strings.Contains(err.Error(), "the build took longer than 5s and was given up") {
		t.Errorf("the one that does not end: %v", err)
	}
	if err := <-innocent; err != nil {
		t.Errorf("the other one: %v", err)
	}
	<-first.Done()
	if e := <-b.ended; !strings.Contains(e.Why, "a build took longer than 5s") {
		t.Errorf("%+v", e)
	}
}

func TestAStackThatOverflowsIsTheSources(t *testing.T) {
	p := writeProject(t, map[string]string{"stack.ts": "import './_part'; export default 1;", "_part.ts": "import x from 'reprise:stack'; export default x;"})
	b := startBombs(t, p, script.BuilderProcessOptions{})
	err := inBackground(t, b, p, "stack")["stack"]
	if err == nil || !strings.Contains(err.Error(), "nested too deeply") {
		t.Fatalf("%v", err)
	}
	// What it had read by then is what may mend it.
	if in := slices.Collect(maps.Keys(script.Stamps(nil, err))); len(in) != 2 {
		t.Errorf("it depends on %v", in)
	}
}

func TestAKilledProcessCostsNobodyABuild(t *testing.T) {
	p := writeProject(t, importing("innocent"))
	b := startBombs(t, p, script.BuilderProcessOptions{Timeout: time.Minute})
	done := make(chan error, 1)
	go func() {
		_, err := b.Build(context.Background(), p, named(t, p, "innocent"))
		done <- err
	}()
	child := <-b.spawned
	until(func() bool { return script.Building(b.BuilderProcess) == 1 })
	child.Kill() // be it that the system is out of memory
	if err := <-done; err != nil {
		t.Errorf("%v", err)
	}
}

func TestAnIdleProcessIsDismissed(t *testing.T) {
	p := writeProject(t, map[string]string{"a.ts": "export default 1;"})
	b := startBuilder(t, "builder", script.BuilderProcessOptions{Idle: time.Millisecond})
	for range 2 {
		if _, err := b.Build(t.Context(), p, named(t, p, "a")); err != nil {
			t.Fatal(text(err))
		}
		<-(<-b.spawned).Done()
	}
	if len(b.ended) > 0 {
		t.Errorf("the end of a process that was dismissed is told: %+v", <-b.ended)
	}
}

func TestACallerMayGiveUp(t *testing.T) {
	p := writeProject(t, importing("spin"))
	b := startBombs(t, p, script.BuilderProcessOptions{Concurrency: 1})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	for range 2 { // one is being built, and one waits
		go func() {
			_, err := b.Build(ctx, p, named(t, p, "spin"))
			done <- err
		}()
	}
	child := <-b.spawned
	cancel()
	for range 2 {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	waits := make(chan error)
	go func() {
		_, err := b.Build(t.Context(), p, named(t, p, "spin"))
		waits <- err
	}()
	b.Close() // which has nobody wait
	if err := <-waits; call.CodeOf(err) != call.CodeUnavailable {
		t.Errorf("%v", err)
	}
	<-child.Done()
	if _, err := b.Build(t.Context(), p, named(t, p, "spin")); call.CodeOf(err) != call.CodeUnavailable {
		t.Errorf("after the end: %v", err)
	}
}

func TestAProcessThatDoesNotStartIsAnError(t *testing.T) {
	p := writeProject(t, map[string]string{"a.ts": "export default 1;"})
	b := script.NewBuilderProcess(script.BuilderProcessOptions{Spawn: func() (*proc.Process, error) { return nil, errors.New("no more processes") }})
	defer b.Close()
	_, err := b.Build(t.Context(), p, named(t, p, "a"))
	if call.CodeOf(err) != call.CodeUnavailable || !strings.Contains(err.Error(), "a.ts can not be built: the builder process does not start: no more processes") {
		t.Errorf("%v", err)
	}
}

func TestHostileSourcesEndWithinLimits(t *testing.T) {
	// Each comes back in time, built or refused; meanwhile others are built; and
	// this process has no more memory afterwards.
	hostile := map[string]string{
		"brackets":    strings.Repeat("[", 1<<20),
		"arrows":      "export default " + strings.Repeat("() => ", 5000) + "1;",
		"arrowbodies": "export default " + strings.Repeat("() => { return ", 390) + "1" + strings.Repeat("}", 390) + ";",
		"unary":       "export default " + strings.Repeat("-+", 1<<19) + "1;",
		"array":       "export default [" + strings.Repeat("[],", 1<<20) + "1];",
		"parens":      "export default " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + ";",
		"elses":       "if (0) {} " + strings.Repeat("else if (1) {} ", 100_000) + "export default 1;",
		"templates":   "export default " + strings.Repeat("`${", 50_000) + "1" + strings.Repeat("}`", 50_000) + ";",
		"chain":       "export default 1" + strings.Repeat(" ? 1 : 1", 200_000) + ";",
		"errors":      strings.Repeat("import './nowhere';\n", 50_000) + "export default 1;",
		"types":       "type T = " + strings.Repeat("Array<", 100_000) + "1" + strings.Repeat(">", 100_000) + "; export default 1;",
	}
	files := map[string]string{"good.ts": "export default 1;"}
	for name, source := range hostile {
		files[name+".ts"] = source
	}
	p := writeProject(t, files)
	const timeout = 10 * time.Second
	b := startBuilder(t, "builder", script.BuilderProcessOptions{Timeout: timeout, Concurrency: 2})
	good := named(t, p, "good")
	for name := range hostile { // what is needed once is needed now
		if _, err := b.Build(t.Context(), p, named(t, p, name)); err != nil && len(err.Error()) > 200<<10 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
	before := heap()
	for name := range hostile {
		began := time.Now()
		done := make(chan error, 1)
		go func() {
			_, err := b.Build(t.Context(), p, named(t, p, name))
			done <- err
		}()
		if _, err := b.Build(t.Context(), p, good); err != nil {
			t.Errorf("beside %s: %v", name, err)
		}
		err := <-done
		t.Logf("%-12s %6s  %.120v", name, time.Since(began).Round(time.Millisecond), err)
		if took := time.Since(began); took > 3*timeout {
			t.Errorf("%s took %s", name, took)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("this process holds %d KiB more", grown>>10)
	}
}

// heap is how much memory is live.
func heap() uint64 {
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return m.HeapAlloc
}
