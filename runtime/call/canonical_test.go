package call

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCanonical(t *testing.T) {
	// One text for all spellings of a value; nothing else becomes the same.
	for text, want := range map[string]string{
		` { "b" : 1.0 , "a" : [ true , null , false ] } `:               `{"a":[true,null,false],"b":1}`,
		`{"b":{"d":1,"c":2},"a":{}}`:                                    `{"a":{},"b":{"c":2,"d":1}}`,
		`{"a":1,"b":2,"\u0061":3}`:                                      `{"a":3,"b":2}`,
		`{"a":1,"a":2,"a":3}`:                                           `{"a":3}`,
		`{"":1,"a ":2,"a":3,"ab":4}`:                                    `{"":1,"a ":2,"a":3,"ab":4}`,
		`[1,1.0,1e0,10E-1,100e-2]`:                                      `[1,1,1,1,1]`,
		`[-0,0,0.0e5,-0.0,1e-999]`:                                      `[0,0,0,0,0]`,
		`[1e999,1e1000,-1e400]`:                                         `[1e999,1e999,-1e999]`,
		`[1000000,1e21,0.1,9007199254740993]`:                           `[1e+06,1e+21,0.1,9.007199254740992e+15]`,
		`"\u00e9\/\u0041\"\\\u0022"`:                                    `"é/A\"\\\""`,
		`"\b\f\n\r\t\u0008\u001F\u007f"`:                                "\"\\u0008\\u000c\\u000a\\u000d\\u0009\\u0008\\u001f\u007f\"",
		`"\ud83d\ude00 \ud83d \ude00\ud83d \ud83d\ud83d\ude00 \ud83dx"`: `"😀 \ud83d \ude00\ud83d \ud83d😀 \ud83dx"`,
		`"\ufffd"`: `"` + "\ufffd" + `"`,
		`[]`:       `[]`,
		` "" `:     `""`,
	} {
		got, err := Canonical([]byte(text))
		if string(got) != want || err != nil {
			t.Errorf("%s is %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{``, `{`, `{} x`, `01`, `'a'`, `"\x"`} {
		if got, err := Canonical([]byte(text)); err == nil {
			t.Errorf("%q has the canonical form %s", text, got)
		}
	}
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if _, err := Canonical(deep(maxCanonicalDepth)); err != nil {
		t.Error(err)
	}
	if _, err := Canonical(deep(maxCanonicalDepth + 2)); err == nil {
		t.Error("there is no end to the depth")
	}
}

func TestSameJSON(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":"x"}`, `{"b":"\u0078","a":1.0}`, true},
		{`[1,2]`, `[2,1]`, false},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":null}`, `{}`, false},
		{``, ``, true},
		{``, `null`, false},
		{`"\ud800"`, `"\ufffd"`, false},
		{strings.Repeat("[", 2000) + strings.Repeat("]", 2000), strings.Repeat("[", 2000) + strings.Repeat("]", 2000), true},
	} {
		if SameJSON([]byte(tc.a), []byte(tc.b)) != tc.want || SameJSON([]byte(tc.b), []byte(tc.a)) != tc.want {
			t.Errorf("%.60s and %.60s: want %v", tc.a, tc.b, tc.want)
		}
	}
}

// encoding/json is the judge of what is the same value: of all texts but those
// with numbers and strings that it can not hold.
func FuzzCanonical(f *testing.F) {
	f.Add([]byte(`{"b":[1.50,{"d":"\u00e9","c":-0}],"a":{"x":null,"x":true}}`))
	f.Add([]byte(` [ "\ud83d\ude00", 1e5, "\\u0041", {} ] `))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Canonical(text)
		if err != nil {
			return
		}
		if again, err := Canonical(got); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q becomes %q, and that %q (%v)", text, got, again, err)
		}
		var before, after any
		if json.Unmarshal(text, &before) != nil {
			return // a number that is too large
		}
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("%q becomes %q: %v", text, got, err)
		}
		if !utf8.Valid(text) || bytes.Contains(got, []byte(`\ud`)) {
			return // it would become U+FFFD
		}
		zero(&before)
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("%q becomes %q", text, got)
		}
		other, err := json.Marshal(before) // keys in order, other escapes
		if err != nil || !SameJSON(text, other) {
			t.Fatalf("%q and %q are not the same (%v)", text, other, err)
		}
	})
}

// zero makes 0 of -0.
func zero(v *any) {
	switch x := (*v).(type) {
	case float64:
		*v = x + 0
	case []any:
		for i := range x {
			zero(&x[i])
		}
	case map[string]any:
		for k, e := range x {
			zero(&e)
			x[k] = e
		}
	}
}
