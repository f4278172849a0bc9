package worker

import (
	"encoding/json"
	"math"
	"reflect"
	goruntime "runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reprise/runtime/call"
)

// Samples that together have every field of every message set.

var errSample = &call.Error{
	Name: "HTTPError", Message: "it answered 404", Code: "HTTP_ERROR", Stack: "HTTPError: it answered 404\n    at a.ts:1:2", Data: json.RawMessage(`{"status":404}`), Call: 7,
	Cause: &call.Error{Name: "Error", Message: "é"},
}

func sampleTurns() []Turn {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	pos := call.Position{File: "scripts/a.ts", Line: 3, Column: 4}
	return []Turn{
		{
			N: 3, At: at, CPU: time.Millisecond, Open: 2, Aborts: []uint64{1, 300}, Held: true, Unwinding: true, Dead: true,
			Calls: []call.Call{
				{ID: 6, Kind: "http.request", Target: "POST https://x", Class: call.Write, Args: []byte(`{"a":1}`), Body: call.Bytes([]byte("body")), Pos: pos, Scope: "a/b"},
				{ID: 7, Kind: "timer", Body: call.Held("body-1", 1<<40)},
			},
		},
		{N: 1, At: at, Settled: true, Done: true, Value: []byte(`{"é":[1]}`)},
		{N: 1, At: at, Settled: true, Response: &Response{Status: 404, StatusText: "Not Found", Headers: lines("X-A", "1", "x-b", ""), Body: call.Bytes([]byte("gone"))}},
		{N: 1, At: at, Settled: true, Response: &Response{Body: call.Bytes(nil)}},
		{N: 1, At: at, Settled: true, TooLarge: 1 << 40},
		{N: 1, At: at, Failed: true, Err: errSample},
		{N: 1},
	}
}

func sampleStart() Start {
	x := browsed()
	x.Durable, x.HoldFailure, x.Input = true, true, []byte(`"input"`)
	x.Request.Depth, x.Request.Body = 2, call.Held("body-1", 12)
	x.Now = x.Now.UTC()
	x.Budget = Budget{TurnCPU: time.Second, RunCPU: time.Minute, Used: time.Millisecond, CallDepth: 1000, Result: 8 << 20}
	return x
}

func sampleLine() Line {
	return Line{Level: "warn", Msg: "über", Fields: []byte(`{"a":1}`), Turn: 9, Pos: call.Position{File: "a.ts", Line: 1, Column: 2}}
}

func sampleRevision() Revision {
	return Revision{ID: "rev-1", Script: "a", Code: []byte("code"), Map: []byte("{}"), Fresh: true, Budget: Budget{TurnCPU: time.Second}}
}

// samples are one message of each type, in its binary form, with its parser.
func samples() map[string]struct {
	b     []byte
	parse func(b []byte) (any, error)
} {
	known := settings{}
	x := sampleStart()
	s, _ := known.say(&x)
	type sample = struct {
		b     []byte
		parse func(b []byte) (any, error)
	}
	out := map[string]sample{
		"start":    {appendStart(nil, &x, s.Number), func(b []byte) (any, error) { return parseStart(b, &known) }},
		"setting":  {appendSetting(nil, s), func(b []byte) (any, error) { return parseSetting(b) }},
		"revision": {appendRevision(nil, new(sampleRevision())), func(b []byte) (any, error) { return parseRevision(b) }},
		"line":     {appendLine(nil, new(sampleLine())), func(b []byte) (any, error) { return parseLine(b) }},
		"loaded":   {appendLoaded(nil, &loaded{Handlers: []string{"run", "scheduled"}}), func(b []byte) (any, error) { return parseLoaded(b) }},
		"unloaded": {appendLoaded(nil, &loaded{Err: errSample}), func(b []byte) (any, error) { return parseLoaded(b) }},
	}
	for i, x := range sampleTurns() {
		out["turn "+string(rune('0'+i))] = sample{appendTurn(nil, &x), func(b []byte) (any, error) { return parseTurn(b) }}
	}
	return out
}

func TestEveryFieldCrossesThePipe(t *testing.T) {
	// A field that is added to a message has to be added to its binary form, and
	// to a sample here.
	set := fieldSet{}
	for _, x := range sampleTurns() {
		set.see(reflect.ValueOf(x))
		got, err := parseTurn(appendTurn(nil, &x))
		if diff := cmp.Diff(x, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	x := sampleStart()
	set.see(reflect.ValueOf(x))
	var server, worker settings
	s, _ := server.say(&x)
	told, err := parseSetting(appendSetting(nil, s))
	if diff := cmp.Diff(*s, told); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if err := worker.learn(told); err != nil {
		t.Fatal(err)
	}
	start, err := parseStart(appendStart(nil, &x, s.Number), &worker)
	if diff := cmp.Diff(x, start); err != nil || diff != "" {
		t.Error(err, diff)
	}
	line := sampleLine()
	set.see(reflect.ValueOf(line))
	gotLine, err := parseLine(appendLine(nil, &line))
	if diff := cmp.Diff(line, gotLine); err != nil || diff != "" {
		t.Error(err, diff)
	}
	revision := sampleRevision()
	set.see(reflect.ValueOf(revision))
	gotRevision, err := parseRevision(appendRevision(nil, &revision))
	if diff := cmp.Diff(revision, gotRevision); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, x := range []loaded{{}, {Handlers: []string{"run", "fetch", "scheduled"}}, {Err: errSample}} {
		got, err := parseLoaded(appendLoaded(nil, &x))
		if diff := cmp.Diff(x, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	for field, seen := range set {
		if !seen {
			t.Errorf("no sample has %s set", field)
		}
	}
	if len(set) < 60 {
		t.Errorf("only %d fields were found", len(set))
	}
}

// fieldSet has all fields of messages, and whether a sample has them set.
type fieldSet map[string]bool

func (s fieldSet) see(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			s.see(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			s.see(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			name := v.Type().String() + "." + v.Type().Field(i).Name
			s[name] = s[name] || !v.Field(i).IsZero()
			s.see(v.Field(i))
		}
	}
}

func TestEveryPrefixOfAMessageIsRefused(t *testing.T) {
	for name, s := range samples() {
		if _, err := s.parse(s.b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := range s.b {
			if _, err := s.parse(s.b[:n]); err == nil {
				t.Errorf("the first %d bytes of %s were believed", n, name)
			}
		}
		if _, err := s.parse(append(s.b, 0)); err == nil {
			t.Errorf("%s with a byte after it was believed", name)
		}
	}
}

func TestWrongCountsAskForNoMemory(t *testing.T) {
	// Messages of a few bytes that say they have 2^40 calls, headers, handlers.
	many := []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x20}
	turn := appendTurn(nil, &Turn{N: 1})
	answer := appendTurn(nil, &Turn{N: 1, Settled: true, Response: &Response{}})
	at := len(turn) - 3 // calls, aborts, value
	filler := make([]byte, 1<<20)
	for name, b := range map[string][]byte{
		"calls":    append(append(append([]byte{}, turn[:at]...), many...), filler...),
		"aborts":   append(append(append([]byte{}, turn[:at+1]...), many...), filler...),
		"headers":  append(append(append([]byte{}, answer[:len(answer)-2]...), many...), filler...),
		"handlers": append(append([]byte{0}, many...), filler...),
	} {
		allocated := allocatedBy(func() {
			_, err := parseTurn(b)
			if name == "handlers" {
				_, err = parseLoaded(b)
			}
			if err == nil || !strings.Contains(err.Error(), "a list of 1099511627776") {
				t.Fatal(err)
			}
		})
		if allocated > 64<<10 {
			t.Errorf("%s: %d bytes were allocated", name, allocated)
		}
	}
	// As many calls as there is room for, none of which is one.
	lie := append(append(append([]byte{}, turn[:at]...), 0xd4, 0xaa, 0x05), filler...) // 87,380
	if n := allocatedBy(func() {
		if _, err := parseTurn(lie); err == nil {
			t.Fatal("it was believed")
		}
	}); n > 64<<10 {
		t.Errorf("%d bytes were allocated for calls that are none", n)
	}
}

// allocatedBy is how many bytes f allocates, and whoever else is at work.
func allocatedBy(f func()) uint64 {
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	f()
	goruntime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestTimesArriveAsTheSameInstant(t *testing.T) {
	// The script's clock reads the same on either side of the pipe.
	east := time.FixedZone("east", 5*3600)
	for _, now := range []time.Time{time.Now(), time.Unix(0, 1).In(east), time.Unix(-1, 999_999_999), {}} {
		turn, err := parseTurn(appendTurn(nil, &Turn{N: 1, At: now}))
		if err != nil || !turn.At.Equal(now) || turn.At.IsZero() != now.IsZero() {
			t.Errorf("%v became %v (%v)", now, turn.At, err)
		}
		var known settings
		x := Start{Now: now}
		s, _ := known.say(&x)
		start, err := parseStart(appendStart(nil, &x, s.Number), &known)
		if err != nil || !start.Now.Equal(now) || start.Now.UnixMilli() != now.UnixMilli() {
			t.Errorf("%v became %v (%v)", now, start.Now, err)
		}
	}
}

// texts draws any bytes as text: a script can print what is not UTF-8.
func texts(t *rapid.T, name string) string {
	if rapid.Bool().Draw(t, "plain") {
		return rapid.StringMatching(`[a-z/.é ]{0,12}`).Draw(t, name)
	}
	return string(rapid.SliceOf(rapid.Byte()).Draw(t, name))
}

func jsonText(t *rapid.T, name string) []byte {
	return rapid.SampledFrom([][]byte{nil, []byte(`{}`), []byte(` {"a":[1,"é"]}`), []byte("{\"\xff\":null}")}).Draw(t, name)
}

func bodies(t *rapid.T) call.Body {
	switch rapid.IntRange(0, 2).Draw(t, "form") {
	case 0:
		return call.Body{}
	case 1:
		return call.Bytes(rapid.SliceOf(rapid.Byte()).Draw(t, "inline"))
	}
	return call.Held("b"+texts(t, "handle"), rapid.Int64Range(0, math.MaxInt64).Draw(t, "size"))
}

func headerLists(t *rapid.T) []Header {
	list := make([]Header, rapid.IntRange(0, 5).Draw(t, "headers"))
	for i := range list {
		list[i] = Header{Name: texts(t, "name"), Value: texts(t, "value")}
	}
	return list
}

func errorsOf(t *rapid.T, depth int) *call.Error {
	if depth > 3 || !rapid.Bool().Draw(t, "error") {
		return nil
	}
	return &call.Error{
		Name: texts(t, "name"), Message: texts(t, "message"), Code: texts(t, "code"), Stack: texts(t, "stack"),
		Data: jsonText(t, "data"), Cause: errorsOf(t, depth+1), Call: rapid.Uint64().Draw(t, "stems from"),
	}
}

func turns(t *rapid.T) Turn {
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	x := Turn{
		N: rapid.Uint64().Draw(t, "n"), At: time.Unix(0, rapid.Int64Range(-1<<62, 1<<62).Draw(t, "at")), CPU: time.Duration(rapid.Int64().Draw(t, "cpu")),
		Open: rapid.Int().Draw(t, "open"), Aborts: rapid.SliceOf(rapid.Uint64()).Draw(t, "aborts"),
		Settled: flag("settled"), Held: flag("held"), Unwinding: flag("unwinding"), Dead: flag("dead"), Done: flag("done"), Err: errorsOf(t, 0),
	}
	x.Failed = x.Err != nil && flag("failed")
	switch {
	case !x.Settled || x.Err != nil:
	case flag("too large"):
		x.TooLarge = rapid.Int64Range(1, 1<<60).Draw(t, "size")
	case flag("response"):
		x.Response = &Response{Status: rapid.Int().Draw(t, "status"), StatusText: texts(t, "status text"), Headers: headerLists(t), Body: bodies(t)}
	default:
		x.Value = jsonText(t, "value")
	}
	first := rapid.Uint64Range(1, 1<<60).Draw(t, "first call")
	for i := range rapid.IntRange(0, 80).Draw(t, "calls") {
		x.Calls = append(x.Calls, call.Call{
			ID: first + uint64(i), Kind: rapid.StringMatching(`[a-z]{1,9}(\.[a-zA-Z0-9]{1,9})?`).Draw(t, "kind"), Target: texts(t, "target"),
			Class: call.Class(rapid.IntRange(0, 3).Draw(t, "class")), Args: jsonText(t, "args"), Body: bodies(t),
			Pos: call.Position{File: texts(t, "file"), Line: rapid.IntRange(0, maxInt).Draw(t, "line")}, Scope: texts(t, "scope"),
		})
	}
	return x
}

func TestWhatAScriptCanDoIsBelieved(t *testing.T) {
	// Whatever a sound VM makes of a script arrives: text that is no UTF-8 is
	// mended, numbers that do not fit are the nearest that do, the rest is the same.
	rapid.Check(t, func(t *rapid.T) {
		x := turns(t)
		got, err := parseTurn(appendTurn([]byte("before"), &x)[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		want := mended(x)
		want.At, want.CPU, want.Open = want.At.UTC(), max(want.CPU, 0), min(max(want.Open, 0), maxInt)
		if want.Response != nil {
			want.Response.Status = min(max(want.Response.Status, 0), maxInt)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		x := Line{
			Level: rapid.SampledFrom([]string{"debug", "info", "warn", "error"}).Draw(t, "level"), Msg: texts(t, "msg"), Fields: jsonText(t, "fields"),
			Turn: rapid.Uint64().Draw(t, "turn"), Pos: call.Position{File: texts(t, "file"), Line: rapid.IntRange(0, maxInt).Draw(t, "line")},
		}
		got, err := parseLine(appendLine(nil, &x))
		if diff := cmp.Diff(mended(x), got); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

// mended is x with all text in it made valid UTF-8, none as nil, and bodies'
// handles and bytes as they are.
func mended[T any](x T) T {
	v := reflect.New(reflect.TypeOf(x)).Elem()
	v.Set(reflect.ValueOf(x))
	mend(v)
	return v.Interface().(T)
}

func mend(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.ToValidUTF8(v.String(), "\uFFFD"))
	case reflect.Pointer:
		if !v.IsNil() {
			twin := reflect.New(v.Type().Elem())
			twin.Elem().Set(v.Elem())
			mend(twin.Elem())
			v.Set(twin)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
			return
		}
		twin := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(twin, v)
		if v.Type().Elem().Kind() == reflect.Uint8 {
			twin = reflect.ValueOf([]byte(strings.ToValidUTF8(string(v.Bytes()), "\uFFFD"))).Convert(v.Type())
		} else {
			for i := range twin.Len() {
				mend(twin.Index(i))
			}
		}
		v.Set(twin)
	case reflect.Struct:
		if body, ok := reflect.TypeAssert[call.Body](v); ok {
			if body.Present && !body.IsHeld() && len(body.Inline) == 0 {
				v.Set(reflect.ValueOf(call.Bytes(nil)))
			}
			return
		}
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for _, field := range v.Fields() {
			mend(field)
		}
	}
}

func TestStartsSurviveTheirBinaryForm(t *testing.T) {
	// What a worker begins is what the server meant, to the byte.
	rapid.Check(t, func(t *rapid.T) {
		var server, worker settings
		for range rapid.IntRange(1, 4).Draw(t, "starts") {
			x := Start{
				Run: texts(t, "run"), Script: "s", Revision: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "revision"), Handler: Handler(texts(t, "handler")),
				Durable: rapid.Bool().Draw(t, "durable"), HoldFailure: rapid.Bool().Draw(t, "holds"), Input: jsonText(t, "input"), Env: jsonText(t, "env"),
				Connections: rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "connections"), Secrets: rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "secrets"),
				Now: time.Unix(0, rapid.Int64Range(-1<<62, 1<<62).Draw(t, "now")).UTC(), SecretKey: rapid.SliceOf(rapid.Byte()).Draw(t, "key"),
			}
			copy(x.Seed[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
			if rapid.Bool().Draw(t, "request") {
				x.Request = &Request{
					Method: texts(t, "method"), URL: texts(t, "url"), Headers: headerLists(t), Params: headerLists(t), Body: bodies(t),
					Depth: rapid.IntRange(0, maxInt).Draw(t, "depth"),
				}
			}
			s, fresh := server.say(&x)
			if fresh {
				told, err := parseSetting(appendSetting(nil, s))
				if err != nil {
					t.Fatal(err)
				}
				if err := worker.learn(told); err != nil {
					t.Fatal(err)
				}
			}
			got, err := parseStart(appendStart(nil, &x, s.Number), &worker)
			if diff := cmp.Diff(x, got, noneIsNil); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
		}
	})
}

// noneIsNil compares without telling no elements from nil, which no reader of a
// message does.
var noneIsNil = cmp.FilterValues(func(x, y any) bool {
	a, b := reflect.ValueOf(x), reflect.ValueOf(y)
	return a.Kind() == reflect.Slice && b.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0
}, cmp.Comparer(func(any, any) bool { return true }))

// checkTurn fails where a turn that was believed has something in it that the
// server must not see.
func checkTurn(t *testing.T, x *Turn) {
	t.Helper()
	checkError(t, x.Err)
	checkJSON(t, x.Value)
	for i := range x.Calls {
		c := &x.Calls[i]
		checkJSON(t, c.Args)
		if c.ID == 0 || c.Class > call.Write || c.Kind == "" || !utf8.ValidString(c.Kind+c.Target+c.Scope+c.Pos.File) || c.Pos.Line < 0 || c.Pos.Column < 0 || c.Body.Size < 0 {
			t.Fatalf("%+v", c)
		}
	}
	if x.CPU < 0 || x.Open < 0 {
		t.Fatalf("%+v", x)
	}
	if x.Response != nil {
		for _, h := range append(x.Response.Headers, Header{Value: x.Response.StatusText}) {
			if !utf8.ValidString(h.Name + h.Value) {
				t.Fatalf("%q", h)
			}
		}
	}
}

func checkJSON(t *testing.T, b []byte) {
	t.Helper()
	if len(b) > 0 && (!json.Valid(b) || !utf8.Valid(b)) {
		t.Fatalf("%q is not JSON", b)
	}
}

func checkError(t *testing.T, e *call.Error) {
	t.Helper()
	if _, err := call.Encode(e); err != nil {
		t.Fatal(err)
	}
	for ; e != nil; e = e.Cause {
		var fields map[string]any
		if len(e.Data) > 0 && (json.Unmarshal(e.Data, &fields) != nil || fields == nil) {
			t.Fatalf("%q has no fields", e.Data)
		}
		if !utf8.ValidString(e.Name + e.Message + e.Code + e.Stack) {
			t.Fatalf("%q", e)
		}
	}
}
