package logs

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/call"
)

func TestEntryJSON(t *testing.T) {
	e := Entry{
		Seq: 1042, Time: time.Date(2026, 11, 22, 9, 30, 12, 0, time.UTC), Level: Info, Kind: KindConsole,
		Script: "orders/fulfil", Revision: "9f2c", Run: "0193", Turn: 3, Msg: "a \"b\"\n\x01\xff",
		Fields: json.RawMessage(`{"hold":"h_1"}`), Src: &call.Position{File: "a.ts", Line: 12, Column: 5},
	}
	want := `{"seq":1042,"ts":"2026-11-22T09:30:12.000Z","level":"info","kind":"console","script":"orders/fulfil","revision":"9f2c","run":"0193","turn":3,` +
		`"msg":"a \"b\"\n\u0001` + "\uFFFD" + `","fields":{"hold":"h_1"},"src":{"file":"a.ts","line":12,"column":5}}`
	if got := string(e.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	b, err := json.Marshal([]Entry{e})
	if err != nil || string(b) != "["+want+"]" {
		t.Errorf("json.Marshal: %s, %v", b, err)
	}
	var back Entry
	if err := json.Unmarshal([]byte(want), &back); err != nil {
		t.Fatal(err)
	}
	e.Msg = strings.ToValidUTF8(e.Msg, "\uFFFD")
	if diff := cmp.Diff(e, back); diff != "" {
		t.Error(diff)
	}
}

func TestFieldsThatAreNoObjectDoNotBreakTheFrame(t *testing.T) {
	for fields, want := range map[string]string{
		`{"a":`:    `{"invalid":"{\"a\":"}`,
		`[1]`:      `{"invalid":"[1]"}`,
		`{} {}`:    `{"invalid":"{} {}"}`,
		` {"a":1}`: ` {"a":1}`,
	} {
		e := Entry{Fields: []byte(fields)}
		var got struct{ Fields json.RawMessage }
		if err := json.Unmarshal(e.AppendJSON(nil), &got); err != nil || string(got.Fields) != strings.TrimSpace(want) {
			t.Errorf("%s became %s, %v", fields, got.Fields, err)
		}
	}
}

func TestAllFieldsKeepsOrder(t *testing.T) {
	e := Entry{Fields: []byte(` { "z" : 1 , "a":{"x":[1,"]"]}, "q\"":"s\\", "n":null}`)}
	var got []string
	for k, v := range e.AllFields() {
		got = append(got, k+"="+string(v))
	}
	if diff := cmp.Diff([]string{"z=1", `a={"x":[1,"]"]}`, `q"="s\\"`, "n=null"}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzAppendJSON(f *testing.F) {
	f.Add("msg", []byte(`{"a":1}`), "script")
	f.Add("\xff\u2028\"", []byte(`{"a":"\xff"}`), "\x00")
	f.Fuzz(func(t *testing.T, msg string, fields []byte, script string) {
		e := Entry{Msg: msg, Fields: fields, Script: script, Time: time.Unix(0, 0)}
		b := e.AppendJSON(nil)
		var back Entry
		if err := json.Unmarshal(b, &back); err != nil || !utf8.Valid(b) {
			t.Fatalf("%q: %v", b, err)
		}
		if back.Msg != strings.ToValidUTF8(msg, "\uFFFD") && utf8.ValidString(msg) {
			t.Fatalf("%q became %q", msg, back.Msg)
		}
	})
}
