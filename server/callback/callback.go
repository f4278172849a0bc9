package callback

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed" // the page
	"errors"
	"html/template"
	"net/http"
	"strconv"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/runtime/call"
	"reprise/server/problem"
)

// Path is where the page is, on the script origin.
const Path = "/_/oauth/callback"

// maxQuery is the longest query that is looked at: codes have some hundred bytes,
// and a few providers send tokens of 4 KB as such.
const maxQuery = 16 << 10

//go:embed page.html
var pageHTML string

// Logins takes what providers send. *logins.Logins is one. Errors are *call.Error
// or *connections.GrantError; a FORBIDDEN_ERROR without a name is a state that
// nobody was given.
type Logins interface {
	Callback(ctx context.Context, a logins.Answer) (connection string, err error)
}

// Options are what the page is made with.
type Options struct {
	Logins Logins
}

type handler struct {
	Options
	template *template.Template
}

// New returns the handler of Path.
func New(o Options) http.Handler {
	return &handler{o, template.Must(template.New("page").Parse(pageHTML))}
}

// page is what is shown.
type page struct {
	Nonce             string
	Done              bool
	Title, Lead, Hint string
}

// ServeHTTP answers one request. Only GET uses a login up: whatever looks ahead
// at links with HEAD does not.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		h.show(w, http.StatusMethodNotAllowed, page{Title: "Not like this", Lead: "A login comes back here with GET."})
		return
	}
	if len(r.URL.RawQuery) > maxQuery {
		h.show(w, http.StatusRequestURITooLong, page{Title: "Not like this", Lead: "What the provider has sent is too long."})
		return
	}
	q := r.URL.Query()
	name, err := h.Logins.Callback(r.Context(), logins.Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Description: q.Get("error_description")})
	switch {
	case err == nil:
		h.show(w, http.StatusOK, page{Done: true, Title: name + " is authorized", Lead: "The login has worked. Scripts can use the connection now.", Hint: "You can close this page."})
	case name == "":
		h.show(w, statusOf(err), page{
			Title: "This login is not known", Lead: "It was used already, is older than ten minutes, or is from before the server was started.",
			Hint: "Begin another one, with: reprise connections login NAME",
		})
	default:
		h.show(w, statusOf(err), page{Title: "The login for " + name + " has failed", Lead: sentence(err), Hint: "To try again: reprise connections login " + name})
	}
}

func statusOf(err error) int {
	if _, ok := errors.AsType[*connections.GrantError](err); ok {
		return http.StatusBadGateway
	}
	return problem.StatusOf(call.CodeOf(err))
}

// sentence is what is told of an error: of one that is not ours, only that it
// happened.
func sentence(err error) string {
	text := problem.Of(err).Detail
	if refused, ok := errors.AsType[*connections.GrantError](err); ok {
		text = refused.Error()
	}
	if c := text[0]; c >= 'a' && c <= 'z' {
		text = string(c-'a'+'A') + text[1:]
	}
	return text + "."
}

// show sends the page. Only its own style is allowed to it.
func (h *handler) show(w http.ResponseWriter, status int, p page) {
	p.Nonce = rand.Text()
	var b bytes.Buffer
	if err := h.template.Execute(&b, p); err != nil {
		panic("callback: the page: " + err.Error())
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // the URL has the code
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Robots-Tag", "noindex")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+p.Nonce+"'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	// The only error is a client that went away.
	_, _ = w.Write(b.Bytes())
}
