// Whole-program tests: each file of testdata/script is a story told to the
// real program, in the manner of the go command's own tests. Besides the usual
// commands of testscript there are:
//
//	start [arg...]        start `reprise dev` with these arguments, on free ports,
//	                      and wait until it answers; sets $URL, $ADMIN and $TOKEN
//	stop                  end it with SIGTERM and wait; its standard error is in stderr.txt
//	kill                  end it with SIGKILL
//	http METHOD PATH [BODY] [HEADER...]
//	                      ask the script origin; stdout is the status, the headers and the body
//	api METHOD PATH [BODY]
//	                      ask the admin API with the token
//	await FILTER          wait until the log has an entry that the filter chooses;
//	                      stdout is the entry
//
// `! http …` and `! api …` expect a status of 400 or more.

package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"reprise/cli"
	"reprise/server/tail"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"reprise": func() { os.Exit(cli.Main(os.Args[1:], cli.StdIO())) },
	})
}

// patience is how long a story waits for what must come.
const patience = 30 * time.Second

func TestProgram(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Values[programKey{}] = &program{}
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": cmdStart, "stop": cmdStop, "kill": cmdKill, "http": cmdHTTP, "api": cmdAPI, "await": cmdAwait,
		},
	})
}

type programKey struct{}

// program is the server of one story.
type program struct {
	cmd    *exec.Cmd
	ended  chan error
	errs   *os.File
	dir    string
	output lines
}

// lines collects what the program prints.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func programOf(ts *testscript.TestScript) *program { return ts.Value(programKey{}).(*program) }

func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("a failing start is: ! exec reprise dev …")
	}
	command := "dev"
	if len(args) > 0 && (args[0] == "dev" || args[0] == "serve") {
		command, args = args[0], args[1:]
	}
	p := programOf(ts)
	if p.cmd != nil {
		ts.Fatalf("the program is running already")
	}
	path, err := exec.LookPath("reprise")
	ts.Check(err)
	p.cmd = exec.Command(path, append([]string{command, "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args...)...)
	p.cmd.Dir = ts.Getenv("WORK")
	p.cmd.Env = append(os.Environ(), "NO_COLOR=1", "TESTSCRIPT_COMMAND=reprise")
	for _, name := range []string{"REPRISE_SECRET_TOKEN", "REPRISE_ENVIRONMENT"} {
		if v := ts.Getenv(name); v != "" {
			p.cmd.Env = append(p.cmd.Env, name+"="+v)
		}
	}
	p.errs, err = os.OpenFile(ts.MkAbs("stderr.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	ts.Check(err)
	p.cmd.Stderr = p.errs
	stdout, err := p.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(p.cmd.Start())
	ts.Defer(func() { p.end(syscall.SIGKILL) })
	p.await(ts, stdout)
}

// await reads what the program announces and then waits for it in the background.
func (p *program) await(ts *testscript.TestScript, stdout io.Reader) {
	ready := make(chan map[string]string, 1)
	p.ended = make(chan error, 1)
	go func() {
		found := map[string]string{}
		s := bufio.NewScanner(stdout)
		for s.Scan() {
			p.output.add(s.Text())
			if u, ok := strings.CutPrefix(s.Text(), "listening on "); ok {
				found["URL"] = u
			}
			if u, ok := strings.CutPrefix(s.Text(), "studio "); ok {
				found["ADMIN"], found["TOKEN"], _ = strings.Cut(strings.TrimSpace(u), "/#token=")
			}
			if strings.HasPrefix(s.Text(), "scripts ") {
				ready <- found
			}
		}
		p.ended <- p.cmd.Wait()
	}()
	select {
	case found := <-ready:
		for k, v := range found {
			ts.Setenv(k, v)
		}
	case err := <-p.ended:
		p.cmd = nil
		text, _ := os.ReadFile(p.errs.Name())
		ts.Fatalf("the program ended: %v\n%s", err, text)
	case <-time.After(patience):
		ts.Fatalf("the program does not answer:\n%s", p.output.String())
	}
}

// end sends a signal and waits.
func (p *program) end(signal os.Signal) error {
	if p.cmd == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(signal)
	var err error
	select {
	case err = <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		err = fmt.Errorf("the program did not end within %s: %w", patience, <-p.ended)
	}
	p.cmd = nil
	_ = p.errs.Close()
	return err
}

func cmdStop(ts *testscript.TestScript, neg bool, _ []string) {
	if err := programOf(ts).end(syscall.SIGTERM); err != nil && !neg {
		ts.Fatalf("the program ended badly: %v", err)
	}
}

func cmdKill(ts *testscript.TestScript, _ bool, _ []string) {
	_ = programOf(ts).end(syscall.SIGKILL)
}

func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	ask(ts, neg, ts.Getenv("URL"), nil, args)
}

func cmdAPI(ts *testscript.TestScript, neg bool, args []string) {
	ask(ts, neg, ts.Getenv("ADMIN"), []string{"Authorization: Bearer " + ts.Getenv("TOKEN")}, args)
}

// ask sends a request and prints the answer.
func ask(ts *testscript.TestScript, neg bool, origin string, headers, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: http METHOD PATH [BODY] [HEADER...]")
	}
	var body io.Reader
	if len(args) > 2 && args[2] != "" {
		body = strings.NewReader(args[2])
		if path, ok := strings.CutPrefix(args[2], "@"); ok {
			body = strings.NewReader(ts.ReadFile(path))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, args[0], origin+args[1], body)
	ts.Check(err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if len(args) > 3 {
		headers = append(headers, args[3:]...)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	ts.Check(err)
	w := ts.Stdout()
	fmt.Fprintf(w, "%s\n", res.Status)
	names := make([]string, 0, len(res.Header))
	for name := range res.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "%s: %s\n", name, strings.Join(res.Header[name], ", "))
	}
	fmt.Fprintf(w, "\n%s\n", text)
	if failed := res.StatusCode >= 400; failed != neg {
		ts.Fatalf("%s %s answered %s\n%s", args[0], args[1], res.Status, text)
	}
}

func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: await FILTER")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	filter := strings.Join(args, " ")
	client, err := tail.Dial(ctx, tail.DialOptions{URL: ts.Getenv("ADMIN"), Token: ts.Getenv("TOKEN"), Filter: filter, Tail: 1})
	ts.Check(err)
	defer client.Close()
	for {
		frame, err := client.Next(ctx)
		if err != nil {
			ts.Fatalf("no entry %s: %v", filter, err)
		}
		if len(frame.Entries) > 0 {
			text, err := json.Marshal(frame.Entries[len(frame.Entries)-1])
			ts.Check(err)
			fmt.Fprintf(ts.Stdout(), "%s\n", text)
			return
		}
	}
}

func TestStoriesAreThere(t *testing.T) {
	// A wrong folder would run no story and pass.
	found, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(found) == 0 {
		t.Fatal("no stories", err)
	}
}
