package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime"
	"reprise/server/datadir"
)

// answers is a server that answers as the admin API is specified: the answer
// to "METHOD path" is a status and a body.
type answers map[string]string

// asked is what a command did: its exit code, what it printed, and what it
// asked the server.
type asked struct {
	code     int
	out, err string
	requests []string
}

// ask runs a command against a server.
func ask(t *testing.T, a answers, stdin string, args ...string) asked {
	t.Helper()
	var got asked
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer tok" {
			t.Errorf("header %v, %v", r.Header, err)
		}
		asks := r.Method + " " + r.RequestURI
		key := ""
		if k := r.Header.Get("Idempotency-Key"); k != "" {
			key = "key " + k
		}
		got.requests = append(got.requests, strings.Join(strings.Fields(asks+" "+string(b)+" "+key), " "))
		answer, ok := a[asks]
		if !ok {
			answer = `404 {"title":"T","status":404,"code":"NOT_FOUND_ERROR","detail":"there is no ` + asks + `","hint":"Look."}`
		}
		var status int
		if _, err := fmt.Sscan(answer, &status); err != nil {
			t.Errorf("answer %q: %v", answer, err)
		}
		w.WriteHeader(status)
		_, body, _ := strings.Cut(answer, " ")
		_, _ = io.WriteString(w, body)
	}))
	defer srv.Close()
	var out, errs bytes.Buffer
	got.code = Main(append(args, "--url", srv.URL, "--token", "tok"), IO{In: strings.NewReader(stdin), Out: &out, Err: &errs})
	got.out, got.err = out.String(), errs.String()
	return got
}

// expect compares all of what a command did.
func (a asked) expect(t *testing.T, code int, out, err string, requests ...string) {
	t.Helper()
	if a.code != code || !regexp.MustCompile(`^(?s:`+out+`)$`).MatchString(a.out) || !regexp.MustCompile(`^(?s:`+err+`)$`).MatchString(a.err) {
		t.Errorf("ended with %d, want %d; printed\n%swant\n%s\nand\n%swant\n%s", a.code, code, a.out, out, a.err, err)
	}
	if diff := cmp.Diff(requests, a.requests); requests != nil && diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

const (
	id1 = "01936f2e-7c1b-7d2a-9d51-0a1b2c3d4e5f"
	id2 = "01936f2e-7c1b-7d2a-9d51-0a1b2c3d4e60"
)

// aRun is a run as the API shows it; more are further fields.
func aRun(id, status, more string) string {
	return fmt.Sprintf(`{"id":"%s","script":"orders/fulfil","revision":"9f2c51d0a7be","handler":"run","status":"%s","createdAt":"2026-11-22T09:30:12Z"%s}`, id, status, more)
}

func TestRunsAreListed(t *testing.T) {
	page := `200 {"runs":[` + aRun(id2, "waiting", `,"waits":[{"kind":"signal","name":"approval","call":3,"target":""}]`) + `,` +
		aRun(id1, "failed", `,"error":{"name":"HTTPError","message":"no\nway\u001b[2J"}`) + `]`
	got := ask(t, answers{"GET /api/v1/runs?limit=2&script=orders%2Ffulfil&status=waiting": page + `,"cursor":"c"}`},
		"", "runs", "--script", "orders/fulfil", "--status", "waiting", "-n", "2")
	got.expect(t, 0, `ID +SCRIPT +STATUS +AGE +WAITS FOR\n`+id2+`  orders/fulfil  waiting  \d+\w +the signal approval\n`+
		id1+`  orders/fulfil  failed   \d+\w +HTTPError: no way\\u001b\[2J\n`, `… there are more; --limit 10 .*`)

	// JSON is an object a line, and pages follow each other.
	long := strings.Repeat(aRun(id1, "queued", "")+",", 99)
	got = ask(t, answers{
		"GET /api/v1/runs?limit=100":         `200 {"runs":[` + long + aRun(id1, "queued", "") + `],"cursor":"c"}`,
		"GET /api/v1/runs?cursor=c&limit=50": `200 {"runs":[` + aRun(id2, "waiting", "") + `]}`,
	}, "", "runs", "--json", "--limit", "150")
	if n := strings.Count(got.out, "\n"); n != 101 || got.code != 0 || !strings.HasSuffix(got.out, `"createdAt":"2026-11-22T09:30:12Z"}`+"\n") {
		t.Errorf("%d lines, %+v", n, got.requests)
	}
	got = ask(t, answers{"GET /api/v1/runs?limit=20": `200 {"runs":[]}`}, "", "runs")
	got.expect(t, 0, "", "there are no such runs\n")
}

func TestRunIsShown(t *testing.T) {
	t.Setenv("TZ", "UTC")
	got := ask(t, answers{
		"GET /api/v1/runs?limit=100": `200 {"runs":[` + aRun(id1, "paused", "") + "," + aRun(id2, "paused", "") + `]}`,
		"GET /api/v1/runs/" + id1: "200 " + aRun(id1, "paused", `,"reason":"in-doubt","startedAt":"2026-11-22T09:30:13Z","endedAt":"2026-11-22T09:30:14.5Z",
			"inDoubt":[{"call":4,"target":"POST https://pay.example.com/charges","src":{"file":"scripts/a.ts","line":3,"column":9}}],
			"parent":"p1","attached":true,"state":{"percent":40},"input":{"text":"`+strings.Repeat("x", 90)+`"}`),
	}, "", "runs", "get", "4e5f")
	got.expect(t, 0, `run         `+id1+`
script      orders/fulfil \(run\), revision 9f2c51d0a7be
status      paused: in-doubt
created     \S+ \S+ \(\w+ ago\)
started     \S+ \S+
ended       \S+ \S+ \(after 1.5s\)
in doubt    call 4: POST https://pay.example.com/charges  scripts/a.ts:3:9
parent      p1 \(which waits for the result\)
state       {"percent":40}
input       {
              "text": "x{90}"
            }
next        reprise runs resume `+id1+` --in-doubt retry \(or fail\)
`, "")
	got = ask(t, answers{"GET /api/v1/runs/" + id1: "200 " + aRun(id1, "succeeded", `,"output":null`)}, "", "runs", "get", "--json", id1)
	got.expect(t, 0, `{\n  "id": "`+id1+`",.*`, "", "GET /api/v1/runs/"+id1)
}

func TestShortIDs(t *testing.T) {
	list := answers{"GET /api/v1/runs?limit=100": `200 {"runs":[` + aRun(id1, "paused", "") + "," + aRun(id2, "paused", "") + `]}`}
	ask(t, list, "", "runs", "get", "01936f2e").expect(t, 2, "", "reprise: 01936f2e may mean "+id1+" or "+id2+"; write more of it\n")
	ask(t, list, "", "runs", "get", "4e5").expect(t, 2, "", `reprise: "4e5" is too short .*\n`, []string(nil)...)
	ask(t, list, "", "runs", "get", "ffff").expect(t, 1, "", "reprise: none of the newest 500 runs has an id that begins or ends with ffff; .*\n")
	// An id that is short is what it says.
	ask(t, answers{"GET /api/v1/runs?limit=100": `200 {"runs":[` + aRun("r100", "paused", "") + "," + aRun("r1000", "paused", "") + `]}`, "POST /api/v1/runs/r100/pause": "202 " + aRun("r100", "paused", "")},
		"", "runs", "pause", "r100").expect(t, 0, "r100  paused\n", "")
}

func TestJournalIsPrinted(t *testing.T) {
	a := answers{"GET /api/v1/runs/" + id1 + "/journal": `200 {"records":[
		{"seq":1,"kind":"started","at":"2026-11-22T09:30:12.345Z","text":"orders/fulfil began","data":{"seed":"x"}},
		{"seq":12,"kind":"turn","text":"turn 3\u001b[31m","data":{},"void":true}]}`}
	ask(t, a, "", "runs", "journal", id1).expect(t, 0, `     1  2026-11-2\d \d\d:\d\d:12.345  started  orders/fulfil began
    12 {27}turn     \(turn 3\\u001b\[31m\)
`, "")
	ask(t, a, "", "runs", "journal", id1, "--json").expect(t, 0, `{"seq":1,"kind":"started","at":"2026-11-22T09:30:12.345Z","text":"orders/fulfil began","data":{"seed":"x"}}
{"seq":12,.*"void":true}
`, "")
}

// Each command asks for what it says, and prints what the run is then.
func TestControls(t *testing.T) {
	at := "/api/v1/runs/" + id1
	for _, tc := range []struct{ args, request, answer string }{
		{"pause", "POST " + at + "/pause", "202 " + aRun(id1, "paused", `,"reason":"user"`)},
		{"resume", "POST " + at + "/resume {}", "202 " + aRun(id1, "paused", `,"reason":"user"`)},
		{"resume --in-doubt fail", "POST " + at + `/resume {"inDoubt":"fail"}`, "202 " + aRun(id1, "paused", `,"reason":"user"`)},
		{"cancel", "POST " + at + "/cancel", "202 " + aRun(id1, "paused", `,"reason":"user"`)},
		{"kill", "POST " + at + "/kill", "202 " + aRun(id1, "paused", `,"reason":"user"`)},
		{"retry", "POST " + at + "/retry {}", "202 " + aRun(id1, "paused", `,"reason":"user"`)},
		{"retry --revision current", "POST " + at + `/retry {"revision":"current"}`, "202 " + aRun(id1, "paused", `,"reason":"user"`)},
		{"upgrade", "POST " + at + "/upgrade {}", "202 " + aRun(id1, "paused", `,"reason":"user"`)},
		{"upgrade --revision abc", "POST " + at + `/upgrade {"revision":"abc"}`, "202 " + aRun(id1, "paused", `,"reason":"user"`)},
		{"fork --from-turn 4", "POST " + at + `/fork {"fromTurn":4}`, "201 " + aRun(id1, "paused", `,"reason":"user"`)},
		{"fork --from-turn 1 --revision current", "POST " + at + `/fork {"fromTurn":1,"revision":"current"}`, "201 " + aRun(id1, "paused", `,"reason":"user"`)},
	} {
		asks, _, _ := strings.Cut(tc.request, " {")
		got := ask(t, answers{asks: tc.answer}, "", append([]string{"runs"}, append(strings.Fields(tc.args), id1)...)...)
		got.expect(t, 0, id1+"  paused: user\n", "", tc.request)
	}
}

func TestSeveralRuns(t *testing.T) {
	// One that fails does not keep the others from it, and is told.
	got := ask(t, answers{"POST /api/v1/runs/" + id2 + "/cancel": "202 " + aRun(id2, "running", "")}, "", "runs", "cancel", id1, id2)
	got.expect(t, 1, id2+"  running\n", "reprise: there is no POST /api/v1/runs/"+id1+"/cancel\nhint: Look.\n")
}

func TestRefusedUpgrade(t *testing.T) {
	// Where the replay went another way is shown, with both places.
	got := ask(t, answers{"POST /api/v1/runs/" + id1 + "/upgrade": `409 {"title":"T","status":409,"code":"DIVERGED_ERROR","detail":"the run can not be moved","hint":"Fork it.",
		"divergence":{"turn":7,"message":"the script calls something else","revision":"abc","expected":{"call":3,"kind":"http.request","target":"POST payments /charges","args":{"a":1},"src":{"file":"scripts/a.ts","line":21,"column":16}}}}`}, "", "runs", "upgrade", id1)
	got.expect(t, 1, "", `reprise: the run can not be moved
  the journal has   http.request POST payments /charges {"a":1}  scripts/a.ts:21:16
  the script makes  nothing
hint: Fork it.
`)
}

func TestSignals(t *testing.T) {
	a := answers{"POST /api/v1/runs/" + id1 + "/signals/go%20on": "202 ", "POST /api/v1/runs/" + id1 + "/signals/approval": "202 "}
	ask(t, a, "", "runs", "signal", id1, "go on").expect(t, 0, "", "", "POST /api/v1/runs/"+id1+"/signals/go%20on")
	ask(t, a, `{"by":"Ada"}`, "runs", "signal", id1, "approval", "-", "--key", "k1").
		expect(t, 0, "", "", "POST /api/v1/runs/"+id1+`/signals/approval {"by":"Ada"} key k1`)
	ask(t, a, "", "runs", "signal", id1, "approval", "yes").expect(t, 2, "", `reprise: the value is not valid JSON: .*`)
}

func TestRunIsStarted(t *testing.T) {
	start := answers{"POST /api/v1/runs": "202 " + aRun(id1, "running", "")}
	ask(t, start, "", "runs", "start", "orders/fulfil", `{"n":1}`, "--key", "k").
		expect(t, 0, id1+"  running\n", "", `POST /api/v1/runs {"script":"orders/fulfil","input":{"n":1},"idempotencyKey":"k"}`)

	// With --wait the result is printed, and it is the exit code.
	wait := func(d string) string { return "GET /api/v1/runs/" + id1 + "?wait=" + d }
	start[wait("30000ms")] = "200 " + aRun(id1, "succeeded", `,"output":{"n":1}`)
	ask(t, start, "", "runs", "start", "a", "--wait", "30s").expect(t, 0, "{\n  \"n\": 1\n}\n", "", `POST /api/v1/runs {"script":"a"}`, wait("30000ms"))
	start[wait("30000ms")] = "200 " + aRun(id1, "failed", `,"error":{"name":"HTTPError","message":"no","code":"HTTP_ERROR"}`)
	ask(t, start, "", "runs", "start", "a", "--wait", "30s").expect(t, 1, "", "HTTPError: no\nhint: .*")
	ask(t, start, "", "runs", "start", "a", "--wait", "30s", "--json").expect(t, 1, `{\n  "id": .*`, "")
	start[wait("1ms")] = "200 " + aRun(id1, "waiting", "")
	ask(t, start, "", "runs", "start", "a", "--wait", "1ms").expect(t, 1, "", "reprise: the run "+id1+" is still waiting after 1ms; .* reprise runs get "+id1+"\n")

	// A run that stands still is not waited for: it says why, and what lets it go on.
	const doubt = `,"reason":"in-doubt","inDoubt":[{"call":3,"target":"POST x/charges","src":{"file":"a.ts","line":4,"column":2}}]`
	for run, says := range map[string]string{
		aRun(id1, "paused", `,"reason":"user"`): "reprise: the run " + id1 + " is paused: user; it goes on with: reprise runs resume " + id1 + "\n",
		aRun(id1, "paused", doubt):              `in doubt: call 3: POST x/charges  a.ts:4:2\nreprise: the run ` + id1 + ` is paused: in-doubt; it goes on with: reprise runs resume ` + id1 + ` --in-doubt retry \(or fail\)\n`,
		aRun(id1, "paused", `,"reason":"failure","error":{"name":"Error","message":"no","code":"ERROR"}`): "Error: no\nthe run " + id1 + " is paused: failure\nit goes on with: reprise runs retry " + id1 + " .*\n",
		aRun(id1, "diverged", `,"divergence":{"turn":2,"message":"in turn 2","revision":"r"}`):            "the run " + id1 + " has diverged\n(?s:.*)it goes on with: reprise runs upgrade " + id1 + " .*\n",
	} {
		start[wait("60000ms")] = "200 " + run
		ask(t, start, "", "runs", "start", "a", "--wait", "10m").expect(t, 1, "", says, `POST /api/v1/runs {"script":"a"}`, wait("60000ms"))
		ask(t, start, "", "runs", "start", "a", "--wait", "10m", "--json").expect(t, 1, `{\n  "id": .*`, "", `POST /api/v1/runs {"script":"a"}`, wait("60000ms"))
	}
	delete(start, wait("1ms"))
	ask(t, start, "", "runs", "start", "a", "--wait", "1ms").expect(t, 1, "", "the run "+id1+" goes on; .*\nreprise: there is no .*")
}

func TestReplayIsPrinted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "edited.ts")
	if err := os.WriteFile(file, []byte("export default 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := "/api/v1/runs/" + id1 + "/replay"
	a := answers{"POST " + at: `200 {"run":"` + id1 + `","revision":"abc","turns":2,"result":"same","output":{"ok":true},
		"logs":[{"turn":2,"level":"info","msg":"reserved","fields":{"hold":"h"},"src":{"file":"a.ts","line":1,"column":2}}],
		"calls":[{"call":1,"kind":"http.request","target":"GET x /y","turn":1,"answered":true},{"call":2,"kind":"timer","target":"","step":"pay","turn":2,"answered":false}]}`}
	ask(t, a, "", "runs", "replay", id1, "--source", file).expect(t, 0, `turn 1    call  http.request GET x /y
turn 2    info  reserved {"hold":"h"}  a.ts:1:2
turn 2    call  timer \(step pay\)  \(without an answer\)
the same as in the journal: 2 turns with revision abc
output      {"ok":true}
`, "", "POST "+at+` {"source":"export default 1"}`)
	a["POST "+at] = `200 {"revision":"abc","turns":1,"result":"diverges","divergence":{"turn":2,"message":"m","revision":"abc"},"logs":[],"calls":[]}`
	ask(t, a, "", "runs", "replay", id1).expect(t, 1, "diverges: 1 turns with revision abc\n  turn 2: m\n", "", "POST "+at+" {}")
	ask(t, a, "", "runs", "replay", id1, "--json").expect(t, 1, `{\n.*"result": "diverges".*`, "")
}

func TestCheck(t *testing.T) {
	at := "/api/v1/scripts/orders%2Ffulfil/check"
	same := `{"run":"` + id1 + `","status":"waiting","revision":"old","turns":3,"result":"same"}`
	a := answers{"POST " + at: `200 {"script":"orders/fulfil","revision":"new","same":1,"diverge":0,"runs":[` + same + `]}`}
	ask(t, a, "", "check", "orders/fulfil").expect(t, 0, `same      `+id1+`  waiting    3 turns of revision old
revision new of orders/fulfil: 1 the same, 0 diverge
`, "", "POST "+at+` {"finished":20}`)
	a["POST "+at] = `200 {"script":"orders/fulfil","revision":"new","same":1,"diverge":1,"runs":[` + same + `,{"run":"` + id2 + `","status":"failed","revision":"old","turns":2,"result":"diverges",
		"divergence":{"turn":2,"message":"in turn 2 other calls","revision":"new","expected":{"call":1,"kind":"timer","target":"","src":{"file":"a.ts","line":1,"column":2}},"got":{"call":1,"kind":"kv.get","target":"a","src":{"file":"a.ts","line":3,"column":4}}}}]}`
	ask(t, a, "code", "check", "orders/fulfil", "-", "--finished", "5").expect(t, 1, `same .*
diverges  `+id2+`  failed     2 turns of revision old
          in turn 2 other calls
            the journal has   timer  a.ts:1:2
            the script makes  kv.get a  a.ts:3:4
revision new of orders/fulfil: 1 the same, 1 diverge
`, "", "POST "+at+` {"source":"code","finished":5}`)
	ask(t, a, "", "check", "orders/fulfil", "--json").expect(t, 1, `{\n  "script": "orders/fulfil",.*`, "")
	// What could not be replayed has not been shown to agree.
	a["POST "+at] = `200 {"script":"orders/fulfil","revision":"new","same":0,"diverge":0,"runs":[{"run":"` + id1 + `","status":"waiting","result":"failed","error":{"name":"StoreError","message":"lost"}}]}`
	ask(t, a, "", "check", "orders/fulfil").expect(t, 1, `failed .*\n          StoreError: lost\n.*: 0 the same, 0 diverge, 1 could not be replayed\n`, "")
}

func TestWrongRunsCommands(t *testing.T) {
	for args, want := range map[string]string{
		"runs gte":                         `there is no command "runs gte"; did you mean "get"\?`,
		"runs --status done":               `--status is "done"; it is one of queued, .*`,
		"runs --limit 0":                   `--limit is 0.*`,
		"runs get":                         `write it like this: reprise runs get ID`,
		"runs pause":                       `write it like this: reprise runs pause ID…`,
		"runs signal r1":                   `write it like this: reprise runs signal ID NAME \[JSON\]`,
		"runs fork " + id1:                 `say with --from-turn N .*`,
		"runs resume --in-doubt x " + id1:  `--in-doubt is "x"; it is retry or fail`,
		"runs start":                       `write it like this: reprise runs start SCRIPT \[JSON\]`,
		"runs start a {":                   `the input is not valid JSON: .*`,
		"runs start a --wait soon":         `--wait: .*`,
		"runs replay --source none " + id1: `--source: open none: .*`,
		"check":                            `write it like this: reprise check SCRIPT \[FILE\]`,
		"check a --finished 0":             `--finished is 0.*`,
		"check a -":                        `FILE: there is no source text in -`,
	} {
		ask(t, nil, "", strings.Fields(args)...).expect(t, 2, "", "reprise: "+want+"\n")
	}
}

func TestNoServer(t *testing.T) {
	dir := t.TempDir()
	var out, errs bytes.Buffer
	if code := Main([]string{"runs", "--data", dir}, IO{Out: &out, Err: &errs}); code != 1 || !strings.Contains(errs.String(), `start one with "reprise dev"`) {
		t.Errorf("%d, %s", code, &errs)
	}
	errs.Reset()
	if err := datadir.WriteInfo(dir, datadir.Info{Addr: "127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	if code := Main([]string{"check", "a", "--data", dir}, IO{Out: &out, Err: &errs}); code != 1 || !strings.Contains(errs.String(), "--no-admin") {
		t.Errorf("%d, %s", code, &errs)
	}
}

func TestSituations(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	in := func(d time.Duration) *time.Time {
		at := now.Add(d)
		return &at
	}
	waiting := func(w ...runtime.Wait) runtime.Run { return runtime.Run{Status: runtime.Waiting, Waits: w} }
	for want, run := range map[string]runtime.Run{
		"a timer, 3d left":               waiting(runtime.Wait{Kind: "timer", Until: in(80 * time.Hour)}),
		"the signal go, due and 1 more":  waiting(runtime.Wait{Kind: "signal", Name: "go", Until: in(-1)}, runtime.Wait{Kind: "timer"}),
		"an answer to Approve?":          waiting(runtime.Wait{Kind: "ask", Name: "Approve?"}),
		"the run r2 pay":                 waiting(runtime.Wait{Kind: "run", Run: "r2", Name: "pay"}),
		"the next try of GET x, 5m left": waiting(runtime.Wait{Kind: "retry", Name: "GET x", Until: in(5 * time.Minute)}),
		"turn 3: other call":             {Status: runtime.Diverged, Divergence: &runtime.Divergence{Turn: 3, Message: "other call"}},
		"its turn with the key o_1":      {Status: runtime.Queued, FlowKey: "o_1"},
		"goes on as r9":                  {Status: runtime.Succeeded, Successor: "r9"},
		"in-doubt":                       {Status: runtime.Paused, Reason: runtime.ReasonInDoubt},
		strings.Repeat("a", 59) + "…":    {Status: runtime.Paused, Reason: strings.Repeat("a", 61)},
		"":                               {Status: runtime.Running},
	} {
		if got := situation(&run, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for d, want := range map[time.Duration]string{-1: "0s", 59 * time.Second: "59s", 90 * time.Second: "1m", 47 * time.Hour: "47h", 49 * time.Hour: "2d"} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%s ago is %q", d, got)
		}
	}
}
