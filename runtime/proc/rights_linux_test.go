//go:build amd64 || arm64

package proc_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"reprise/runtime/proc"
)

func init() {
	roles["worker"] = func(c *proc.Conn, _ []string) int { return confined(c, proc.Rights{}) }
	roles["nobody"] = func(c *proc.Conn, _ []string) int {
		if os.Getuid() == 0 {
			if err := syscall.Setuid(65534); err != nil {
				panic(err)
			}
		}
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil { // which a change of user unsets
			panic(err)
		}
		return confined(c, proc.Rights{})
	}
	roles["builder"] = func(c *proc.Conn, args []string) int { return confined(c, proc.Rights{ReadOnly: args}) }
	roles["lister"] = func(c *proc.Conn, args []string) int {
		return confined(c, proc.Rights{ReadOnly: args[1:], ListOnly: args[:1]})
	}
}

// confined gives up its rights, reports, and does what it is asked to.
func confined(c *proc.Conn, keep proc.Rights) int {
	answer := func(v any) {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		c.Send(1, b)
	}
	report, err := proc.GiveUp(keep)
	if err != nil {
		c.Send(1, []byte(err.Error()))
		return 1
	}
	answer(report)
	for {
		_, question, err := c.Receive()
		if err != nil {
			return 0
		}
		switch verb, what, _ := strings.Cut(string(question), " "); verb {
		case "check":
			answer(proc.SelfCheck(keep))
		case "again":
			_, err := proc.GiveUp(keep)
			answer(fmt.Sprint(err))
		case "work":
			answer(work())
		case "read":
			b, err := os.ReadFile(what)
			answer(fmt.Sprint(string(b), err))
		case "list":
			entries, err := os.ReadDir(what)
			answer(fmt.Sprint(entries, err))
		case "write":
			answer(fmt.Sprint(os.WriteFile(what, []byte("x"), 0o600)))
		case "remove":
			answer(fmt.Sprint(os.Remove(what)))
		case "large":
			c.Send(1, make([]byte, 5<<20))
		case "time":
			answer(time.Date(2026, 7, 1, 12, 0, 0, 0, time.Local).Format(time.RFC3339))
		case "stop":
			syscall.Kill(unix.Getpid(), syscall.SIGSTOP)
		case "foreign":
			unix.RawSyscall(0x40000000+uintptr(unix.SYS_GETPID), 0, 0, 0)
		default:
			die(verb)
		}
	}
}

// work does what Go programs do under load, and returns what went wrong.
func work() string {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 { // loops without a call, which only a signal can preempt
		wg.Go(func() {
			for i := 0; ; i++ {
				if i%(1<<28) == 0 {
					select {
					case <-stop:
						return
					default:
					}
				}
			}
		})
	}
	var once sync.Once
	var problem string
	fail := func(format string, args ...any) { once.Do(func() { problem = fmt.Sprintf(format, args...) }) }
	var threads, sleepers sync.WaitGroup
	release := make(chan struct{})
	for range 200 { // each on a thread of its own
		threads.Add(1)
		sleepers.Go(func() {
			goruntime.LockOSThread() // and ends with it
			threads.Done()
			<-release
		})
	}
	threads.Wait()
	for range 8 {
		wg.Go(func() {
			for range 50 {
				var b [64]byte
				if _, err := rand.Read(b[:]); err != nil || b == [64]byte{} {
					fail("crypto/rand: %v", err)
				}
				large := make([]byte, 8<<20)
				large[len(large)-1] = 1
				<-time.After(time.Millisecond)
				unix.Nanosleep(&unix.Timespec{Nsec: 1000}, nil) // a call that blocks a thread
			}
		})
	}
	huge := make([]byte, 256<<20)
	for i := 0; i < len(huge); i += 4096 {
		huge[i] = 1
	}
	goruntime.GC()
	debug.FreeOSMemory()
	goruntime.KeepAlive(huge)
	close(release)
	sleepers.Wait()
	close(stop)
	wg.Wait()
	samples := []metrics.Sample{{Name: "/sched/goroutines:goroutines"}, {Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(samples)
	if samples[0].Value.Uint64() == 0 {
		fail("runtime/metrics knows no goroutines")
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil || usage.Maxrss < 256<<10 {
		fail("getrusage: %v, %d KiB", err, usage.Maxrss)
	}
	func() {
		defer func() {
			if recover() == nil {
				fail("a nil pointer does not panic")
			}
		}()
		var p *int
		*p = 1 //nolint:govet // a signal that becomes a panic
	}()
	return problem
}

// confine starts a child that gives up its rights, and returns its report.
func confine(t *testing.T, role string, args ...string) (*proc.Process, proc.Report) {
	t.Helper()
	p := start(t, role, proc.Options{Args: args})
	var r proc.Report
	parse(t, receive(t, p.Conn()), &r)
	return p, r
}

func answer[T any](t *testing.T, p *proc.Process, question string) (v T) {
	t.Helper()
	parse(t, ask(t, p.Conn(), question), &v)
	return v
}

func TestAWorkerHasGivenUpItsRights(t *testing.T) {
	p, r := confine(t, "worker")
	if !r.Complete() || !r.NoNewPrivs || r.Landlock == 0 || !r.Seccomp || !r.Limits || !r.NotDumpable {
		t.Fatalf("%+v", r)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil || !strings.Contains(string(status), "\nNoNewPrivs:\t1\n") || !strings.Contains(string(status), "\nSeccomp:\t2\n") {
		t.Fatalf("%v\n%s", err, status)
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Max core file size", "Max file size", "Max open files"} {
		if !regexp.MustCompile(`(?m)^` + name + ` +0 +0 `).Match(limits) {
			t.Errorf("%s is not 0:\n%s", name, limits)
		}
	}
	if got := answer[string](t, p, "again"); !strings.Contains(got, "given up before") {
		t.Fatal(got)
	}
}

func TestOthersMayNotLookIntoAWorker(t *testing.T) {
	// Not even its own user: what is known of it belongs to root. And it needs
	// no root to give up its rights.
	p, r := confine(t, "nobody")
	if !r.Complete() {
		t.Fatalf("%+v", r)
	}
	var st unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d/mem", p.Pid()), &st); err != nil || st.Uid != 0 {
		t.Fatalf("user %d may look into it: %v", st.Uid, err)
	}
	if c := answer[proc.Check](t, p, "check"); len(c.Allowed) > 0 {
		t.Errorf("not denied: %q", c.Allowed)
	}
}

func TestAWorkerIsDeniedEverything(t *testing.T) {
	p, _ := confine(t, "worker")
	c := answer[proc.Check](t, p, "check")
	if len(c.Allowed) > 0 {
		t.Errorf("not denied: %q", c.Allowed)
	}
	// All probes that a machine has files for.
	for _, what := range []string{
		"open /", "open /etc/passwd", "open /proc/self/status", fmt.Sprintf("open /proc/%d/mem", os.Getpid()), "write to " + os.TempDir(),
		"open a socket", "execute a program", "fork", "trace the parent", "read the parent's memory", "send a signal to the parent",
		"raise its own limits", "make memory executable", "use io_uring", "load programs into the kernel", "mount a file system",
	} {
		if !slices.Contains(c.Denied, what) {
			t.Errorf("%q is not among what was denied: %q", what, c.Denied)
		}
	}
}

func TestTheSelfCheckSeesWhatIsAllowed(t *testing.T) {
	// A check that always says no proves nothing.
	p := start(t, "free", proc.Options{})
	var c proc.Check
	parse(t, receive(t, p.Conn()), &c)
	for _, what := range []string{
		"open /", "open /etc/passwd", "open /proc/self/status", fmt.Sprintf("open /proc/%d/mem", os.Getpid()), "write to " + os.TempDir(),
		"open a socket", "execute a program", "fork", "trace the parent", "read the parent's memory", "send a signal to the parent",
		"raise its own limits", "make memory executable", "make a file in memory",
	} {
		if !slices.Contains(c.Allowed, what) {
			t.Errorf("%q is not among what was allowed: %q", what, c.Allowed)
		}
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), ".reprise-self-check*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the check left %q behind: %v", left, err)
	}
}

func init() {
	roles["free"] = func(c *proc.Conn, _ []string) int {
		b, err := json.Marshal(proc.SelfCheck(proc.Rights{}))
		if err != nil {
			panic(err)
		}
		c.Send(1, b)
		return 0
	}
}

func TestGoWorksWithoutRights(t *testing.T) {
	p, _ := confine(t, "worker")
	for range 3 {
		if problem := answer[string](t, p, "work"); problem != "" {
			t.Fatal(problem)
		}
	}
	if got := ask(t, p.Conn(), "large"); len(got) != 5<<20 {
		t.Fatalf("%d bytes of a large frame", len(got))
	}
	if got := answer[string](t, p, "time"); got != "2026-07-01T12:00:00Z" {
		t.Fatalf("it is %s", got)
	}
}

func TestCrashesWithoutRightsAreTold(t *testing.T) {
	// What Go's runtime writes at its end arrives, and the end comes.
	for how, says := range map[string]string{
		"panic": "panic: so it is", "elsewhere": "panic: assignment to entry in nil map", "exit": "",
		"overflow": "runtime: goroutine stack exceeds 16777216-byte limit", "segfault": "panic: runtime error: invalid memory address or nil pointer dereference",
	} {
		t.Run(how, func(t *testing.T) {
			p, _ := confine(t, "worker")
			p.Conn().Send(1, []byte(how))
			if e := ended(t, p); e.Fatal != says || e.Signal != 0 || says != "" && !strings.Contains(e.Stderr, "goroutine ") {
				t.Fatalf("%v\n%s", e, e.Stderr)
			}
		})
	}
}

func TestABuilderReadsItsFolderOnly(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(dir, "sub", "a.ts"): "inside", filepath.Join(other, "b.ts"): "outside", filepath.Join(other, "single.json"): "single",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(other, "b.ts"), filepath.Join(dir, "link.ts")); err != nil {
		t.Fatal(err)
	}
	p, r := confine(t, "builder", dir, filepath.Join(other, "single.json"))
	if !r.Complete() {
		t.Fatalf("%+v", r)
	}
	for question, want := range map[string]string{
		"read " + dir + "/sub/a.ts":                             "inside<nil>",
		"read " + other + "/single.json":                        "single<nil>",
		"list " + dir + "/sub":                                  "[- a.ts] <nil>",
		"read " + other + "/b.ts":                               "open " + other + "/b.ts: permission denied",
		"read " + dir + "/link.ts":                              "open " + dir + "/link.ts: permission denied",
		"read " + dir + "/../" + filepath.Base(other) + "/b.ts": "open " + dir + "/../" + filepath.Base(other) + "/b.ts: permission denied",
		"read /etc/passwd":                                      "open /etc/passwd: permission denied",
		"list " + other:                                         "[] open " + other + ": permission denied",
		"list /":                                                "[] open /: permission denied",
		"write " + dir + "/new":                                 "open " + dir + "/new: operation not permitted",
		"write " + dir + "/sub/a.ts":                            "open " + dir + "/sub/a.ts: operation not permitted",
		"remove " + dir + "/sub/a.ts":                           "remove " + dir + "/sub/a.ts: operation not permitted",
	} {
		if got := answer[string](t, p, question); got != want {
			t.Errorf("%s: %s", question, got)
		}
	}
	c := answer[proc.Check](t, p, "check")
	if len(c.Allowed) > 0 || !slices.Contains(c.Denied, "write to "+dir) || !slices.Contains(c.Denied, "open /etc/passwd") {
		t.Errorf("%+v", c)
	}
}

func TestRightsThatMakeNoSense(t *testing.T) {
	for _, path := range []string{"relative", "/there/is/no/such/folder"} {
		p := start(t, "builder", proc.Options{Args: []string{path}})
		if got := receive(t, p.Conn()); !strings.Contains(got, path) {
			t.Error(got)
		}
	}
}

func TestNamesCanBeReadWithoutContent(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"member/a.ts", "node_modules/dep/b.ts"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, r := confine(t, "lister", dir, filepath.Join(dir, "node_modules"))
	if !r.Complete() {
		t.Fatalf("%+v", r)
	}
	for question, want := range map[string]string{
		"list " + dir + "/member":                "[- a.ts] <nil>",
		"read " + dir + "/member/a.ts":           "open " + dir + "/member/a.ts: permission denied",
		"read " + dir + "/node_modules/dep/b.ts": "content<nil>",
		"list " + filepath.Dir(dir):              "[] open " + filepath.Dir(dir) + ": permission denied",
		"write " + dir + "/new":                  "open " + dir + "/new: operation not permitted",
	} {
		if got := answer[string](t, p, question); got != want {
			t.Errorf("%s: %s", question, got)
		}
	}
	if c := answer[proc.Check](t, p, "check"); len(c.Allowed) > 0 || !slices.Contains(c.Denied, "write to "+dir) {
		t.Errorf("%+v", c)
	}
}
