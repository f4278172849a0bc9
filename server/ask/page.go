package ask

import (
	"bytes"
	"crypto/rand"
	_ "embed" // the page and its style
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"reprise/server/problem"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// parsePage makes the template. It is small, and asked for by people.
func parsePage() (*template.Template, error) { return template.New("page").Parse(pageHTML) }

// page is what the template shows: a form, or a message.
type page struct {
	Nonce string
	CSS   template.CSS
	// Tone is "ask", "done", "closed" or "wrong".
	Tone  string
	Title string
	Lead  string
	Hint  string

	Form    *field
	General []string
	Wrong   []*field // with something wrong

	Script, Run string
	Until       string
	UntilISO    string
}

// formPage shows the question.
func (x *exchange) formPage(q *question) page {
	p := page{
		Tone: "ask", Title: x.form.Title, Lead: x.form.Description, Form: q.root,
		General: q.general, Wrong: q.root.all(), Script: x.form.Script, Run: x.form.Run,
	}
	if p.Title == "" {
		p.Title = "A question"
	}
	if u := x.form.Until; u != nil {
		p.Until, p.UntilISO = moment(*u), u.UTC().Format(time.RFC3339)
	}
	return p
}

// thanks is shown when an answer was taken.
func (x *exchange) thanks() page {
	return page{
		Tone: "done", Title: "Thank you", Lead: "Your answer has arrived, and the run goes on with it.",
		Hint: "You can close this page.", Script: x.form.Script, Run: x.form.Run,
	}
}

// messagePage says in words for people what a problem says.
func messagePage(p *problem.Problem) page {
	out := page{Tone: "wrong", Title: "Something went wrong", Lead: sentenceCase(p.Detail), Hint: p.Hint}
	switch p.Status {
	case http.StatusNotFound:
		out.Title = "There is no such question"
	case http.StatusGone:
		out.Tone, out.Title = "closed", "This question is closed"
	case http.StatusConflict:
		out.Tone, out.Title = "closed", "This question is closed"
		out.Hint = "If you have just sent your answer twice, the first one has arrived."
	case http.StatusServiceUnavailable:
		out.Title = "Not now"
	}
	return out
}

// sentenceCase makes a sentence of a problem's detail.
func sentenceCase(s string) string {
	if s == "" {
		return s
	}
	if c := s[0]; c >= 'a' && c <= 'z' {
		s = string(c-'a'+'A') + s[1:]
	}
	if last := s[len(s)-1]; last != '.' && last != '!' && last != '?' {
		s += "."
	}
	return s
}

// page sends a page. Only its own style is allowed to it, and its form leads to
// this server.
func (x *exchange) page(status int, p page) {
	nonce := make([]byte, 16)
	// It never fails since Go 1.24.
	_, _ = rand.Read(nonce)
	p.Nonce, p.CSS = base64.RawURLEncoding.EncodeToString(nonce), template.CSS(pageCSS)
	var b bytes.Buffer
	if err := x.template.Execute(&b, p); err != nil {
		panic("ask: the page: " + err.Error())
	}
	h := x.w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+p.Nonce+"'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		// The only error is a client that went away.
		_, _ = x.w.Write(b.Bytes())
	}
}
