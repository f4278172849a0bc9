package bench

// The scripts of testdata/hostile on a real server: each of them ends, with an
// error that says why or by itself, and nobody else takes notice.

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/vm/hostiletest"
	"reprise/server/api"
	"reprise/server/client"
	"reprise/server/problem"
)

const (
	hostileDir = "../testdata/hostile"
	// mayGrow is how much more memory the server may take than at its start,
	// in KiB.
	mayGrow = 100 << 10
	// attackers is how many hostile scripts are executed at a time.
	attackers = 2
)

// attack is a script of the corpus in one shape, and how it ended.
type attack struct {
	hostiletest.Script
	shape   hostiletest.Shape
	outcome string // "ok", or the name of an error
	limit   string // of a ResourceError
	err     string
	took    time.Duration
}

func (a *attack) name() string { return string(a.shape) + "/" + a.Name }

func (a *attack) String() string {
	return fmt.Sprintf("%-40s %-4s %-16s %6d ms  %s", a.name(), a.Expect, a.outcome+" "+a.limit, a.took.Milliseconds(), a.err)
}

// failed notes the error that ended a script.
func (a *attack) failed(e *call.Error) {
	a.err = strings.ToValidUTF8(e.Error()[:min(160, len(e.Error()))], "")
	for e.Cause != nil && (e.Code == string(call.CodeLoad) || e.Code == string(call.CodeUnhandledRejection)) {
		e = e.Cause
	}
	a.outcome, a.limit = cmp.Or(e.Name, "error without a name"), call.LimitOf(e)
}

// mayEndWell are the expectations that a script which just ends fulfils.
var mayEndWell = []string{"ANY", "ERR", "ISO", "HOST"}

// judge returns what is wrong with how a script ended, or nothing. known is what
// the table beside the corpus says of it.
func (a *attack) judge(known string) string {
	switch a.outcome {
	case "ok":
		if slices.Contains(mayEndWell, a.Expect) || strings.Contains(known, "ok") {
			return ""
		}
		return "it ended as if nothing were wrong"
	case "ResourceError", "RangeError":
		return ""
	case "InternalError":
		if strings.Contains(known, "engine") { // goja panicked, and the VM was thrown away
			return ""
		}
		return "the server says that it is to blame"
	case "WorkerLostError", "UnavailableError":
		return "it was not told what it did"
	}
	return "" // an error of its own
}

// outcomes is the table beside the corpus.
func outcomes(t testing.TB) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(hostileDir, "outcomes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, outcome, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name[0] != '#' {
			table[name] = strings.TrimSpace(outcome)
		}
	}
	return table
}

func TestHostileScriptsHarmNobody(t *testing.T) {
	scripts, err := hostiletest.Corpus(hostileDir)
	if err != nil {
		t.Fatal(err)
	}
	table := outcomes(t)
	attacks := hostileSample(scripts)
	files := map[string]string{"neighbour.ts": serving, "diary.ts": diary}
	for _, a := range attacks {
		if a.shape != hostiletest.Top { // those are saved while the server runs
			files[a.name()+".js"] = a.Module(a.shape)
		}
	}
	r := startRig(t, "dev", files)
	r.warmUp("/neighbour")
	before, most := r.memory(t), r.watchMemory()
	defer most()
	stopAsking, stopDiary := r.ask("/neighbour", 50, "hello"), r.keepDiary(2)

	r.attackAll(attacks)
	runs, asked := stopDiary(), stopAsking()
	asked.check(r)
	grown := most() - before
	counts := map[string]int{}
	for _, a := range attacks {
		if n := r.workerEnds(a.name()); n > 0 {
			t.Logf("%s was executing when %d workers ended", a.name(), n)
		}
		counts[a.outcome]++
		known, ok := table[a.Name+"@"+string(a.shape)]
		if !ok {
			known = table[a.Name]
		}
		if wrong := a.judge(known); wrong != "" {
			t.Errorf("%s: %s: %s %s", a.name(), wrong, a.outcome, a.err)
		}
	}
	t.Logf("%d scripts: %v; %v workers ended", len(attacks), counts, r.metric("reprise_worker_ends_total"))
	t.Logf("the neighbour: %v", asked)
	t.Logf("%d runs of the diary; the server's memory grew by %d KiB from %d", runs, grown, before)
	if grown > mayGrow && !raced {
		t.Errorf("the server grew by %d KiB, from %d", grown, before)
	}
	r.stop()
}

// attackAll executes scripts, a few at a time.
func (r *rig) attackAll(attacks []*attack) {
	todo := make(chan *attack)
	var group sync.WaitGroup
	for range attackers {
		group.Go(func() {
			for a := range todo {
				began := time.Now()
				r.attack(a)
				a.took = time.Since(began)
				r.t.Logf("%v (the server has %d MiB)", a, r.memory(r.t)>>10)
			}
		})
	}
	for _, a := range attacks {
		todo <- a
	}
	close(todo)
	group.Wait()
}

func (r *rig) attack(a *attack) {
	if a.shape == hostiletest.Fetch {
		r.attackFetch(a)
		return
	}
	s, err := r.loaded(a)
	switch {
	case err != nil:
		r.t.Errorf("%s: %v", a.name(), err)
		return
	case s.Error != nil:
		e := &call.Error{Name: s.Error.Name, Code: s.Error.Code, Message: s.Error.Message}
		if _, threw, ok := strings.Cut(e.Message, "the top level threw "); ok {
			name, message, _ := strings.Cut(threw, ":")
			e.Cause = &call.Error{Name: name, Message: message}
		}
		a.failed(e)
		return
	}
	run, err := r.run(a.name(), "")
	for began := time.Now(); isMissing(err) && time.Since(began) < patience; <-time.After(10 * time.Millisecond) {
		run, err = r.run(a.name(), "") // it is in the list a moment before it serves
	}
	switch {
	case err != nil:
		r.t.Errorf("%s: %v", a.name(), err)
	case run.Error != nil:
		a.failed(run.Error)
	case run.Status == runtime.Succeeded:
		a.outcome = "ok"
	}
}

// loaded waits until a script that was saved has become something.
func (r *rig) loaded(a *attack) (s api.Script, err error) {
	if a.shape == hostiletest.Top {
		r.write(a.name()+".js", a.Module(a.shape))
	}
	for began := time.Now(); time.Since(began) < patience; <-time.After(10 * time.Millisecond) {
		if s, err = r.client.Script(r.ctx, a.name()); err == nil {
			return s, nil
		}
	}
	return s, fmt.Errorf("it is not loaded: %w", err)
}

func isMissing(err error) bool {
	p, ok := errors.AsType[*problem.Problem](err)
	return ok && p.Status == http.StatusNotFound
}

func (r *rig) attackFetch(a *attack) {
	got, err := r.get("/" + a.name())
	if err != nil {
		r.t.Errorf("%s: %v", a.name(), err)
		return
	}
	if got.status == http.StatusOK {
		a.outcome = "ok"
		return
	}
	var p struct{ Code, Detail string }
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		r.t.Errorf("%s: %d, and it is no problem: %s", a.name(), got.status, got.body)
	}
	name := call.Code(p.Code).Name()
	a.failed(&call.Error{Name: name, Code: p.Code, Message: strings.TrimPrefix(p.Detail, name+": ")})
}

// workerEnds is how many worker processes ended in which a script was executing.
func (r *rig) workerEnds(script string) (n int) {
	logs, err := r.client.Logs(r.ctx, client.LogQuery{Script: script, Level: "warn", Limit: 100})
	if err != nil {
		r.t.Error(err)
	}
	for _, e := range logs.Entries {
		if strings.Contains(e.Msg, "worker process") && e.Kind == "server" {
			n++
		}
	}
	return n
}

func TestHostileScriptsAtTheStart(t *testing.T) {
	// A project full of scripts whose top level is hostile: the server starts,
	// and those that are not to blame are live.
	scripts, err := hostiletest.Corpus(hostileDir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"neighbour.ts": serving, "diary.ts": diary}
	for i, s := range scripts {
		if i%oneOfAtTheStart == 0 {
			files["top/"+s.Name+".js"] = s.Module(hostiletest.Top)
		}
	}
	began := time.Now()
	r := startRig(t, "dev", files)
	ends := r.metric("reprise_worker_ends_total")
	t.Logf("%d scripts were loaded within %v; %v workers ended, the server has %d KiB", len(files), time.Since(began).Round(time.Millisecond), ends, r.memory(t))
	r.mustGet("/neighbour")
	if run, err := r.run("diary", "1"); err != nil || run.Status != runtime.Succeeded {
		t.Errorf("the diary: %s %v %v", run.Status, run.Error, err)
	}
	all, err := r.client.Scripts(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Error != nil {
			t.Logf("%-40s %s: %s", s.Name, s.Error.Name, s.Error.Message)
			if s.Error.Code == string(call.CodeWorkerLost) || s.Error.Code == string(call.CodeUnavailable) {
				t.Errorf("%s was not told what it did", s.Name)
			}
			if strings.Contains(s.Error.Message, "ended its worker process") && ends < 2 {
				t.Errorf("%s ended two worker processes, and %v have been counted", s.Name, ends)
			}
		}
	}
	r.stop()
}
