package replaytest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"reprise/bindings/kv"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// world answers calls at random. It is all that differs from one execution of
// a script to the next.
type world struct {
	rng  *rand.Rand
	evil int // how many answers of a hundred are failures
	held map[string][]byte
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 7)), held: map[string][]byte{}}
	w.evil = pick(w, 0, 5, 30, 60)
	return w
}

// next says which of the open calls is answered first: any, but long timers
// rarely come before short ones and what they are the limit of.
func (w *world) next(open []call.Call) int {
	i := w.rng.IntN(len(open))
	for tries := 0; tries < 4 && open[i].Kind == web.KindTimer && len(open[i].Args) > len(`{"ms":99}`); tries++ {
		i = w.rng.IntN(len(open))
	}
	return i
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func pick[T any](w *world, list ...T) T { return list[w.rng.IntN(len(list))] }

// answer makes the outcome of a call.
func (w *world) answer(c call.Call) call.Outcome {
	switch c.Kind {
	case web.KindTimer:
		return call.OK(c.ID, nil)
	case web.KindHTTP:
		return w.response(c)
	case vm.KindBodyRead:
		return call.Outcome{Call: c.ID, Body: call.Bytes(w.held[c.Target])}
	case "kv.get":
		return w.entries(c)
	case "kv.list":
		return w.listed(c)
	case "kv.commit":
		return w.value(c, kv.Done{OK: w.chance(70), Versionstamp: fmt.Sprintf("%020d", w.rng.Uint32()|1)})
	case call.KindStart:
		return w.value(c, map[string]string{"id": fmt.Sprintf("run-%d", w.rng.IntN(1000))})
	case call.KindAsk:
		return w.value(c, map[string]string{"url": "http://127.0.0.1/_/ask/1"})
	case call.KindWait, call.KindAnswer:
		if w.chance(30) {
			return call.Failed(c.ID, call.Errorf(call.CodeTimeout, "nothing came"))
		}
	case call.KindInvoke:
		if w.chance(30) {
			inner := &call.Error{Name: "RangeError", Message: "inside", Stack: "RangeError: inside\n    at child.ts:1:1", Call: 99}
			return call.Failed(c.ID, call.Errorf(call.CodeRunFailed, "the child failed").WithData(map[string]string{"run": "child"}).WithCause(inner))
		}
	}
	return w.value(c, map[string]any{"n": w.rng.IntN(10), "text": pick(w, "a", "é", "\u2028", "b\\c")})
}

func (w *world) value(c call.Call, v any) call.Outcome {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return call.OK(c.ID, b)
}

// response is an answer of an upstream, or the lack of one.
func (w *world) response(c call.Call) call.Outcome {
	status := pick(w, 200, 200, 200, 201, 204)
	if w.chance(w.evil) {
		switch w.rng.IntN(6) {
		case 0:
			return call.Failed(c.ID, call.Errorf(call.CodeConnect, "%s: refused (%d)", c.Target, w.rng.IntN(5)))
		case 1:
			return call.Failed(c.ID, call.Errorf(call.CodeTimeout, "%s: no answer", c.Target).WithCause(&call.Error{Name: "Error", Message: "slow"}))
		}
		status = pick(w, 200, 404, 429, 500, 503)
	}
	o := w.value(c, web.HTTPResponse{
		Status: status, StatusText: "S", URL: "http://up.example/x",
		Headers: [][2]string{{"content-type", "application/json"}, {"retry-after", pick(w, "1", "90", "x")}, {"x-n", fmt.Sprint(w.rng.IntN(9))}},
	})
	if status == 204 {
		return o
	}
	body := []byte(w.document())
	if w.chance(15) {
		handle := fmt.Sprintf("sha-%d", len(w.held))
		w.held[handle] = body
		o.Body = call.Held(handle, int64(len(body)))
	} else {
		o.Body = call.Bytes(body)
	}
	return o
}

// document is a body: JSON short and long, canonical or not, or no JSON.
func (w *world) document() string {
	n := w.rng.IntN(100)
	if w.chance(w.evil / 3) {
		return pick(w, "", "{", "oops", "[1,2", `{"n":1}x`)
	}
	switch w.rng.IntN(5) {
	case 0:
		return fmt.Sprintf(`{"n":%d,"z":1,"a":2,"10":3,"2":4,"list":[3,1,2]}`, n)
	case 1:
		return fmt.Sprintf(`{"n":%d,"list":[%s0]}`, n, strings.Repeat(`{"id":"x","ok":true},`, 20))
	case 2:
		return fmt.Sprintf("{ \"n\" : %d.50e0,\n\"__proto__\" : {\"x\":1}, \"text\":\"%s\" }", n, strings.Repeat("\\u00e9", 60))
	case 3:
		return fmt.Sprintf(`{"n":%d,"then":1,"toJSON":"no","pad":"%s"}`, n, strings.Repeat("p", 200))
	}
	return fmt.Sprintf(`{"n":%d}`, n)
}

// entries answers a kv.get: absent keys and values of all kinds.
func (w *world) entries(c call.Call) call.Outcome {
	var args kv.GetArgs
	if err := json.Unmarshal(c.Args, &args); err != nil {
		panic(err)
	}
	return w.found(c, nil, len(args.Keys))
}

func (w *world) listed(c call.Call) call.Outcome {
	n := w.rng.IntN(4)
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(`["k",%d]`, i)
	}
	return w.found(c, keys, n)
}

func (w *world) found(c call.Call, keys []string, n int) call.Outcome {
	var body []byte
	stamps, sizes := make([]string, n), make([]int, n)
	for i := range n {
		if keys == nil && w.chance(25) {
			continue
		}
		value := pick(w, `1`, `"text"`, `{"a":[1,2],"b":null}`, `{"$map":[["x",1],["y",2]]}`, `{"$set":[3,1,2]}`, `{"$date":"2026-01-01T00:00:00.000Z"}`)
		stamps[i], sizes[i] = fmt.Sprintf("%020d", w.rng.Uint32()|1), len(value)
		body = append(body, value...)
	}
	v := map[string]any{"versionstamps": stamps, "sizes": sizes}
	if keys != nil {
		v["keys"] = json.RawMessage("[" + strings.Join(keys, ",") + "]")
	}
	o := w.value(c, v)
	o.Body = call.Bytes(body)
	return o
}
