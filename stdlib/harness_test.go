package stdlib_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"reprise/bindings/authbind"
	"reprise/bindings/httpbind"
	"reprise/bindings/kv"
	"reprise/bindings/retry"
	"reprise/bindings/run"
	"reprise/bindings/secrets"
	"reprise/bindings/std"
	"reprise/runtime/call"
	"reprise/runtime/script"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// What is tested has time, on a busy machine too.
var _ = vm.LimitTurns(time.Minute)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// bases is where the connections of the tests lead.
var bases = map[string]string{"": "", "shop": "https://shop.example/v2", "self": "http://127.0.0.1:8080"}

// asked is a request that reached the upstream.
type asked struct {
	web.HTTPRequest
	full string // the whole URL
	body string
}

// answer is what an upstream says. A zero status is 200, a string body text as it is, anything else JSON.
type answer struct {
	status  int
	headers [][2]string
	body    any
	err     *call.Error
}

type upstream func(asked) answer

// play is a run of a script in the hands of a test.
type play struct {
	t     *testing.T
	vm    *vm.VM
	now   time.Time
	turn  vm.Turn
	open  []call.Call
	most  int // open requests at the same time
	log   []string
	lines []vm.Line
}

// build bundles a script as the server does.
func build(t *testing.T, source string) *vm.Program {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "script.ts"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	project, err := script.OpenProject(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := project.List()
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	rev, err := script.NewBuilder(script.BuilderOptions{}).Build(t.Context(), project, list[0])
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	program, err := vm.Compile(rev.Code, rev.Map)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

const imports = `import { http, HTTPError } from "reprise:http";
import { step, sleep } from "reprise:run";
import { map, saga, settle } from "reprise:flow";
import { paginate, parseLink } from "reprise:paginate";
import { graphql, GraphQLError } from "reprise:graphql";
import { events, parse as parseEvents } from "reprise:sse";
import { values, parse as parseLines } from "reprise:ndjson";
import { webhooks } from "reprise:webhooks";
import { secret } from "reprise:secrets";
`

// start begins a run of a handler with this body, which has every module.
func start(t *testing.T, body string) *play {
	t.Helper()
	return begin(t, imports+"export default async function (input, env) {\n"+body+"\n}", vm.Start{})
}

// begin begins a run of a script.
func begin(t *testing.T, source string, s vm.Start) *play {
	t.Helper()
	p := &play{t: t, now: epoch}
	var err error
	p.vm, err = vm.New(build(t, source), vm.Config{
		Platform: web.Platform(), Connect: httpbind.Connect, TurnBudget: time.Minute, Console: func(l vm.Line) { p.lines = append(p.lines, l) },
		Modules: []vm.Module{httpbind.Module(), kv.Module(), run.Module(), retry.Module(), authbind.Module(), secrets.Module(), std.Module()},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Run, s.Script, s.Revision, s.Now, s.Connections = "r1", "script", "rev", epoch, []string{"self", "shop"}
	s.SecretKey, s.Secrets = []byte("the key of this run"), []string{"CUSTOMER_WEBHOOK"}
	if s.Handler == "" {
		s.Handler, s.Durable = vm.HandlerRun, true
	}
	p.took(p.vm.Begin(s))
	return p
}

func (p *play) took(turn vm.Turn) {
	p.turn = turn
	p.open = append(p.open, turn.Calls...)
	p.open = slices.DeleteFunc(p.open, func(c call.Call) bool { return slices.Contains(turn.Aborts, c.ID) })
	for _, c := range turn.Calls {
		p.log = append(p.log, strings.TrimPrefix(c.Scope+": "+c.Target, ": "))
	}
	requests := 0
	for _, c := range p.open {
		if c.Kind == web.KindHTTP {
			requests++
		}
	}
	p.most = max(p.most, requests)
}

func (p *play) deliver(i int, o call.Outcome) {
	c := p.open[i]
	p.open = slices.Delete(p.open, i, i+1)
	if c.Kind == web.KindTimer {
		var timer web.Timer
		if err := json.Unmarshal(c.Args, &timer); err != nil {
			p.t.Fatal(err)
		}
		p.now = p.now.Add(time.Duration(timer.MS) * time.Millisecond)
	}
	o.Call = c.ID
	p.took(p.vm.Deliver(o, p.now))
}

// find returns the open call with this target, or a part of it.
func (p *play) find(target string) int {
	p.t.Helper()
	i := slices.IndexFunc(p.open, func(c call.Call) bool { return strings.Contains(c.Target, target) })
	if i < 0 {
		p.t.Fatalf("no open call %q; open are %q; the log is %q; done %v, %v", target, p.targets(), p.log, p.turn.Done, p.turn.Err)
	}
	return i
}

func (p *play) targets() []string {
	out := []string{}
	for _, c := range p.open {
		out = append(out, c.Target)
	}
	return out
}

// reply answers the open call with this target.
func (p *play) reply(target string, a answer) {
	p.t.Helper()
	i := p.find(target)
	p.deliver(i, outcome(p.t, p.open[i], a))
}

// fire lets the open timer with this target come.
func (p *play) fire(target string) { p.t.Helper(); p.deliver(p.find(target), call.Outcome{}) }

func (p *play) fail(target string, code call.Code) {
	p.t.Helper()
	p.reply(target, answer{err: call.Errorf(code, "%s failed", target)})
}

func requestOf(t *testing.T, c call.Call) asked {
	t.Helper()
	var a asked
	if err := web.DecodeHTTPRequest(c.Args, &a.HTTPRequest); err != nil {
		t.Fatal(err)
	}
	a.full, a.body = a.URL, string(c.Body.Inline)
	if !strings.Contains(a.URL, "://") {
		a.full = bases[a.Connection] + a.URL
	}
	return a
}

func outcome(t *testing.T, c call.Call, a answer) call.Outcome {
	t.Helper()
	if a.err != nil {
		return call.Failed(c.ID, a.err)
	}
	body, isText := a.body.(string)
	if !isText {
		b, err := json.Marshal(a.body)
		if err != nil {
			t.Fatal(err)
		}
		body, a.headers = string(b), append(a.headers, [2]string{"content-type", "application/json"})
	}
	if a.status == 0 {
		a.status = 200
	}
	value, err := json.Marshal(web.HTTPResponse{Status: a.status, URL: requestOf(t, c).full, Headers: a.headers})
	if err != nil {
		t.Fatal(err)
	}
	o := call.OK(c.ID, value)
	if a.status != 204 {
		o.Body = call.Bytes([]byte(body))
	}
	return o
}

// serve answers requests, the oldest first, until the run has ended. A timer
// comes when nothing else can.
func (p *play) serve(up upstream) *play {
	p.t.Helper()
	for turns := 0; !p.turn.Done && len(p.open) > 0; turns++ {
		if turns > 10_000 {
			p.t.Fatal("it does not end")
		}
		i := slices.IndexFunc(p.open, func(c call.Call) bool { return c.Kind == web.KindHTTP })
		if i < 0 {
			p.deliver(0, call.Outcome{})
			continue
		}
		p.deliver(i, outcome(p.t, p.open[i], up(requestOf(p.t, p.open[i]))))
	}
	return p
}

// gives holds the run to its result.
func (p *play) gives(want string) {
	p.t.Helper()
	if !p.turn.Done || p.turn.Err != nil || string(p.turn.Value) != want {
		p.t.Fatalf("done %v, err %v, open %q; the result is\n%s\nwant\n%s", p.turn.Done, p.turn.Err, p.targets(), p.turn.Value, want)
	}
}

// fails holds the run to its error: "CODE message", or a part of it.
func (p *play) fails(want string) {
	p.t.Helper()
	if !p.turn.Done || p.turn.Err == nil {
		p.t.Fatalf("done %v, value %s, err %v, open %q; want the error %s", p.turn.Done, p.turn.Value, p.turn.Err, p.targets(), want)
	}
	if got := fmt.Sprintf("%s %s", p.turn.Err.Code, p.turn.Err.Message); !strings.Contains(got, want) {
		p.t.Fatalf("the error is\n%s\nwant\n%s", got, want)
	}
}

func (p *play) logs(want ...string) {
	p.t.Helper()
	if !slices.Equal(p.log, want) {
		p.t.Fatalf("the calls were\n  %s\nwant\n  %s", strings.Join(p.log, "\n  "), strings.Join(want, "\n  "))
	}
}
