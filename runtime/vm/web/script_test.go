package web_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// What is tested has time, on a busy machine too.
var _ = vm.LimitTurns(time.Minute)

// Each file of testdata/js is the body of a fetch handler. It passes when the
// handler returns; what it prints must be what its "//>" comments say.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/js/*.js")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	prelude, err := os.ReadFile("testdata/assert.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".js"), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			h := &scriptHost{now: epoch}
			p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; `+string(prelude)+
				`; __reprise.exports({ default: { async fetch(request, env, ctx) { `+string(body)+"\nreturn new Response('ok'); } } }); })"), nil)
			if err != nil {
				t.Fatal(err)
			}
			v, err := vm.New(p, vm.Config{Platform: web.Platform(), Console: h.print, TurnBudget: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			turn := h.run(t, v)
			if turn.Err != nil {
				t.Fatalf("%v\n%s", turn.Err, turn.Err.Stack)
			}
			if diff := cmp.Diff(expected(string(body)), h.lines); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
		})
	}
}

// expected reads the "//>" comments.
func expected(source string) (lines []string) {
	for line := range strings.Lines(source) {
		if text, ok := strings.CutPrefix(line, "//> "); ok {
			lines = append(lines, strings.ReplaceAll(strings.TrimSuffix(text, "\n"), `\n`, "\n"))
		}
	}
	return lines
}

// scriptHost performs the calls of a script: timers in the order of their
// time, by a clock that jumps, and HTTP by a few fixed answers.
type scriptHost struct {
	now    time.Time
	lines  []string
	timers []pendingTimer
	ready  []call.Outcome
	live   int // chunks that were read of a body that arrives meanwhile
	aborts []uint64
}

type pendingTimer struct {
	id uint64
	at time.Time
}

func (h *scriptHost) print(l vm.Line) {
	fields := string(l.Fields)
	if l.Msg == "big" && strings.Contains(fields, strings.Repeat("x", 300)) {
		fields = "BIG"
	}
	h.lines = append(h.lines, l.Level+"|"+l.Msg+"|"+fields)
}

func (h *scriptHost) run(t *testing.T, v *vm.VM) vm.Turn {
	turn := v.Begin(vm.Start{
		Run: "r1", Script: "s", Handler: vm.HandlerFetch, Now: h.now, SecretKey: []byte("k"),
		Request: &vm.Request{
			Method: "POST", URL: "http://localhost:8080/test?x=1", Body: call.Bytes([]byte("in")),
			Headers: []vm.Header{{Name: "X-In", Value: "1"}, {Name: "x-in", Value: "2"}},
		},
	})
	for !turn.Done {
		h.take(t, turn)
		o, ok := h.next()
		if !ok {
			t.Fatal("the script waits for something that never comes")
		}
		turn = v.Deliver(o, h.now)
	}
	return turn
}

func (h *scriptHost) take(t *testing.T, turn vm.Turn) {
	h.aborts = append(h.aborts, turn.Aborts...)
	h.timers = slices.DeleteFunc(h.timers, func(p pendingTimer) bool { return slices.Contains(turn.Aborts, p.id) })
	for _, c := range turn.Calls {
		switch c.Kind {
		case web.KindTimer:
			var args web.Timer
			if err := json.Unmarshal(c.Args, &args); err != nil {
				t.Fatal(err)
			}
			h.timers = append(h.timers, pendingTimer{c.ID, h.now.Add(time.Duration(args.MS) * time.Millisecond)})
		case vm.KindBodyRead:
			o := call.OK(c.ID, nil)
			o.Body = call.Bytes([]byte("from the host"))
			h.ready = append(h.ready, o)
		case vm.KindBodyNext:
			o := call.OK(c.ID, nil)
			if h.live < 3 {
				h.live++
				o.Body = call.Bytes([]byte("live " + strconv.Itoa(h.live) + "\n"))
			}
			h.ready = append(h.ready, o)
		case vm.KindBodyDrop, vm.KindBodyWrite, vm.KindBodyEnd:
			h.lines = append(h.lines, c.Kind+"|"+string(c.Args)+"|"+string(c.Body.Inline))
			h.ready = append(h.ready, call.OK(c.ID, nil))
		default:
			h.http(t, c)
		}
	}
}

func (h *scriptHost) next() (call.Outcome, bool) {
	if len(h.ready) > 0 {
		o := h.ready[0]
		h.ready = h.ready[1:]
		return o, true
	}
	if len(h.timers) == 0 {
		return call.Outcome{}, false
	}
	i := 0
	for j, p := range h.timers {
		if p.at.Before(h.timers[i].at) {
			i = j
		}
	}
	p := h.timers[i]
	h.timers = slices.Delete(h.timers, i, i+1)
	h.now = p.at
	return call.OK(p.id, nil), true
}

func (h *scriptHost) http(t *testing.T, c call.Call) {
	var args web.HTTPRequest
	if err := json.Unmarshal(c.Args, &args); err != nil {
		t.Fatal(err)
	}
	path := args.URL[strings.LastIndexByte(args.URL, '/'):]
	if i := strings.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	o := call.Outcome{Call: c.ID, Value: []byte(`{"status":200,"statusText":"OK","url":` + strconv.Quote(args.URL) + `,"headers":[["X-Many","1"],["x-many","2"]]}`)}
	switch path {
	case "/never":
		return
	case "/fail":
		o = call.Failed(c.ID, call.Errorf(call.CodeConnect, "connection refused"))
	case "/held":
		o.Body = call.Held("h1", 13)
	case "/live":
		h.live = 0
		o.Body = call.Live(1, 0)
	case "/aborts":
		b, err := json.Marshal(h.aborts)
		if err != nil {
			t.Fatal(err)
		}
		o.Body = call.Bytes(b)
	default:
		body := string(c.Body.Inline)
		if c.Body.IsHeld() {
			body = "handle:" + c.Body.Handle
		}
		b, err := json.Marshal(map[string]any{"class": c.Class.String(), "target": c.Target, "body": body, "args": json.RawMessage(c.Args)})
		if err != nil {
			t.Fatal(err)
		}
		o.Body = call.Bytes(b)
	}
	h.ready = append(h.ready, o)
}
