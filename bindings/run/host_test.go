package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"reprise/bindings/run"
	"reprise/runtime/call"
)

// engine notes what it is asked for.
type engine struct {
	asked []string
	err   error
}

func (e *engine) StartRun(_ context.Context, p *call.Performance, script string, input []byte, idempotencyKey string) (string, error) {
	e.asked = append(e.asked, fmt.Sprintf("%s#%d %s: start %s %q %s", p.By.Run, p.Call.ID, p.Key, script, idempotencyKey, input))
	return "r2", e.err
}

func (e *engine) SignalRun(_ context.Context, p *call.Performance, run, name string, value []byte, idempotencyKey string) error {
	e.asked = append(e.asked, fmt.Sprintf("%s#%d %s: signal %s %s %q %s", p.By.Run, p.Call.ID, p.Key, run, name, idempotencyKey, value))
	return e.err
}

func (e *engine) AskURL(run string, ask uint64) string {
	return fmt.Sprintf("http://x/%s/%d", run, ask)
}

// perform has a call of run r1 performed. Bodies that are held can be read
// when their handle is "here".
func (e *engine) perform(c call.Call) call.Outcome {
	c.ID = 7
	return run.New(e).Do(context.Background(), &call.Performance{
		By: call.Caller{Run: "r1", Script: "shop", Durable: true}, Call: c, Key: "k7",
		Read: func(b call.Body) ([]byte, error) {
			if b.Handle == "here" {
				return []byte(`{"large":true}`), nil
			}
			return nil, errors.New("no such body")
		},
	})
}

func made(kind, args string, body call.Body) call.Call {
	return call.Call{Kind: kind, Args: []byte(args), Body: body}
}

func TestHost(t *testing.T) {
	none, held := call.Body{}, call.Held("here", 14)
	for _, tc := range []struct {
		c           call.Call
		value, asks string
	}{
		{made(call.KindStart, `{"script":"a/b"}`, none), `{"id":"r2"}`, `r1#7 k7: start a/b "" `},
		{made(call.KindStart, `{"script":"a","idempotencyKey":"o1"}`, call.Bytes([]byte(`{"n":1}`))), `{"id":"r2"}`, `r1#7 k7: start a "o1" {"n":1}`},
		{made(call.KindStart, `{"script":"a"}`, held), `{"id":"r2"}`, `r1#7 k7: start a "" {"large":true}`},
		{made(call.KindSignal, `{"run":"r3","name":"go","idempotencyKey":"s"}`, call.Bytes([]byte(`1`))), ``, `r1#7 k7: signal r3 go "s" 1`},
		{made(call.KindSignal, `{"run":"r3","name":"go"}`, none), ``, `r1#7 k7: signal r3 go "" `},
		{made(call.KindAsk, `{"title":"ok?","schema":{"type":"boolean"}}`, none), `{"url":"http://x/r1/7"}`, ``},
	} {
		e := &engine{}
		o := e.perform(tc.c)
		if o.Err != nil || o.Call != 7 || string(o.Value) != tc.value || strings.Join(e.asked, "; ") != tc.asks {
			t.Errorf("%s %s: %s, %v; the engine was asked %q", tc.c.Kind, tc.c.Args, o.Value, o.Err, e.asked)
		}
	}
}

func TestHostPassesErrorsOn(t *testing.T) {
	for _, c := range []call.Call{made(call.KindStart, `{"script":"a"}`, call.Body{}), made(call.KindSignal, `{"run":"r","name":"n"}`, call.Body{})} {
		e := &engine{err: fmt.Errorf("engine: %w", call.Errorf(call.CodeNotFound, "there is none"))}
		if o := e.perform(c); o.Err == nil || o.Err.Code != string(call.CodeNotFound) || o.Call != 7 {
			t.Errorf("%s: %+v", c.Kind, o)
		}
		e.err = errors.New("boom")
		if o := e.perform(c); o.Err == nil || o.Err.Code != string(call.CodeInternal) {
			t.Errorf("%s: %+v", c.Kind, o)
		}
	}
}

func TestHostTrustsNobody(t *testing.T) {
	// Arguments that no VM side of ours would send are refused.
	long := strings.Repeat("x", 300)
	for _, tc := range []struct {
		c    call.Call
		want string
	}{
		{made(call.KindStart, ``, call.Body{}), "can not be read"},
		{made(call.KindStart, `[]`, call.Body{}), "can not be read"},
		{made(call.KindStart, `{"script":"a","more":1}`, call.Body{}), "can not be read"},
		{made(call.KindStart, `{}`, call.Body{}), "the name of a script"},
		{made(call.KindStart, `{"script":"`+long+`"}`, call.Body{}), "1 to 200 bytes"},
		{made(call.KindStart, `{"script":"a","idempotencyKey":"`+long+`"}`, call.Body{}), "1 to 256 bytes"},
		{made(call.KindStart, `{"script":"a"}`, call.Bytes([]byte(`{`))), "the input of a is not JSON"},
		{made(call.KindStart, `{"script":"a"}`, call.Bytes(nil)), "the input of a is not JSON"},
		{made(call.KindStart, `{"script":"a"}`, call.Held("gone", 5)), "the input of a is gone"},
		{made(call.KindSignal, `{"run":"","name":"n"}`, call.Body{}), "the id of a run"},
		{made(call.KindSignal, `{"run":"r","name":"ask:5"}`, call.Body{}), "answers to asks"},
		{made(call.KindSignal, `{"run":"r","name":"a\u0000"}`, call.Body{}), "control"},
		{made(call.KindSignal, `{"run":"r","name":"n"}`, call.Bytes([]byte(`no`))), "the value of signal n is not JSON"},
		{made(call.KindAsk, `{}`, call.Body{}), "the title of an ask"},
		{made(call.KindAsk, `{"title":"a","schema":[]}`, call.Body{}), "must be a JSON Schema"},
		{made(call.KindAsk, `{"title":"a","description":"`+strings.Repeat("x", 10_001)+`"}`, call.Body{}), "10001 bytes"},
		{made(call.KindWait, `{"name":"a"}`, call.Body{}), `does not perform calls of kind "run.wait"`},
	} {
		e := &engine{}
		if o := e.perform(tc.c); o.Err == nil || !strings.Contains(o.Err.Message, tc.want) || len(e.asked) > 0 {
			t.Errorf("%s %.80s: %v, want %s; asked %v", tc.c.Kind, tc.c.Args, o.Err, tc.want, e.asked)
		}
	}
	o := run.New(&engine{}).Do(t.Context(), &call.Performance{Call: made(call.KindAsk, `{"title":"a"}`, call.Body{})})
	if o.Err == nil || o.Err.Code != string(call.CodeNotDurable) {
		t.Errorf("an ask of a request: %+v", o)
	}
}

func TestKinds(t *testing.T) {
	// All that the module makes is performed by somebody.
	var got []string
	for kind, shape := range run.New(nil).Kinds() {
		got = append(got, fmt.Sprintf("%s %d", kind, shape))
	}
	slices.Sort(got)
	want := []string{"run.answer 2", "run.ask 0", "run.continue 2", "run.invoke 2", "run.publish 2", "run.signal 0", "run.start 0", "run.wait 2"}
	if !slices.Equal(got, want) {
		t.Errorf("kinds are %v, want %v", got, want)
	}
}

func FuzzHost(f *testing.F) {
	f.Add(uint8(0), `{"script":"a/b","idempotencyKey":"k"}`, `{"n":1}`)
	f.Add(uint8(1), `{"run":"r","name":"n"}`, ``)
	f.Add(uint8(2), `{"title":"ok?","description":"d","schema":{"type":"object"}}`, ``)
	f.Fuzz(func(t *testing.T, kind uint8, args, body string) {
		c := made([]string{call.KindStart, call.KindSignal, call.KindAsk}[kind%3], args, call.Bytes([]byte(body)))
		e := &engine{}
		o := e.perform(c)
		if o.Call != 7 || o.Err == nil && c.Kind != call.KindSignal && !json.Valid(o.Value) {
			t.Fatalf("%s %q: %+v", c.Kind, args, o)
		}
		if o.Err == nil && c.Kind != call.KindAsk && !json.Valid([]byte(body)) {
			t.Fatalf("%s took %q", c.Kind, body)
		}
	})
}
