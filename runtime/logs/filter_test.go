package logs

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

var sample = Entry{
	Level: Warn, Kind: KindHTTP, Script: "orders/fulfil", Revision: "9f2c51d0a7be", Run: "01936f2e-7c1b", Turn: 3,
	Msg: "POST api.pay.example/charges answered 503: Zahlung ABGELEHNT für \"Müller\"",
	Fields: []byte(`{"method":"POST", "url":"https://api.pay.example/charges?a=1\u0026b=2", "status" : 503, "durMs":512.5,` +
		`"error":{"code":"HTTP_ERROR","tries":[1,{"x":"}"}]},"ok":false,"quote":"say \"hi\"","a.b":"dotted","e":"\u00fc"}`),
}

func TestFilterMatch(t *testing.T) {
	for _, tt := range []struct {
		filter string
		want   bool
	}{
		{"", true},
		{"   ", true},
		{"level:warn", true},
		{"level:WARN", true},
		{"level:error", false},
		{"level:info,warn", true},
		{"level:>=warn", true},
		{"level:>warn", false},
		{"level:<error", true},
		{"-level:warn", false},
		{"-level:debug", true},
		{"script:orders/*", true},
		{"script:orders", false},
		{"script:*fil", true},
		{"script:o*/f*l", true},
		{"script:ORDERS/FULFIL", true},
		{"script:sync/*,orders/fulfil", true},
		{"-script:orders/*", false},
		{"run:01936f2e", true},
		{"run:01936F2E-7c", true},
		{"run:1936", false},
		{"revision:9f2c", true},
		{"revision:9f2c*", true},
		{"kind:http", true},
		{"kind:run,http", true},
		{"kind:console", false},
		{"status:503", true},
		{"status:5xx", true},
		{"status:4xx", false},
		{"status:4xx,5xx", true},
		{"status:>=400", true},
		{"status:<400", false},
		{"status:failed", false},
		{"dur:>500", true},
		{"dur:>0.5s", true},
		{"dur:<=512.5", true},
		{"dur:>1s", false},
		{"dur:<1m", true},
		{"method:post", true},
		{"url:*pay*", true},
		{"url:*a=1&b=2", true},
		{"url:pay", false},
		{"field.error.code:HTTP_*", true},
		{"field.a.b:dotted", true},
		{"field.ok:false", true},
		{"field.ok:true", false},
		{"field.none:x", false},
		{"-field.none:x", true},
		{`field.quote:"say \"hi\""`, true},
		{`field.quote:"say*"`, false}, // in quotes a star is a star
		{"field.status:>500", true},
		{"field.quote:>500", false},
		{"charges", true},
		{"CHARGES", true},
		{"abgelehnt", true},
		{"MÜLLER", true},
		{`"für \"müller\""`, true},
		{`"say \"HI\""`, true}, // written with escapes in the fields
		{"a=1&b=2", true},      // written as \u0026
		{"nothing-here", false},
		{"-nothing-here", true},
		{"--charges", true},
		{`"-charges"`, false},
		{"answered 503", true},
		{"answered 504", false},
		{"503:", true},
		{"https://api", true},
		{`level:>=warn script:orders/* -"out of stock" kind:http dur:>500`, true},
	} {
		f, err := ParseFilter(tt.filter)
		if err != nil {
			t.Errorf("%s: %v", tt.filter, err)
			continue
		}
		if got := f.Match(&sample); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.filter, got, tt.want)
		}
		if f.String() != tt.filter {
			t.Errorf("%q became %q", tt.filter, f)
		}
	}
	if !(*Filter)(nil).Match(&sample) {
		t.Error("the nil filter must choose everything")
	}
}

func TestFilterMissingParts(t *testing.T) {
	bare := Entry{Msg: "x"}
	for filter, want := range map[string]bool{
		"script:*": false, "-script:a": true, "run:0": false, "status:>0": false, "-status:5xx": true, "level:debug": true,
	} {
		if got := mustFilter(t, filter).Match(&bare); got != want {
			t.Errorf("%s: %v", filter, got)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for _, tt := range []struct{ filter, want string }{
		{"levle:warn", `unknown key "levle" at column 1; did you mean level?`},
		{"x -scrpt:a", `unknown key "scrpt" at column 4; did you mean script?`},
		{"duration:>5", `unknown key "duration" at column 1; did you mean dur?`},
		{"zzzzzz:1", `unknown key "zzzzzz" (put text with a colon in quotes) at column 1`},
		{"level:wran", `unknown level "wran" (debug, info, warn, error) at column 7; did you mean warn?`},
		{"level:warning", `unknown level "warning" (debug, info, warn, error) at column 7; did you mean warn?`},
		{"kind:htpt", `unknown kind "htpt" (console, http, request, run, retry, step, kv, reload, server) at column 6; did you mean http?`},
		{"level:", `level needs a value at column 7`},
		{"kind:http,", `kind needs a value at column 11`},
		{"dur:>fast", `"fast" is not a number to compare with at column 6`},
		{"dur:slow", `"slow" is not a number to compare with at column 5`},
		{"status:>=4xx", `"4xx" is not a number to compare with at column 10`},
		{"script:>a", `script has no order; write script:value at column 1`},
		{"level:>info,warn", `a comparison takes one value, not a list at column 13`},
		{`ü "open`, `the quote is not closed at column 3`},
		{`""`, `there is nothing between the quotes at column 1`},
		{`script:"a"b`, `a space is missing after the quote at column 11`},
		{"a - b", `"-" negates the term behind it, and there is none at column 3`},
		{"field:x", `unknown key "field" at column 1; did you mean field.NAME?`},
		{"field.:x", `field. needs a name: field.NAME:value at column 1`},
	} {
		_, err := ParseFilter(tt.filter)
		var fe *FilterError
		if !errors.As(err, &fe) || err.Error() != tt.want {
			t.Errorf("%s: %v\nwant %s", tt.filter, err, tt.want)
		}
	}
}

func TestFilterLevelsNeverHideAMatch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := mustFilter(t, rapid.SampledFrom([]string{"level:warn", "-level:warn", "level:>info -level:error", "level:info,error", "x", "level:<warn"}).Draw(rt, "f"))
		e := Entry{Level: Level(rapid.IntRange(0, 5).Draw(rt, "level")), Msg: "x"}
		if f.Match(&e) && !f.levels().has(e.Level) {
			rt.Fatalf("%s matches level %s and its set does not have it", f, e.Level)
		}
	})
}

func TestMatchDoesNotAllocate(t *testing.T) {
	f := mustFilter(t, `level:>=info script:orders/* run:01936f2e kind:http,retry status:5xx dur:>500 method:POST url:https://* field.error.code:HTTP_ERROR answered -missing`)
	e := sample
	e.Fields = []byte(`{"method":"POST","url":"https://api","status":503,"durMs":512.5,"error":{"code":"HTTP_ERROR"}}`)
	if !f.Match(&e) {
		t.Fatal("does not match")
	}
	if n := testing.AllocsPerRun(100, func() { f.Match(&e) }); n != 0 {
		t.Errorf("%v allocations per match", n)
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{"", `level:>=warn script:orders/* -"two words" dur:>1s`, "field.a.b:\"x\\\"\",*y*", "status:5xx,failed", "--a", "url:ä*Ö", "-"} {
		f.Add(s, []byte(`{"a":{"b":"x"},"status":500,"durMs":1e3,"url":"\u00e4\ud83d\ude00"}`))
	}
	f.Add("field.x:1", []byte(`{"x":`))
	f.Add("x", []byte("{\"\\"))
	f.Fuzz(func(t *testing.T, s string, fields []byte) {
		filter, err := ParseFilter(s)
		if err != nil {
			var fe *FilterError
			if !errors.As(err, &fe) || fe.Column < 1 || fe.Message == "" {
				t.Fatalf("%q: error %#v", s, err)
			}
			return
		}
		e := Entry{Msg: s, Script: s, Fields: fields}
		filter.Match(&e)
		again, err := ParseFilter(filter.String())
		if err != nil || again.Match(&e) != filter.Match(&e) {
			t.Fatalf("%q is not stable: %v", s, err)
		}
		for range e.AllFields() {
		}
	})
}
