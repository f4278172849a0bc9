package main_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"reprise/connections/oauthtest"
)

// cmdProvider starts an OAuth 2.0 provider, or tells it what to do.
func cmdProvider(ts *testscript.TestScript, neg bool, args []string) {
	p := programOf(ts)
	if neg || len(args) > 1 || (len(args) == 0) != (p.provider == nil) {
		ts.Fatalf("usage: provider (once), then provider deny|allow|expire|revoke|count")
	}
	if len(args) == 0 {
		p.provider = oauthtest.New(oauthtest.Options{ClientID: "reprise", ClientSecret: "the-s3cret-of-the-client"})
		ts.Defer(p.provider.Close)
		ts.Setenv("PROVIDER", p.provider.URL)
		return
	}
	switch args[0] {
	case "deny":
		p.provider.Deny("access_denied")
	case "allow":
		p.provider.Deny("")
	case "expire":
		p.provider.Expire()
	case "revoke":
		p.provider.Revoke()
	case "count":
		for _, grant := range []string{"authorization_code", "refresh_token"} {
			fmt.Fprintf(ts.Stdout(), "%s %d\n", grant, p.provider.Count(grant))
		}
	default:
		ts.Fatalf("a provider does not %s", args[0])
	}
}

// cmdLogin is a person at a terminal, and with a browser.
func cmdLogin(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: login NAME")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	path, err := exec.LookPath("reprise")
	ts.Check(err)
	cmd := exec.CommandContext(ctx, path, "connections", "login", args[0])
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), append(os.Environ(), "NO_COLOR=1", "TESTSCRIPT_COMMAND=reprise", "HOME="+ts.Getenv("HOME"), "XDG_CONFIG_HOME=", "PROVIDER="+ts.Getenv("PROVIDER"))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	s := bufio.NewScanner(out)
	for s.Scan() {
		fmt.Fprintln(ts.Stdout(), s.Text())
		if at := strings.TrimSpace(s.Text()); strings.HasPrefix(at, "http") {
			visit(ctx, ts, at)
		}
	}
	err = cmd.Wait()
	fmt.Fprint(ts.Stderr(), errs.String())
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || (err != nil) != neg {
		ts.Fatalf("the command ended with %v: %s", err, errs.String())
	}
}

// visit opens a URL, follows where it leads, and prints the page.
func visit(ctx context.Context, ts *testscript.TestScript, at string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	ts.Check(err)
	res, err := client.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\nContent-Security-Policy: %s\n%s\n", res.Status, res.Header.Get("Content-Security-Policy"), page)
}
