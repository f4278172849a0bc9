package script_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reprise/runtime/proc"
	"reprise/runtime/script"
)

// builderRoles are the builder processes of the tests.
var builderRoles = map[string]proc.Role{
	// builder is the real one, with the modules of the tests.
	"builder": func(c *proc.Conn, _ []string) int {
		return serve(c, script.BuilderOptions{
			Module:      func(name string) (string, bool) { text, ok := testModules[name]; return text, ok },
			ModuleNames: func() []string { return []string{"http", "kv"} },
		})
	},
	// bombs has modules that do what a parser does that a source has overcome.
	"bombs": func(c *proc.Conn, args []string) int {
		b := &bombs{root: args[0]}
		return serve(c, script.BuilderOptions{Module: b.module})
	},
	"liar": func(c *proc.Conn, args []string) int { return lie(c, args[0]) },
}

func serve(c *proc.Conn, o script.BuilderOptions) int {
	err := script.ServeBuildsWith(c, func(keep proc.Rights) (func() []byte, error) {
		report, err := proc.GiveUp(keep)
		return func() []byte {
			b, err := json.Marshal(confinement{report, proc.SelfCheck(keep)})
			if err != nil {
				panic(err)
			}
			return b
		}, err
	}, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// confinement is what a builder process of the tests says of its rights.
type confinement struct {
	proc.Report
	proc.Check
}

// bombs are modules that hurt the process.
type bombs struct {
	root   string
	others atomic.Int32 // innocent builds that are here
}

// gone reports whether the test has seen the end of a process.
func (b *bombs) gone() bool {
	_, err := os.Stat(filepath.Join(b.root, "gone"))
	return err == nil
}

// until looks every millisecond.
func until(ready func() bool) {
	for !ready() {
		<-time.After(time.Millisecond)
	}
}

func (b *bombs) module(name string) (string, bool) {
	kind, what, _ := strings.Cut(name, "/")
	switch kind {
	case "innocent": // is being built while the process ends
		b.others.Add(1)
		until(b.gone)
	case "spin":
		for { //nolint:staticcheck // it is to be ended
		}
	case "memory":
		until(func() bool { return b.others.Load() > 0 || b.gone() })
		var all [][]byte
		for {
			all = append(all, make([]byte, 16<<20))
			for i := range all[len(all)-1] {
				all[len(all)-1][i] = 1
			}
		}
	case "stack":
		return fmt.Sprint(deeper(1)), true
	case "crash":
		until(func() bool { return b.others.Load() > 0 || b.gone() })
		go panic("the bundler has a mistake")
		select {}
	case "read":
		text, err := os.ReadFile(filepath.FromSlash("/" + what))
		return fmt.Sprintf("export default %q", fmt.Sprint(string(text), err)), true
	case "list":
		entries, err := os.ReadDir(filepath.FromSlash("/" + what))
		return fmt.Sprintf("export default %q", fmt.Sprint(entries, err)), true
	default:
		return "", false
	}
	return "export default 1", true
}

func deeper(n int) int {
	if n == 0 {
		return 0
	}
	return deeper(n+1) + 1
}

// processes builds in child processes, and tells of them.
type processes struct {
	*script.BuilderProcess
	spawned  chan *proc.Process
	ended    chan script.BuilderEnd
	reported chan []byte
}

func startBuilder(t testing.TB, role string, o script.BuilderProcessOptions, args ...string) *processes {
	t.Helper()
	b := &processes{spawned: make(chan *proc.Process, 100), ended: make(chan script.BuilderEnd, 100), reported: make(chan []byte, 100)}
	o.Spawn = func() (*proc.Process, error) {
		p, err := proc.Start(role, proc.Options{Args: args, MaxFrame: script.BuilderFrame})
		if err == nil {
			b.spawned <- p
		}
		return p, err
	}
	onEnd := o.OnEnd
	o.OnEnd = func(e script.BuilderEnd) {
		if onEnd != nil {
			onEnd(e)
		}
		b.ended <- e
	}
	o.OnReport = func(said []byte) { b.reported <- said }
	b.BuilderProcess = script.NewBuilderProcess(o)
	t.Cleanup(b.Close)
	return b
}

// startBombs starts a builder with bombs. When a process ends, innocent builds go on.
func startBombs(t testing.TB, p *script.Project, o script.BuilderProcessOptions) *processes {
	t.Helper()
	o.OnEnd = func(script.BuilderEnd) {
		if err := os.WriteFile(filepath.Join(p.Root, "gone"), nil, 0o600); err != nil {
			t.Error(err)
		}
	}
	if o.Concurrency == 0 {
		o.Concurrency = 4
	}
	return startBuilder(t, "bombs", o, p.Root)
}

// named returns a script of a project.
func named(t testing.TB, p *script.Project, name string) script.Script {
	t.Helper()
	list, err := p.List()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(s script.Script) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no script %q in %v", name, list)
	}
	return list[i]
}

// importing makes scripts that each import a module.
func importing(modules ...string) map[string]string {
	files := map[string]string{}
	for _, m := range modules {
		name, _, _ := strings.Cut(m, "/")
		files[name+".ts"] = "import x from 'reprise:" + m + "'; export default x;"
	}
	return files
}

// inBackground builds scripts at the same time.
func inBackground(t testing.TB, b script.Builds, p *script.Project, names ...string) map[string]error {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	out := map[string]error{}
	for _, name := range names {
		s := named(t, p, name)
		wg.Go(func() {
			_, err := b.Build(t.Context(), p, s)
			mu.Lock()
			defer mu.Unlock()
			out[name] = err
		})
	}
	wg.Wait()
	return out
}
