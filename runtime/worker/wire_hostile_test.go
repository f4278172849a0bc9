package worker

import (
	"strings"
	"testing"

	"reprise/runtime/call"
)

func TestWhatNoVMMakesIsNotBelieved(t *testing.T) {
	// A worker in which a script has broken out of its VM can write anything.
	issue := func(change func(c *call.Call)) *Turn {
		c := call.Call{ID: 1, Kind: "kv.get", Args: []byte("{}")}
		change(&c)
		return &Turn{N: 1, Calls: []call.Call{c}}
	}
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for want, x := range map[string]*Turn{
		"the result of a run is not JSON":                {N: 1, Settled: true, Value: []byte(`{"a":`)},
		`is not JSON: "[[[[`:                             {N: 1, Settled: true, Value: []byte(deep)},
		"turn 1 has a result and has not settled":        {N: 1, Value: []byte("1")},
		"turn 2 has a result and has not settled":        {N: 2, Response: &Response{}},
		"turn 1 has more than one result":                {N: 1, Settled: true, Value: []byte("1"), Err: &call.Error{}},
		"turn 2 has more than one result":                {N: 2, Settled: true, Response: &Response{}, Err: &call.Error{}},
		"turn 3 has more than one result":                {N: 3, Settled: true, Response: &Response{}, Value: []byte("1")},
		"turn 1 has failed without an error":             {N: 1, Failed: true},
		"the data of an error is not JSON":               {N: 1, Err: &call.Error{Data: []byte("{")}},
		"the data of an error is not a JSON object":      {N: 1, Err: &call.Error{Cause: &call.Error{Data: []byte(" 5")}}},
		"a call has no number":                           issue(func(c *call.Call) { c.ID = 0 }),
		"no class of calls has the number 4":             issue(func(c *call.Call) { c.Class = 4 }),
		"no kind of calls is named \"\"":                 issue(func(c *call.Call) { c.Kind = "" }),
		`no kind of calls is named "kv\nget"`:            issue(func(c *call.Call) { c.Kind = "kv\nget" }),
		`no kind of calls is named "aaa`:                 issue(func(c *call.Call) { c.Kind = strings.Repeat("a", 65) }),
		"what a call has for arguments is not JSON":      issue(func(c *call.Call) { c.Args = []byte("{'a':1}") }),
		"the number 2147483648 is too large":             issue(func(c *call.Call) { c.Pos = call.Position{File: "a", Line: 1 << 31} }),
		"the number 18446744073709551615 is too large":   issue(func(c *call.Call) { c.Body = call.Held("h", -1) }),
		"call 3 follows call 1":                          {N: 1, Calls: []call.Call{{ID: 1, Kind: "a"}, {ID: 3, Kind: "a"}}},
		"call 1 follows call 1":                          {N: 1, Calls: []call.Call{{ID: 1, Kind: "a"}, {ID: 1, Kind: "a"}}},
		"a turn can not be read: turn 9 has failed with": {N: 9, Failed: true},
	} {
		if got, err := parseTurn(appendTurn(nil, x)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s\n%+v", err, want, got)
		}
	}
	for want, x := range map[string]*Line{
		`no line has the level "fatal"`:                    {Level: "fatal"},
		`no line has the level ""`:                         {},
		"what a line has for fields is not JSON":           {Level: "info", Fields: []byte("{a}")},
		`what a line has for fields is not a JSON object`:  {Level: "info", Fields: []byte("[]")},
		"a line that a script printed can not be read: wh": {Level: "info", Fields: []byte("null")},
	} {
		if got, err := parseLine(appendLine(nil, x)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s\n%+v", err, want, got)
		}
	}
	for want, x := range map[string]*loaded{
		`"exec" is no handler`:                             {Handlers: []string{"exec"}},
		`"run" is no handler, or in the wrong place`:       {Handlers: []string{"run", "run"}},
		`"fetch" is no handler, or in the wrong place`:     {Handlers: []string{"scheduled", "fetch"}},
		"what became of a revision can not be read: the d": {Err: &call.Error{Data: []byte("0")}},
	} {
		if got, err := parseLoaded(appendLoaded(nil, x)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s\n%+v", err, want, got)
		}
	}
}

func TestEndlessCausesAreNotFollowed(t *testing.T) {
	// A chain that is longer than a writer makes it is refused, however long.
	link := string([]byte{0, 0, 0, 0, 0, 0, 1}) // no texts, no data, no call, and a cause follows
	b := appendTurn(nil, &Turn{N: 1, Err: &call.Error{}})
	b = b[:len(b)-7] // all of the error but its version
	b = append(b, strings.Repeat(link, 100_000)...)
	if _, err := parseTurn(b); err == nil || !strings.Contains(err.Error(), "an error has more than 32 causes") {
		t.Error(err)
	}
}

func TestAHeaderWithoutAValueIsRefused(t *testing.T) {
	b := appendTurn(nil, &Turn{N: 1, Settled: true, Response: &Response{}})
	b = append(b[:len(b)-2], 1, 1, 'a', 0) // a list of one text, and no body
	if x, err := parseTurn(b); err == nil || !strings.Contains(err.Error(), "a header has a name and no value") {
		t.Errorf("%+v, %v", x.Response, err)
	}
}

func TestFlippedBytesDoNoHarm(t *testing.T) {
	// Every byte of every sample, replaced by each of some others.
	for name, s := range samples() {
		for i := range s.b {
			for _, c := range []byte{0, 1, s.b[i] + 1, s.b[i] ^ 0x80, 0xff} {
				b := append([]byte{}, s.b...)
				b[i] = c
				x, err := s.parse(b)
				if turn, ok := x.(Turn); ok && err == nil {
					checkTurn(t, &turn)
				}
				if line, ok := x.(Line); ok && err == nil {
					checkJSON(t, line.Fields)
				}
			}
		}
		if len(s.b) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}
