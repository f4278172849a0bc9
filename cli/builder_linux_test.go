package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// builders are the builder processes that this process has started.
func builders(t *testing.T) (pids []int) {
	t.Helper()
	list, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range list {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, rest, _ := strings.Cut(string(stat), " (")
		if name, rest, _ := strings.Cut(rest, ") "); name == "reprise builder" && strings.Fields(rest)[1] == strconv.Itoa(os.Getpid()) {
			n, _ := strconv.Atoi(pid)
			pids = append(pids, n)
		}
	}
	return pids
}

func TestSourcesAreBundledInAProcess(t *testing.T) {
	for name, tc := range map[string]struct {
		workers int
		memory  bool
		want    int
	}{
		"with workers": {1, false, 1}, "in this process": {0, false, 0}, "for one run": {1, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t)
			c.Workers, c.NoAdmin = tc.workers, tc.memory
			save(t, filepath.Join(c.Dir, "a.ts"), `export default { fetch: () => new Response("a") };`)
			save(t, filepath.Join(c.Dir, "b.ts"), "export default {\n  fetch( {}\n}\n")
			out := once(t, c, appOptions{memory: tc.memory}, func(a *app) {
				if got := builders(t); len(got) != tc.want {
					t.Errorf("%d builder processes", len(got))
				}
				for _, st := range a.scripts.registry.List() {
					if (st.Err == nil) != (st.Name == "a") {
						t.Errorf("%s: %v", st.Name, st.Err)
					}
				}
			})
			if !strings.Contains(out, "> 3 | }") {
				t.Errorf("the frame of the error is missing:\n%s", out)
			}
			if got := builders(t); len(got) > 0 {
				t.Errorf("left over: %d", got)
			}
		})
	}
}

func TestABuilderProcessThatIsKilledIsReplaced(t *testing.T) {
	c := testConfig(t)
	c.Workers = 1
	save(t, filepath.Join(c.Dir, "a.ts"), `export default { fetch: () => new Response("a") };`)
	out := once(t, c, watching, func(a *app) {
		for _, pid := range builders(t) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := a.scripts.Build(t.Context(), "a", `export default { fetch: () => new Response("b") };`); err != nil {
			t.Errorf("%v", err)
		}
		for a.sees.Load() == nil { // it says so behind its first answer
			<-time.After(time.Millisecond)
		}
		if s := a.sees.Load(); s.weak() != "" {
			t.Errorf("the process said of its rights %+v", s)
		}
	})
	if !strings.Contains(out, "the builder process ended: it was ended by signal 9 (killed); another one takes its place") {
		t.Errorf("the log does not say so:\n%s", out)
	}
}
