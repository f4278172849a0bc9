// What the server itself answers on the script origin, below /_/.

package site

import (
	"net/http"
	"strings"

	"reprise/runtime/call"
	"reprise/server/problem"
)

const (
	runsPath = "/_/runs/"
	askPath  = "/_/ask/"
	// loginPath is where providers send people back to who have logged in for a
	// connection. It is registered with them, so it stays.
	loginPath = "/_/oauth/callback"
)

// reserved answers below /_/.
func (x *exchange) reserved(path string) {
	switch {
	case path == "/_/healthz":
		x.probe(nil)
	case path == "/_/readyz":
		x.probe(x.site.options.Ready)
	case strings.HasPrefix(path, runsPath):
		x.showRun(strings.TrimPrefix(path, runsPath))
	case strings.HasPrefix(path, askPath) && x.site.options.Ask != nil:
		x.site.options.Ask.ServeHTTP(x.w, x.r)
	case path == loginPath && x.site.options.Login != nil:
		x.site.options.Login.ServeHTTP(x.w, x.r)
	default:
		x.refuse(problem.New(http.StatusNotFound, call.CodeNotFound, "there is nothing at %s; paths under /_/ belong to the server", path))
	}
}

// probe answers a health check. What is wrong is said at the admin origin.
func (x *exchange) probe(check func() error) {
	h := x.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if check != nil && check() != nil {
		x.w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = x.w.Write([]byte("not ready: the server takes no new work; its log says why, and so does /readyz on the admin origin\n"))
		return
	}
	_, _ = x.w.Write([]byte("ok\n"))
}
