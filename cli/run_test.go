package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"reprise/runtime"
)

func TestInterruptedRun(t *testing.T) {
	// Ctrl-C cancels the run of "reprise run", which cleans up and is reported.
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var cleaned atomic.Bool
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/begun":
			interrupt()
		case "/cleaned":
			cleaned.Store(true)
		}
	}))
	defer upstream.Close()
	c := testConfig(t)
	c.NoAdmin = true
	file := filepath.Join(c.Dir, "work.js")
	text := `import { sleep } from "reprise:run";
	export default async function (url) {
		try { await fetch(url + "/begun"); await sleep("1 hour"); }
		finally { await fetch(url + "/cleaned"); }
	}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := startApp(t.Context(), c, appOptions{dev: true, memory: true})
	if err != nil {
		t.Fatal(err)
	}
	run, err := a.runFile(ctx, file, []byte(`"`+upstream.URL+`"`))
	if err != nil || run.Status != runtime.Cancelled || !cleaned.Load() {
		t.Errorf("%+v, cleaned %v, %v", run, cleaned.Load(), err)
	}
	if err := a.close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
