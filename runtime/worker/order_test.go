package worker

import (
	"strings"
	"testing"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

func TestTheTurnsOfASoundVMAreInOrder(t *testing.T) {
	// All that a VM does crosses the pipe and is believed, whatever the clock does.
	h := New(Options{Platform: web.Platform()})
	print := func(l Line) {
		if got, err := parseLine(appendLine(nil, &l)); err != nil || !strings.HasPrefix(got.Msg, "a\uFFFD") {
			t.Errorf("%+v: %v", got, err)
		}
	}
	code := `(async (__reprise) => { "use strict"; __reprise.exports({ default: async (text) => {
		const first = setTimeout(() => {}, 50), second = setTimeout(() => {}, 60);
		console.log(text, { text });
		await fetch("https://x.example/" + text);
		clearTimeout(second);
		await new Promise((next) => setTimeout(next, 70));
		throw new TypeError(text);
	} }); })`
	r := Revision{ID: "a", Script: "s", Code: []byte(code)}
	r, err := parseRevision(appendRevision(nil, &r))
	if err != nil {
		t.Fatal(err)
	}
	handlers, err := h.Load(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseLoaded(appendLoaded(nil, &loaded{Handlers: handlers})); err != nil || len(got.Handlers) != 1 {
		t.Fatal(got, err)
	}
	now := time.Now()
	start := Start{Run: "r", Script: "s", Revision: "a", Handler: HandlerRun, Input: []byte("\"a\xff\""), Now: now}
	o := order{handler: start.Handler}
	session, turn, err := h.Begin("a", start, print)
	if err != nil {
		t.Fatal(err)
	}
	defer session.End(false)
	believe := func(at time.Time) {
		t.Helper()
		got, err := parseTurn(appendTurn(nil, &turn))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.next(&got, at); err != nil {
			t.Fatal(err)
		}
	}
	believe(now)
	deliver := func(o call.Outcome, at time.Time) {
		t.Helper()
		turn = session.Deliver(Delivery{Outcome: o, At: at})[0]
		believe(at)
	}
	deliver(call.OK(3, []byte(`{"status":200,"url":"https://x.example/","headers":[]}`)), now.Add(time.Second))
	deliver(call.OK(1, nil), now) // the clock of the machine went back
	deliver(call.OK(4, nil), now.Add(2*time.Second))
	if turn.Err == nil || turn.N != 4 || o.call != 4 {
		t.Errorf("%+v after call %d", turn, o.call)
	}
}

func TestTurnsOutOfOrderAreNotBelieved(t *testing.T) {
	clock := time.Unix(1000, 0)
	before := order{handler: HandlerRun, turn: 4, call: 10, clock: clock}
	request := before
	request.handler = HandlerFetch
	calls := func(ids ...uint64) (list []call.Call) {
		for _, id := range ids {
			list = append(list, call.Call{ID: id, Kind: "timer"})
		}
		return list
	}
	for want, c := range map[string]struct {
		o  order
		x  Turn
		at time.Time
	}{
		"turn 4 follows turn 4":                               {before, Turn{N: 4, At: clock}, clock},
		"turn 6 follows turn 4":                               {before, Turn{N: 6, At: clock}, clock},
		"turn 5 happened at":                                  {before, Turn{N: 5, At: clock.Add(time.Hour)}, clock},
		"and the script's clock said 1970-01-01":              {before, Turn{N: 5, At: clock.Add(-1)}, clock.Add(-1)},
		"turn 5 issues call 12 after call 10":                 {before, Turn{N: 5, At: clock, Calls: calls(12)}, clock},
		"turn 5 issues call 10 after call 10":                 {before, Turn{N: 5, At: clock, Calls: calls(10, 11)}, clock},
		"turn 5 aborts call 12, and the last one was 11":      {before, Turn{N: 5, At: clock, Calls: calls(11), Aborts: []uint64{1, 12}}, clock},
		"turn 5 aborts call 0":                                {before, Turn{N: 5, At: clock, Aborts: []uint64{0}}, clock},
		"turn 5 settles a request without a response":         {request, Turn{N: 5, At: clock, Settled: true}, clock},
		"turn 5 has a result that no fetch handler has":       {request, Turn{N: 5, At: clock, Settled: true, Value: []byte("1"), Response: &Response{}}, clock},
		"turn 5 has a result that no run handler has":         {before, Turn{N: 5, At: clock, Settled: true, Response: &Response{}}, clock},
		"turn 5 issues call 9223372036854775808 after call 1": {before, Turn{N: 5, At: clock, Calls: calls(1 << 63)}, clock},
	} {
		o := c.o
		if err := o.next(&c.x, c.at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if o != c.o {
			t.Errorf("%s: it was taken in all the same", want)
		}
	}
	later := clock.Add(time.Minute)
	if err := before.next(&Turn{N: 5, At: later.In(time.FixedZone("", 3600)), Calls: calls(11, 12), Aborts: []uint64{12}}, later); err != nil {
		t.Error(err)
	}
	if want := (order{handler: HandlerRun, turn: 5, call: 12, clock: later}); before != want {
		t.Errorf("%+v", before)
	}
}
