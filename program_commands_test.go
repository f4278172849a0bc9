package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"reprise/connections/oauthtest"
	"reprise/runtime/logs"
	"reprise/server/tail"
)

// patience is how long a story waits for what must come.
const patience = 60 * time.Second

type programKey struct{}

// program is the server of one story.
type program struct {
	cmd      *exec.Cmd // nil while it does not run
	ended    chan error
	errs     *os.File
	output   lines
	seen     uint64 // seq of the last awaited entry
	upstream *upstream
	provider *oauthtest.Provider
	tail     *tailing
	later    chan string // the answer to a request in the background
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

var assignment = regexp.MustCompile(`^\w+=`)

func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("a failing start is: ! exec reprise dev …")
	}
	p := programOf(ts)
	if p.cmd != nil {
		ts.Fatalf("the program is running already")
	}
	env := append(os.Environ(), "NO_COLOR=1", "TESTSCRIPT_COMMAND=reprise", "HOME="+ts.Getenv("HOME"), "XDG_CONFIG_HOME=")
	for len(args) > 0 && assignment.MatchString(args[0]) {
		env, args = append(env, args[0]), args[1:]
	}
	command := []string{"dev"}
	if len(args) > 0 && (args[0] == "dev" || args[0] == "serve") {
		command, args = args[:1], args[1:]
	} else if len(args) > 0 && args[0] == "-" {
		command, args = nil, args[1:]
	}
	path, err := exec.LookPath("reprise")
	ts.Check(err)
	p.cmd = exec.Command(path, slices.Concat(command, []string{"--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args)...)
	p.cmd.Dir, p.cmd.Env = ts.Getenv("WORK"), env
	p.errs, err = os.OpenFile(ts.MkAbs("stderr.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	ts.Check(err)
	p.cmd.Stderr = p.errs
	stdout, err := p.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(p.cmd.Start())
	ts.Defer(func() { _ = p.end(syscall.SIGKILL) })
	p.await(ts, stdout)
}

// await reads what the program announces and then waits for it in the background.
func (p *program) await(ts *testscript.TestScript, stdout io.Reader) {
	ready, ended := make(chan map[string]string, 1), make(chan error, 1)
	p.ended = ended
	cmd := p.cmd
	out, err := os.Create(ts.MkAbs("stdout.txt"))
	ts.Check(err)
	go func() {
		defer out.Close()
		found := map[string]string{}
		s := bufio.NewScanner(stdout)
		for s.Scan() {
			p.output.add(s.Text())
			fmt.Fprintln(out, s.Text())
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
		ended <- cmd.Wait()
	}()
	select {
	case found := <-ready:
		for k, v := range found {
			ts.Setenv(k, v)
		}
	case err := <-ended:
		p.cmd = nil
		text, _ := os.ReadFile(p.errs.Name())
		ts.Fatalf("the program ended: %v\n%s", err, text)
	case <-time.After(patience):
		ts.Fatalf("the program does not answer:\n%s", p.output.String())
	}
}

// cmdAddress sets $ADDRESS to the host and port of a URL.
func cmdAddress(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: address URL")
	}
	u, err := url.Parse(args[0])
	ts.Check(err)
	ts.Setenv("ADDRESS", u.Host)
}

// cmdCertificate writes cert.pem and key.pem for 127.0.0.1.
func cmdCertificate(ts *testscript.TestScript, _ bool, _ []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		ts.Check(os.WriteFile(ts.MkAbs(name), pem.EncodeToMemory(block), 0o600))
	}
}

// cmdFill writes a large file.
func cmdFill(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: fill FILE MB")
	}
	megabytes, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte("x"), megabytes<<20), 0o600))
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

func cmdEnd(ts *testscript.TestScript, neg bool, _ []string) {
	if neg || programOf(ts).cmd == nil {
		ts.Fatalf("usage: end (of a running program)")
	}
	if err := programOf(ts).end(syscall.SIGTERM); err != nil {
		ts.Fatalf("the program ended badly: %v", err)
	}
}

func cmdCrash(ts *testscript.TestScript, _ bool, _ []string) {
	_ = programOf(ts).end(syscall.SIGKILL)
}

func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	ask(ts, neg, ts.Getenv("URL"), nil, args)
}

var encoded = regexp.MustCompile(`\{([^}]*)\}`)

func cmdAPI(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) > 1 {
		args[1] = encoded.ReplaceAllStringFunc(args[1], func(s string) string { return url.PathEscape(s[1 : len(s)-1]) })
	}
	body := ask(ts, neg, ts.Getenv("ADMIN"), []string{"Authorization: Bearer " + ts.Getenv("TOKEN")}, args)
	var answer struct {
		ID, Cursor string
		Next       json.Number
	}
	if json.Unmarshal(body, &answer) == nil && answer.ID != "" {
		ts.Setenv("ID", answer.ID)
	}
	ts.Setenv("CURSOR", answer.Cursor)
	ts.Setenv("NEXT", answer.Next.String())
}

func cmdAdmin(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("admin takes any status")
	}
	answer(ts, ts.Getenv("ADMIN"), nil, args)
}

func cmdBackground(ts *testscript.TestScript, neg bool, args []string) {
	p := programOf(ts)
	if neg || len(args) != 1 || p.later != nil {
		ts.Fatalf("usage: background PATH (one at a time)")
	}
	p.later = make(chan string, 1)
	target := ts.Getenv("URL") + args[0]
	go func() {
		res, err := http.Get(target)
		if err != nil {
			p.later <- err.Error()
			return
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		p.later <- fmt.Sprintf("%s\n%s\n%v\n", res.Status, text, err)
	}()
}

func cmdAnswered(ts *testscript.TestScript, _ bool, _ []string) {
	p := programOf(ts)
	select {
	case text := <-p.later:
		p.later = nil
		fmt.Fprint(ts.Stdout(), text)
	case <-time.After(patience):
		ts.Fatalf("no answer")
	}
}

// cmdBecomes looks at a run, by the admin API, until it has a status.
func cmdBecomes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: becomes STATUS [RUN]")
	}
	id := ts.Getenv("ID")
	if len(args) == 2 {
		id = args[1]
	}
	lookUntil(ts, "the run does not become "+args[0], func() (string, bool) {
		text := runText(ts, id)
		var run struct{ Status string }
		ts.Check(json.Unmarshal([]byte(text), &run))
		return text, run.Status == args[0]
	})
}

// cmdQuestion sets $ASK to the path of the form that the run $ID waits for.
func cmdQuestion(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: question")
	}
	text := runText(ts, ts.Getenv("ID"))
	var run struct{ Waits []struct{ URL string } }
	ts.Check(json.Unmarshal([]byte(text), &run))
	if len(run.Waits) == 0 || run.Waits[0].URL == "" {
		ts.Fatalf("the run asks nothing: %s", text)
	}
	u, err := url.Parse(run.Waits[0].URL)
	ts.Check(err)
	ts.Setenv("ASK", u.RequestURI())
}

// runText asks the admin API for a run.
func runText(ts *testscript.TestScript, id string) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ts.Getenv("ADMIN")+"/api/v1/runs/"+id, nil)
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+ts.Getenv("TOKEN"))
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	text, err := io.ReadAll(res.Body)
	ts.Check(errors.Join(err, res.Body.Close()))
	return string(text)
}

// lookUntil prints a text as soon as it is the wanted one.
func lookUntil(ts *testscript.TestScript, complaint string, look func() (text string, ok bool)) {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	over := time.After(patience)
	for {
		text, ok := look()
		if ok {
			fmt.Fprintln(ts.Stdout(), text)
			return
		}
		select {
		case <-again.C:
		case <-over:
			ts.Fatalf("%s:\n%s", complaint, text)
		}
	}
}

// ask sends a request, prints the answer and returns its body. The status has
// to be the expected one.
func ask(ts *testscript.TestScript, neg bool, origin string, headers, args []string) []byte {
	status, text := answer(ts, origin, headers, args)
	if failed := status >= 400; failed != neg {
		ts.Fatalf("%s %s answered %d\n%s", args[0], args[1], status, text)
	}
	return text
}

// answer sends a request and prints the answer.
func answer(ts *testscript.TestScript, origin string, headers, args []string) (status int, body []byte) {
	if len(args) < 2 {
		ts.Fatalf("usage: METHOD PATH [BODY] [HEADER...]")
	}
	if origin == "" {
		ts.Fatalf("the program does not run, or has no such origin")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, args[0], origin+args[1], nil)
	ts.Check(err)
	if len(args) > 2 && args[2] != "" {
		body := args[2]
		if path, ok := strings.CutPrefix(body, "@"); ok {
			body = ts.ReadFile(path)
		}
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		req.Header.Set("Content-Type", "application/json")
	}
	if len(args) > 3 {
		headers = append(headers, args[3:]...)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
		if name == "Host" {
			req.Host = value
		}
	}
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // the certificate is the story's own
	}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	ts.Check(err)
	w := ts.Stdout()
	fmt.Fprintf(w, "%s\n", res.Status)
	for _, name := range slices.Sorted(maps.Keys(res.Header)) {
		fmt.Fprintf(w, "%s: %s\n", name, strings.Join(res.Header[name], ", "))
	}
	fmt.Fprintf(w, "\n%s\n", text)
	return res.StatusCode, text
}

// pastEntries is how many matching entries of the past await looks through.
const pastEntries = 1000

func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	p := programOf(ts)
	past, after := 1, uint64(0)
	if len(args) > 0 && args[0] == "-next" {
		past, after, args = pastEntries, p.seen, args[1:]
	}
	if neg || len(args) == 0 {
		ts.Fatalf("usage: await [-next] FILTER")
	}
	filter := strings.Join(args, " ")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := tail.Dial(ctx, tail.DialOptions{URL: ts.Getenv("ADMIN"), Token: ts.Getenv("TOKEN"), Filter: filter, Tail: past})
	ts.Check(err)
	defer client.Close()
	for {
		frame, err := client.Next(ctx)
		if err != nil {
			ts.Fatalf("no entry %s: %v", filter, err)
		}
		if frame.Type == tail.FrameError {
			ts.Fatalf("%s: %s", filter, frame.Message)
		}
		i := slices.IndexFunc(frame.Entries, func(e logs.Entry) bool { return e.Seq > after })
		if i < 0 {
			continue
		}
		fmt.Fprintf(ts.Stdout(), "%s\n", frame.Entries[i].AppendJSON(nil))
		p.seen = frame.Entries[i].Seq
		return
	}
}

// cmdSign signs what a story sends to a webhook. {now} in the message is the time,
// which $NOW is then, too, and {earlier} an hour before that.
func cmdSign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sign KEY MESSAGE")
	}
	now := time.Now().Unix()
	stamps := strings.NewReplacer("{now}", strconv.FormatInt(now, 10), "{earlier}", strconv.FormatInt(now-3600, 10))
	mac := hmac.New(sha256.New, []byte(args[0]))
	mac.Write([]byte(stamps.Replace(args[1])))
	sum := mac.Sum(nil)
	ts.Setenv("NOW", stamps.Replace("{now}"))
	ts.Setenv("EARLIER", stamps.Replace("{earlier}"))
	ts.Setenv("HEX", hex.EncodeToString(sum))
	ts.Setenv("BASE64", base64.StdEncoding.EncodeToString(sum))
}
