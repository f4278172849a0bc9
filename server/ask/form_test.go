package ask

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outline writes a form in short: kind, name, label, ? where it may be left
// out, = what is in it.
func outline(f *field, indent string) string {
	s := fmt.Sprintf("%s%s %s %q", indent, f.Kind, f.Name, f.Label)
	if !f.Required {
		s += "?"
	}
	if f.Input != "" && f.Input != "text" {
		s += " " + f.Input
	}
	if f.Value != "" {
		s += " = " + f.Value
	}
	if f.On {
		s += " ticked"
	}
	for _, c := range f.Choices {
		s += " [" + c.Label + map[bool]string{true: "*"}[c.On] + "]"
	}
	s += "\n"
	for _, sub := range f.Fields {
		s += outline(sub, indent+"  ")
	}
	return s
}

func TestForms(t *testing.T) {
	for schema, want := range map[string]string{
		``:                                   `verdict answer "" [Approve] [Deny]`,
		`{"type":"boolean","title":"Go on"}`: `verdict answer "Go on" [Yes] [No]`,
		`{"type":"string"}`:                  `text answer "Your answer"`,
		`{"type":"string","maxLength":500}`:  `long answer "Your answer"`,
		`{"type":"string","format":"email","default":"a@b.c"}`:           `text answer "Your answer" email = a@b.c`,
		`{"type":"string","format":"date-time"}`:                         `text answer "Your answer" datetime-local`,
		`{"type":"integer","default":0}`:                                 `number answer "Your answer" = 0`,
		`{"type":["number","null"],"default":null}`:                      `number answer "Your answer"`,
		`{"anyOf":[{"type":"null"},{"type":"string","title":"Name"}]}`:   `text answer "Name"`,
		`{"enum":["a",2,null],"default":2}`:                              `radio answer "Your answer" [a] [2*] [null]`,
		`{"type":"string","enum":["1","2","3","4","5","6","7"]}`:         `select answer "Your answer" [1] [2] [3] [4] [5] [6] [7]`,
		`{"oneOf":[{"const":"a","title":"Aye"},{"const":"n"}]}`:          `radio answer "Your answer" [Aye] [n]`,
		`{"type":"array","items":{"enum":["a","b"]},"default":["b"]}`:    `many answer "Your answer" [a] [b*]`,
		`{"type":"array","items":{"type":"string"},"default":["a","b"]}`: "lines answer \"Your answer\" = a\nb",
		`{"const":true,"title":"I agree"}`:                               `check answer "I agree"`,
		`{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"number"}}}`:      `number answer "Your answer"`,
		`{"type":"array","items":{"type":"object"}}`:                     `json answer "Your answer"`,
		`{"type":"array"}`:                    `json answer "Your answer"`,
		`{}`:                                  `json answer "Your answer"`,
		`{"type":["string","number"]}`:        `json answer "Your answer"`,
		`{"type":"object","default":{"a":1}}`: "json answer \"Your answer\" = {\n  \"a\": 1\n}",
		`{"type":"object","allOf":[{}],"properties":{"a":{}}}`:             `json answer "Your answer"`,
		`{"type":"object","properties":{"a":true},"anyOf":[{"const":{}}]}`: `radio answer "Your answer" [{}]`,
		`{"properties":{"b_c":{"type":"string","default":"x"},"aB":{"const":5},"d/e":{"type":"object","properties":{"f":{"type":"object","properties":{"g":{}}},"h":{"type":"boolean"}}}},
		  "required":["aB","d/e"],"default":{"b_c":"y","d/e":{"h":true}}}`: `group answer ""
  text answer/b_c "B c"? = y
  fixed answer/aB "A b" = 5
  group answer/d~1e "D/e"
    json answer/d~1e/f "F"?
    check answer/d~1e/h "H"? ticked`,
	} {
		q, err := newQuestion(json.RawMessage(schema))
		if err != nil {
			t.Errorf("%s: %v", schema, err)
			continue
		}
		q.root.prefill()
		if diff := cmp.Diff(want, strings.TrimSpace(outline(q.root, ""))); diff != "" {
			t.Errorf("%s: %s", schema, diff)
		}
	}
}

// What a browser sends becomes the JSON that the schema speaks of.
func TestAnswers(t *testing.T) {
	object := `{"type":"object","required":["name","n","how"],"properties":{
		"name":{"type":"string"},"n":{"type":"number"},"how":{"enum":["x",{"y":1}]},"many":{"type":"array","items":{"enum":[1,2,3]}},
		"lines":{"type":"array","items":{"type":"string"}},"yes":{"type":"boolean"},"at":{"type":"string","format":"date-time"},
		"sub":{"type":"object","required":["a"],"properties":{"a":{"type":"string"},"b":{"type":"boolean"}}},"none":{"type":["string","null"]},"any":{}}}`
	for _, tc := range []struct{ schema, query, want string }{
		{`{"type":"string"}`, `answer= a%0D%0Ab `, `" a\nb "`},
		{`{"type":"string"}`, `answer=</script>%26"`, `"</script>&\""`},
		{`{"type":"number"}`, `answer=+12345678901234567890.10+`, `12345678901234567890.10`},
		{`{"type":"number"}`, `answer=.5`, `0.5`},
		{`{"type":"integer"}`, `answer=%2B7`, `7`},
		{`{"type":["integer","null"]}`, `answer=`, `null`},
		{`{"type":"string","format":"date-time"}`, `answer=2026-11-22T09:30`, `"2026-11-22T09:30:00Z"`},
		{`{"type":"string","format":"date-time"}`, `answer=2026-11-22T09:30:15`, `"2026-11-22T09:30:15Z"`},
		{`{"type":"string","format":"date-time"}`, `answer=2026-11-22T09:30:15%2B01:00`, `"2026-11-22T09:30:15+01:00"`},
		{`{"type":"string","format":"time"}`, `answer=09:30`, `"09:30:00Z"`},
		{`{"enum":["a",{"b":[1, 2]}]}`, `answer=1`, `{"b":[1, 2]}`},
		{`{"type":"array","items":{"enum":["a","b","c"]}}`, `answer=2&answer=0&answer=2&answer=9`, `["c","a"]`},
		{`{"type":"array","items":{"enum":["a","b","c"]}}`, ``, `[]`},
		{`{"type":"array","items":{"type":"string"}}`, `answer=a%0D%0A%0D%0A+b+`, `["a","b"]`},
		{`{}`, `answer={"a":+[1]}`, `{"a": [1]}`},
		{`{"const":true}`, `answer=true`, `true`},
		{object, `answer/name=N&answer/n=1&answer/how=1`, `{"name":"N","n":1,"how":{"y":1},"yes":false}`},
		{
			object, `answer/name=N&answer/n=1&answer/how=0&answer/many=2&answer/lines=a&answer/yes=true&answer/sub/a=A&answer/sub/b=true&answer/none=x&answer/any=[]&evil=1`,
			`{"name":"N","n":1,"how":"x","many":[3],"lines":["a"],"yes":true,"sub":{"a":"A","b":true},"none":"x","any":[]}`,
		},
	} {
		h := newHouse(tc.schema)
		w := h.do("POST", at, tc.query, "Content-Type", mediaForm)
		if diff := cmp.Diff([]string{tc.want}, h.answers); diff != "" || w.Code != 200 {
			t.Errorf("%s with %s: %d %s", tc.schema, tc.query, w.Code, diff)
		}
	}
}

var problems = regexp.MustCompile(`(?s)<li>(.*?)</li>`)

// What is wrong is said at the field, and at the top with a link to it; what
// was typed is still there, and can not break out of its control.
func TestWrongAnswers(t *testing.T) {
	for _, tc := range []struct {
		schema, query string
		want          []string
	}{
		{`{"type":"number"}`, `answer=ten`, []string{"Your answer: Write a number, such as 12.5."}},
		{`{"type":"integer","title":"Count"}`, `answer=1.5`, []string{"Count: Write a whole number, such as 12."}},
		{`{"type":"number"}`, `answer=1e500`, []string{"Your answer: The answer can not be taken: the number 1e500 is out of range."}},
		{`{"type":"number","exclusiveMinimum":0,"multipleOf":0.5}`, `answer=-0.25`, []string{"Your answer: This must be more than 0.", "Your answer: This must be a multiple of 0.5."}},
		{`{"type":"string","minLength":3}`, `answer=ab`, []string{"Your answer: At least 3 characters are needed; there are 2."}},
		{`{"type":"string","pattern":"^a+$"}`, `answer=b`, []string{"Your answer: This does not have the right form; it has to match ^a+$"}},
		{`{"type":"string","format":"email"}`, `answer=b`, []string{"Your answer: Write an e-mail address, such as ada@example.com."}},
		{`{"type":"string"}`, `answer=++`, []string{"Your answer: This is needed."}},
		{`{"enum":["a"]}`, `answer=7`, []string{"Your answer: Choose one of the choices."}},
		{`{"enum":["a"]}`, `answer=a`, []string{"Your answer: Choose one of the choices."}},
		{`{"type":"array","items":{"enum":["a"]},"minItems":1}`, ``, []string{"Your answer: At least 1 are needed; there are 0."}},
		{`{"type":"array","items":{"type":"string","maxLength":1}}`, `answer=a%0Abb`, []string{"Your answer: At most 1 characters fit; there are 2."}},
		{`{"const":true,"title":"Agreed"}`, ``, []string{"Agreed: This has to be ticked."}},
		{`{}`, `answer={oops`, []string{"Your answer: This is not valid JSON: invalid character 'o' looking for beginning of object key string."}},
		{`{"type":"object"}`, `answer=[]`, []string{"Your answer: This must be an object: {…}."}},
		{
			`{"properties":{"a":{"type":"object","title":"The A","properties":{"b":{"type":"number"}},"required":["b"]},"c":{},"d":{"type":"object","required":["e"]}},"required":["a","c"],"minProperties":9}`,
			`answer/c={oops&answer/d={"f":1}`,
			[]string{"This does not fit what is expected here.", "B: This is needed.", "C: This is not valid JSON: invalid character 'o' looking for beginning of object key string.", "D: At e: This is needed."},
		},
	} {
		h := newHouse(tc.schema)
		w := h.do("POST", at, tc.query, "Content-Type", mediaForm)
		var got []string
		for _, m := range problems.FindAllStringSubmatch(w.Body.String(), -1) {
			got = append(got, html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[1], "")))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || w.Code != 422 || len(h.answers) != 0 {
			t.Errorf("%s with %s: %d %s", tc.schema, tc.query, w.Code, diff)
		}
	}
	h := newHouse(`{"properties":{"t":{"type":"string"},"l":{"type":"string","maxLength":999},"n":{"type":"number"},"c":{"enum":["a","b"]},"y":{"type":"boolean"}},"required":["n"]}`)
	nasty := `"><script>alert(1)</script></textarea>`
	w := h.send("answer/t", nasty, "answer/l", nasty, "answer/c", "1", "answer/y", "true")
	page := w.Body.String()
	escaped := html.EscapeString(nasty)
	if strings.Contains(page, "<script") || strings.Count(page, escaped) != 2 || strings.Count(page, " checked") != 2 || strings.Count(page, `aria-invalid="true"`) != 1 {
		t.Errorf("page is %s", page)
	}
	if !strings.Contains(page, `<a href="#f4">N</a>`) || !strings.Contains(page, `id="f4"`) || !strings.Contains(page, "<title>Not yet: ") {
		t.Errorf("the summary leads nowhere: %s", page)
	}
}

// A small schema must not make the server work for ever.
func TestChecksAreBounded(t *testing.T) {
	var doubling strings.Builder
	for i := range 60 {
		fmt.Fprintf(&doubling, `"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	for name, schema := range map[string]string{
		"doubling references": `{"$ref":"#/$defs/d0","$defs":{` + doubling.String() + `"d60":{"type":"string"}}}`,
		"a circle":            `{"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}`,
		"recursion":           `{"properties":{"a":{"$ref":"#"}}}`,
		"a dynamic reference": `{"$dynamicRef":"#x","$dynamicAnchor":"x"}`,
		"an inner id":         `{"properties":{"a":{"$id":"https://x.example/","$ref":"#/x"}}}`,
		"an anchor":           `{"$ref":"#x","$defs":{"x":{"$anchor":"x"}}}`,
		"a file":              `{"$ref":"file:///etc/passwd"}`,
		"deep":                strings.Repeat(`{"not":`, 200) + "{}" + strings.Repeat("}", 200),
		"a huge number":       `{"maximum":1e999999999}`,
		"a long number":       `{"maximum":1` + strings.Repeat("0", 2000) + `}`,
		"a huge pattern":      `{"allOf":[` + strings.Repeat(`{"pattern":"(.{30}){30}(\\pL{30}){30}(.{30}){30}(.{30}){30}(.{30}){30}(.{30}){30}(.{30}){30}(.{30}){30}"},`, 9000) + `{}]}`,
	} {
		began := time.Now()
		if _, err := newQuestion(json.RawMessage(schema)); err == nil {
			t.Errorf("%s is accepted", name)
		} else if len(err.Error()) > 600 || strings.Count(err.Error(), "\n") > 1 || time.Since(began) > 10*time.Second {
			t.Errorf("%s: after %s: %v", name, time.Since(began), err)
		}
	}
	// What is heavy only together with its answer is refused with the answer.
	for name, tc := range map[string]struct{ schema, answer string }{
		"patterns":  {`{"pattern":"(x.{0,900}){1}y","allOf":[` + strings.Repeat(`{"pattern":"x.{900}y"},`, 50) + `{}]}`, `"` + strings.Repeat("x", 200_000) + `"`},
		"values":    {`{"items":{"allOf":[` + strings.Repeat(`{"type":"number"},`, 900) + `{}]}}`, "[" + strings.Repeat("1,", 100_000) + "1]"},
		"deep":      {`{}`, strings.Repeat("[", 5000) + strings.Repeat("]", 5000)},
		"exponents": {`{"type":"number","multipleOf":3}`, `1e-999999999`},
	} {
		q, err := newQuestion(json.RawMessage(tc.schema))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		began := time.Now()
		if got := q.check(json.RawMessage(tc.answer)); len(got) == 0 || time.Since(began) > 10*time.Second {
			t.Errorf("%s: %v after %s", name, got, time.Since(began))
		}
	}
}

// Whatever the schema and whatever is sent, the form is shown or refused, and
// an answer that is taken is JSON that fits.
func FuzzForm(f *testing.F) {
	f.Add(`{"properties":{"a":{"type":"string"},"b":{"enum":[1,2]},"c":{"type":"object","properties":{"d":{}}}},"required":["a"]}`, `answer/a=x&answer/b=1&answer/c/d={}`)
	f.Add(`{"type":"array","items":{"enum":["a"]}}`, `answer=0&answer=1`)
	f.Add(`{"anyOf":[{"type":"null"},{"$ref":"#/$defs/x"}],"$defs":{"x":{"type":["integer","null"]}}}`, `answer=1e5`)
	f.Add(``, `answer=true`)
	f.Fuzz(func(t *testing.T, schema, query string) {
		values, err := url.ParseQuery(query)
		if err != nil || len(schema) > 2000 || schema != "" && !json.Valid([]byte(schema)) {
			return
		}
		h := newHouse(schema)
		if w := h.do("GET", at, ""); w.Code != 200 && w.Code != 500 {
			t.Fatalf("GET: %d %s", w.Code, w.Body)
		}
		w := h.do("POST", at, values.Encode(), "Content-Type", mediaForm)
		if (w.Code == 200) != (len(h.answers) == 1) || w.Code == 400 {
			t.Fatalf("POST: %d, answers %v", w.Code, h.answers)
		}
		for _, a := range h.answers {
			q, err := newQuestion(json.RawMessage(schema))
			if err != nil || !json.Valid([]byte(a)) || len(q.check(json.RawMessage(a))) > 0 {
				t.Fatalf("the answer %s was taken: %v", a, err)
			}
		}
	})
}
