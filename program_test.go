// Whole-program tests: each file of testdata/script is a story told to the
// real program, in the manner of the go command's own tests. Besides the usual
// commands of testscript there are:
//
//	start [NAME=value...] [dev|serve|-] [arg...]
//	                      start the server with these variables and arguments (- for
//	                      no command), on free ports, and wait until it answers; sets $URL, $ADMIN
//	                      and $TOKEN; what it prints is in stdout.txt and stderr.txt
//	end                   end it with SIGTERM and wait; it has to exit with 0
//	crash                 end it with SIGKILL
//	http METHOD PATH [BODY] [HEADER...]
//	                      ask the script origin; stdout is the status, the headers and
//	                      the body; a BODY @FILE is the file's content
//	api METHOD PATH [BODY] [HEADER...]
//	                      ask the admin API with the token; $ID, $CURSOR and $NEXT are
//	                      the answer's id, cursor and next. {name} in PATH is percent-encoded
//	admin METHOD PATH [BODY] [HEADER...]
//	                      ask the admin origin without the token, whatever the status
//	background PATH       ask the script origin and go on; answered waits for the answer
//	                      and prints it
//	becomes STATUS [RUN]  wait until a run ($ID unless named) has that status, and print it
//	await FILTER          wait until the log has an entry that the filter chooses, and
//	                      print the newest one
//	await -next FILTER    the same, of the entries after the last awaited one
//	tail [arg...]         start reprise tail and wait until it has printed something
//	tailed REGEXP         wait until what it has printed matches, end it with SIGINT and
//	                      print that
//	address URL           set $ADDRESS to the URL's host and port
//	certificate           write cert.pem and key.pem
//	fill FILE MB          write a file of that many megabytes
//	upstream              start an API that scripts can call: $UPSTREAM, and $REFUSED,
//	                      where nothing listens; see upstream.ServeHTTP
//	question              set $ASK to the path of the form that run $ID waits for
//	reached [-count=N] REGEXP
//	                      wait until the upstream has got a request that matches (N of them)
//	nowhere VALUE DIR [INSTEAD]
//	                      look for a value in every byte of a data folder that nobody uses,
//	                      and in what its store and its log say; the value "tokens" means
//	                      all of the provider's, and INSTEAD is what stands in its place
//	provider [deny|allow|expire|revoke|count]
//	                      start an OAuth 2.0 provider with an API: $PROVIDER; or have it
//	                      do that; count prints how often it was asked for tokens
//	login NAME            log in for a connection: start reprise connections login, open
//	                      the URL that it prints, and print the page and what it says
//	sign KEY MESSAGE      set $HEX and $BASE64 to the HMAC-SHA256 of a message, in which {now} is
//	                      the time, $NOW, and {earlier} an hour before it, $EARLIER
//	received              print the requests that the upstream has got
//
// `! http …` and `! api …` expect a status of 400 or more.

package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"reprise/cli"
)

func TestMain(m *testing.M) {
	cli.Child()
	testscript.Main(m, map[string]func(){
		"reprise": func() { os.Exit(cli.Main(os.Args[1:], cli.StdIO())) },
	})
}

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
			"start": cmdStart, "end": cmdEnd, "crash": cmdCrash, "http": cmdHTTP, "api": cmdAPI, "admin": cmdAdmin,
			"background": cmdBackground, "becomes": cmdBecomes, "answered": cmdAnswered, "await": cmdAwait,
			"tail": cmdTail, "tailed": cmdTailed, "address": cmdAddress, "fill": cmdFill, "certificate": cmdCertificate,
			"upstream": cmdUpstream, "received": cmdReceived, "reached": cmdReached, "question": cmdQuestion,
			"nowhere": cmdNowhere, "provider": cmdProvider, "login": cmdLogin, "sign": cmdSign,
		},
	})
}

func TestStoriesAreTold(t *testing.T) {
	// A wrong folder would run no story and pass; testscript's own "stop" and
	// "skip" would end one early and pass.
	found, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(found) == 0 {
		t.Fatal("no stories", err)
	}
	early := regexp.MustCompile(`(?m)^(stop|skip)\b.*$`)
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		story, _, _ := bytes.Cut(text, []byte("\n-- "))
		if line := early.Find(story); line != nil {
			t.Errorf("%s is not told to its end: %s", path, line)
		}
	}
}
