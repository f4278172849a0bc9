package tail_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/tail"
)

func TestFormat(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 30, 12, 345e6, time.Local)
	for name, tt := range map[string]struct {
		entry logs.Entry
		want  string
	}{
		"a console line": {
			logs.Entry{
				Time: at, Level: logs.Info, Kind: logs.KindConsole, Script: "orders/fulfil", Msg: "reserved",
				Fields: []byte(`{"hold":"h_1","durMs":12,"note":"two words","list":[1, 2]}`), Src: &call.Position{File: "scripts/orders/fulfil.ts", Line: 12, Column: 5},
			},
			`09:30:12.345 INFO  orders/fulfil      reserved  hold=h_1 durMs=12 note="two words" list=[1,2]  scripts/orders/fulfil.ts:12:5
`,
		},
		"an error with a stack": {
			logs.Entry{
				Time: at, Level: logs.Error, Kind: logs.KindRun, Script: "sync/contacts-of-the-crm", Msg: "failed\nsecond line\n",
				Fields: []byte(`{"status":"failed","error":{"name":"HTTPError","message":"503","stack":"HTTPError: 503\n    at a.ts:1:2"}}`),
			},
			`09:30:12.345 ERROR sync/contacts-of-the-crm run failed  error="HTTPError: 503"
             │ second line
             │ HTTPError: 503
             │     at a.ts:1:2
`,
		},
		"an error that the message tells": {
			logs.Entry{
				Time: at, Level: logs.Error, Kind: logs.KindRequest, Script: "a", Msg: "GET /a failed: TypeError: no",
				Fields: []byte(`{"method":"GET","url":"/a","status":500,"durMs":1.5,"error":{"name":"TypeError","message":"no","stack":"TypeError: no\n    at f (a.ts:1:2)"}}`),
			},
			`09:30:12.345 ERROR a                  request GET /a failed: TypeError: no
             │     at f (a.ts:1:2)
`,
		},
		"an error with causes": {
			logs.Entry{
				Time: at, Level: logs.Error, Kind: logs.KindRun, Script: "a", Msg: "failed: OrderError: no order",
				Fields: []byte(`{"error":{"name":"OrderError","message":"no order","stack":"OrderError: no order\n    at run (a.ts:1:2)",` +
					`"cause":{"name":"TypeError","message":"no","stack":"TypeError: no\n    at f (b.ts:3:4)","cause":{"name":"Error","message":""}}}}`),
			},
			`09:30:12.345 ERROR a                  run failed: OrderError: no order
             │     at run (a.ts:1:2)
             │ caused by: TypeError: no
             │     at f (b.ts:3:4)
             │ caused by: Error
`,
		},
		"a rejection nobody handled, which is its own cause": {
			logs.Entry{
				Time: at, Level: logs.Error, Kind: logs.KindRun, Script: "a", Msg: "failed: UnhandledRejectionError: nobody handled it: Error",
				Fields: []byte(`{"error":{"name":"UnhandledRejectionError","message":"nobody handled it: Error","stack":"Error\n    at f (b.ts:3:4)",` +
					`"cause":{"name":"Error","message":"","stack":"Error\n    at f (b.ts:3:4)"}}}`),
			},
			`09:30:12.345 ERROR a                  run failed: UnhandledRejectionError: nobody handled it: Error
             │     at f (b.ts:3:4)
`,
		},
		"what would steer the terminal": {
			logs.Entry{Time: at, Level: logs.Warn, Kind: logs.KindServer, Msg: "a\x1b[2Jb\u202ec\x9b\r", Fields: []byte(`{"k":"\u001b[31m"}`)},
			`09:30:12.345 WARN  ·                  server a\x1b[2Jb\u202ec` + "\uFFFD" + `\x0d  k=\x1b[31m
`,
		},
	} {
		var plain bytes.Buffer
		if err := tail.Format(&plain, tt.entry, false); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, plain.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		var colored bytes.Buffer
		if err := tail.Format(&colored, tt.entry, true); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(colored.String(), "\x1b[2m09:30:12.345\x1b[0m") || strings.Contains(colored.String(), "\x1b[2J") {
			t.Errorf("%s: %q", name, colored.String())
		}
	}
}
