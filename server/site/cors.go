// CORS: which pages of other origins may call a script, so that scripts do not
// have to answer preflights themselves.

package site

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"reprise/runtime/call"
)

// cors is a script's CORS config, ready for use.
type cors struct {
	any         bool
	origins     []string
	headers     string // empty: what the browser asks for
	methods     string // empty: the one that the browser asks for
	credentials bool
	maxAge      string
}

func newCORS(c *CORS, methods []string) (*cors, *call.Error) {
	if c == nil {
		return nil, nil
	}
	out := &cors{
		any:         len(c.Origins) == 0 || slices.Contains(c.Origins, "*"),
		headers:     strings.Join(c.Headers, ", "),
		methods:     strings.Join(orList(c.Methods, methods), ", "),
		credentials: c.Credentials,
	}
	if out.any && c.Credentials {
		return nil, call.Errorf(call.CodeConfig, "config.http.cors allows credentials to any origin; list the origins that may send them")
	}
	for _, o := range c.Origins {
		origin, ok := normalOrigin(o)
		if !ok && o != "*" {
			return nil, call.Errorf(call.CodeConfig, "config.http.cors origin %q is not an origin; write it like https://app.example.com", o)
		}
		out.origins = append(out.origins, origin)
	}
	for _, name := range c.Headers {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, call.Errorf(call.CodeConfig, "config.http.cors names %q, which is not a header", name)
		}
	}
	if c.MaxAge > 0 {
		out.maxAge = strconv.FormatInt(int64(c.MaxAge.Seconds()), 10)
	}
	return out, nil
}

// normalOrigin returns scheme://host[:port] in lower case.
func normalOrigin(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
		return "", false
	}
	return strings.ToLower(u.Scheme + "://" + u.Host), true
}

// allow writes the headers that let the page at origin read the answer.
func (c *cors) allow(h http.Header, origin string) bool {
	if !c.any || c.credentials {
		h.Add("Vary", "Origin")
	}
	switch {
	case origin == "":
		return false
	case c.any:
		h.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(c.origins, strings.ToLower(origin)):
		h.Set("Access-Control-Allow-Origin", origin)
	default:
		return false
	}
	if c.credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	return true
}

// preflightMethod returns the method a browser asks for before it sends the
// request itself; empty if r is not such a question.
func preflightMethod(r *http.Request) string {
	if r.Method != http.MethodOptions || r.Header.Get("Origin") == "" {
		return ""
	}
	return r.Header.Get("Access-Control-Request-Method")
}

// preflight answers the question.
func (c *cors) preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	// A page that is not allowed gets an answer without permission: the browser
	// tells its author, in the console, what was missing.
	if c.allow(h, r.Header.Get("Origin")) {
		h.Set("Access-Control-Allow-Methods", orElse(c.methods, r.Header.Get("Access-Control-Request-Method")))
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", orElse(c.headers, asked))
		}
		if c.maxAge != "" {
			h.Set("Access-Control-Max-Age", c.maxAge)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func orList(list, otherwise []string) []string {
	if len(list) > 0 {
		return list
	}
	return otherwise
}

func orElse(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
