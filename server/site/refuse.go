// What is answered when no script answers.

package site

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/problem"
)

// shownRoutes is how many routes a hint lists.
const shownRoutes = 30

// refuse answers with a problem, and says so in the log and the metrics.
func (x *exchange) refuse(p *problem.Problem) {
	if x.site.options.Meter != nil {
		x.site.options.Meter.RequestEnded(x.script, p.Status, time.Since(x.began))
	}
	x.emit(p.Status, p.Detail, p.Run)
	p.Write(x.w)
}

// emit writes an entry about a request that no script has answered.
func (x *exchange) emit(status int, why, run string) {
	if x.site.options.Log == nil {
		return
	}
	fields, err := call.Encode(map[string]any{
		"method": x.r.Method, "url": x.r.URL.Path, "status": status, "durMs": time.Since(x.began).Milliseconds(),
	})
	if err != nil {
		panic("site: strings and numbers are JSON: " + err.Error())
	}
	level := logs.Warn
	if status >= 500 {
		level = logs.Error
	}
	x.site.options.Log.Emit(logs.Entry{
		Level: level, Kind: logs.KindRequest, Script: x.script, Run: run, Fields: fields,
		Msg: fmt.Sprintf("%s %s → %d: %s", x.r.Method, x.r.URL.Path, status, why),
	})
}

// notFound says that nothing answers, and in development what to do.
func (s *Site) notFound(t *table, r *http.Request) *problem.Problem {
	p := problem.New(http.StatusNotFound, call.CodeNotFound, "nothing answers %s %s", r.Method, r.URL.Path).WithHint("")
	if !s.options.Dev {
		return p
	}
	if silent := t.silentScript(r.URL.Path); silent != nil {
		p.Detail = fmt.Sprintf("the script %s (%s) has no fetch handler, so nothing answers %s %s; it exports %s",
			silent.Name, silent.File, r.Method, r.URL.Path, strings.Join(silent.Handlers, ", "))
		p.Hint = "Add a fetch handler: export default { fetch(request, env, ctx) { … } }. A run is started with POST /api/v1/runs on the admin origin, or here where config.http says so."
		return p
	}
	if file := s.fileFor(r.URL.Path); file != "" {
		p.Hint = fmt.Sprintf("Create %s with: export default { fetch(request) { return new Response(\"hello\") } }. ", file)
	}
	p.Hint += t.listing()
	return p
}

// listing names the routes there are.
func (t *table) listing() string {
	if len(t.routes) == 0 {
		return "There are no routes yet."
	}
	var b strings.Builder
	b.WriteString("These routes exist: ")
	for i, r := range t.routes {
		if i == shownRoutes {
			fmt.Fprintf(&b, " and %d more", len(t.routes)-shownRoutes)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(r.String() + " (" + r.source.File + ")")
	}
	return b.String() + "."
}

// fileFor returns the file that would answer a path, or "" where none can.
func (s *Site) fileFor(urlPath string) string {
	name := strings.Trim(urlPath, "/")
	if name == "" {
		name = "index"
	}
	for seg := range strings.SplitSeq(name, "/") {
		odd := strings.ContainsFunc(seg, func(r rune) bool {
			return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		})
		if seg == "" || seg == "node_modules" || strings.HasPrefix(seg, "_") || odd {
			return ""
		}
	}
	return path.Join(s.options.Folder, name+".ts")
}

// broken says that a script has never loaded, and in development why.
func (s *Site) broken(source *RouteSource) *problem.Problem {
	if !s.options.Dev || source.Err == nil {
		return problem.New(http.StatusServiceUnavailable, call.CodeUnavailable, "the script of this route can not be loaded").WithHint("")
	}
	p := problem.New(http.StatusServiceUnavailable, call.Code(codeOf(source.Err)),
		"the script %s (%s) can not be loaded: %s", source.Name, source.File, source.Err)
	p.Stack = source.Err.Stack
	return p.WithHint("Fix the file; it is loaded again when you save it.")
}

// failure makes the answer to a request whose script failed.
func (s *Site) failure(err *call.Error, run string) *problem.Problem {
	code := codeOf(err)
	status := runtime.FailureStatus(err, run)
	p := &problem.Problem{
		Type: "urn:reprise:error:" + code, Title: "The script failed.", Status: status, Code: code, Run: run,
		Detail: "the script failed; the log of the run says more",
	}
	switch {
	case run == "":
		p.Title, p.Detail = http.StatusText(status), "the request could not be taken"
		if status == http.StatusNotFound {
			p.Detail = "nothing answers here any more"
		}
	case status == http.StatusTooManyRequests || err.Code == string(call.CodeWorkerLost):
		p.Title, p.Detail = "Try again.", "the request could not be answered now"
	case status == http.StatusGatewayTimeout:
		p.Title, p.Detail = "The script took too long.", "the script did not answer in time"
	}
	if !s.options.Dev {
		return p
	}
	p.Detail, p.Stack = err.Error(), err.Stack
	if d, ok := call.Code(err.Code).Describe(); ok {
		p.Hint = d.Hint
	}
	return p
}

// codeOf returns the error's code; errors of the language, which have none, get
// the one that their name makes: TypeError is TYPE_ERROR. A script can give its
// errors any code; one that does not look like a code is not repeated.
func codeOf(err *call.Error) string {
	if looksLikeCode(err.Code) {
		return err.Code
	}
	var b strings.Builder
	lower := false
	for _, r := range err.Name {
		if unicode.IsUpper(r) && lower {
			b.WriteByte('_')
		}
		lower = unicode.IsLower(r)
		b.WriteRune(unicode.ToUpper(r))
	}
	if !looksLikeCode(b.String()) {
		return "ERROR"
	}
	return b.String()
}

func looksLikeCode(s string) bool {
	const longest = 64
	return s != "" && len(s) <= longest && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
}
