// The schema of a config: closed, so that a misspelt key is an error with its
// line and not a setting that quietly does nothing.

package script

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"reprise/runtime/call"
)

// schema reads a literal into a Config and collects everything that is wrong.
type schema struct {
	script   string      // its name
	most     call.Limits // that it may ask for
	problems []Problem
}

func parseConfig(script string, l *literal, most call.Limits) (Config, []Problem) {
	s := &schema{script: script, most: most.OrDefaults()}
	c := Config{literal: l}
	if l == nil {
		return c, nil
	}
	s.object(l, "config", func(key string, v *literal) bool {
		switch key {
		case "description":
			c.Description = s.text(v, key)
		case "timeout":
			c.Timeout = s.timeout(v)
		case "isolation":
			c.Isolation = Isolation(s.oneOf(v, key, string(IsolationReuse), string(IsolationFresh)))
		case "connections":
			c.Connections = s.connections(v)
		case "http":
			c.HTTP = s.http(v)
		case "webhook":
			c.Webhook = s.webhook(v)
		case "limits":
			c.Limits = s.limits(v)
		case "egress":
			c.Egress = s.egress(v)
		default:
			return s.durable(&c, key, v)
		}
		return true
	}, append([]string{"description", "timeout", "isolation", "connections", "http", "webhook", "limits", "egress"}, durableKeys...)...)
	var raw strings.Builder
	l.json(&raw)
	c.Raw = json.RawMessage(raw.String())
	return c, s.problems
}

func (s *schema) fail(l *literal, format string, args ...any) {
	s.problems = append(s.problems, l.problem(format, args...))
}

// object calls set for every field; set says whether it knows the key.
func (s *schema) object(l *literal, name string, set func(key string, v *literal) bool, known ...string) {
	if l.kind != objectLiteral {
		s.fail(l, "%s must be an object, not %s", name, l.kind)
		return
	}
	for _, f := range l.fields {
		if set(f.key.text, f.value) {
			continue
		}
		text := fmt.Sprintf("%s has no %q", name, f.key.text)
		if near := call.Nearest(f.key.text, known); near != "" {
			text += fmt.Sprintf("; did you mean %q?", near)
		} else {
			text += "; it can have " + strings.Join(known, ", ")
		}
		s.fail(f.key, "%s", text)
	}
}

func (s *schema) text(l *literal, name string) string {
	if l.kind != stringLiteral {
		s.fail(l, "%s must be a string, not %s", name, l.kind)
	}
	return l.text
}

func (s *schema) oneOf(l *literal, name string, values ...string) string {
	if l.kind == stringLiteral && slices.Contains(values, l.text) {
		return l.text
	}
	got := l.kind.String()
	if l.kind == stringLiteral {
		got = fmt.Sprintf("%q", l.text)
	}
	s.fail(l, "%s must be %s, not %s", name, quoteAll(values), got)
	return ""
}

func quoteAll(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// list reads an array of strings, or where single is set, one string.
func (s *schema) list(l *literal, name string, single bool, each func(*literal) string) []string {
	items := l.items
	switch {
	case single && l.kind == stringLiteral:
		items = []*literal{l}
	case l.kind != arrayLiteral && single:
		s.fail(l, "%s must be a string or an array of strings, not %s", name, l.kind)
	case l.kind != arrayLiteral:
		s.fail(l, "%s must be an array of strings, not %s", name, l.kind)
	}
	var out []string
	for _, item := range items {
		if item.kind != stringLiteral {
			s.fail(item, "%s must hold strings only, not %s", name, item.kind)
			continue
		}
		text := each(item)
		if slices.Contains(out, text) {
			s.fail(item, "%s has %q twice", name, text)
		}
		out = append(out, text)
	}
	return out
}

func (s *schema) duration(l *literal, name string) (time.Duration, bool) {
	var d time.Duration
	var err error
	switch l.kind {
	case stringLiteral:
		d, err = call.ParseDuration(l.text)
	case numberLiteral:
		d, err = call.MillisDuration(l.number)
	default:
		err = fmt.Errorf("it must be a duration such as \"30s\", or a number of milliseconds, not %s", l.kind)
	}
	if err != nil {
		s.fail(l, "%s: %s", name, err)
		return 0, false
	}
	return d, true
}

func (s *schema) timeout(l *literal) Duration {
	d, ok := s.duration(l, "timeout")
	switch {
	case ok && d <= 0:
		s.fail(l, "timeout must be more than 0")
	case d > MaxTimeout:
		s.fail(l, "timeout can be 15 minutes at most, not %s; do longer work in a run handler", d)
	}
	return Duration(d)
}

var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func (s *schema) connections(l *literal) []string {
	return s.list(l, "connections", false, func(item *literal) string {
		if !namePattern.MatchString(item.text) {
			s.fail(item, "%q can not be the name of a connection: letters, digits, _ and - only, a letter first", item.text)
		}
		return item.text
	})
}

func (s *schema) http(l *literal) *HTTP {
	h := &HTTP{}
	s.object(l, "config.http", func(key string, v *literal) bool {
		switch key {
		case "path":
			h.Path = s.path(v)
		case "method":
			h.Method = s.list(v, key, true, s.method)
		case "cors":
			h.CORS = s.cors(v)
		case "auth":
			h.Auth = s.auth(v)
		case "respond":
			h.Respond = Respond(s.oneOf(v, key, string(RespondAccepted), string(RespondResult)))
		default:
			return false
		}
		return true
	}, "path", "method", "cors", "auth", "respond")
	return h
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func (s *schema) method(l *literal) string {
	m := strings.ToUpper(l.text)
	if !slices.Contains(methods, m) {
		s.fail(l, "there is no HTTP method %q; there are %s", l.text, strings.Join(methods, ", "))
	}
	return m
}

// path checks a route such as /orders/:id/files/*.
func (s *schema) path(l *literal) string {
	path := s.text(l, "path")
	if l.kind != stringLiteral {
		return ""
	}
	if message := badPath(path); message != "" {
		s.fail(l, "path %q %s", path, message)
	}
	return path
}

var parameterPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func badPath(path string) string {
	switch {
	case !strings.HasPrefix(path, "/"):
		return `must begin with "/"`
	case path == "/_" || strings.HasPrefix(path, "/_/"):
		return `is not free: what begins with "/_/" belongs to the server`
	case strings.ContainsAny(path, "?# \t\n\\"):
		return "must be a path alone, without query, fragment, space or backslash"
	case path == "/":
		return ""
	}
	seen := map[string]bool{}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		name, parameter := strings.CutPrefix(segment, ":")
		switch {
		case segment == "" && i < len(segments)-1:
			return `has an empty part ("//")`
		case segment == "." || segment == "..":
			return fmt.Sprintf("has a part %q, which browsers resolve before they ask", segment)
		case segment == "*" && i == len(segments)-1:
		case strings.Contains(segment, "*"):
			return `can have a "*" only as its whole last part`
		case parameter && !parameterPattern.MatchString(name):
			return fmt.Sprintf("has a parameter %q; a name has letters, digits and _", segment)
		case parameter && seen[name]:
			return fmt.Sprintf("has the parameter %q twice", segment)
		case strings.Contains(name, ":"):
			return fmt.Sprintf("has a part %q; a parameter is a whole part, such as /:id", segment)
		}
		seen[name] = seen[name] || parameter
	}
	return ""
}

func (s *schema) cors(l *literal) *CORS {
	switch l.kind {
	case boolLiteral:
		if l.truth {
			return &CORS{Origins: []string{"*"}}
		}
		s.fail(l, "cors can not be false; leave it out")
		return nil
	case stringLiteral, arrayLiteral:
		return &CORS{Origins: s.origins(l)}
	case objectLiteral:
		return s.corsObject(l)
	}
	s.fail(l, "cors must be true, an origin, an array of origins or an object, not %s", l.kind)
	return nil
}

func (s *schema) corsObject(l *literal) *CORS {
	c := &CORS{}
	s.object(l, "config.http.cors", func(key string, v *literal) bool {
		switch key {
		case "origins":
			c.Origins = s.origins(v)
		case "methods":
			c.Methods = s.list(v, key, true, s.method)
		case "headers":
			c.Headers = s.list(v, key, true, func(item *literal) string { return item.text })
		case "credentials":
			if v.kind != boolLiteral {
				s.fail(v, "credentials must be true or false, not %s", v.kind)
			}
			c.Credentials = v.truth
		case "maxAge":
			d, _ := s.duration(v, key)
			c.MaxAge = Duration(d)
		default:
			return false
		}
		return true
	}, "origins", "methods", "headers", "credentials", "maxAge")
	if len(c.Origins) == 0 && l.get("origins") == nil {
		c.Origins = []string{"*"}
	}
	if c.Credentials && slices.Contains(c.Origins, "*") {
		s.fail(l.get("credentials"), "credentials can not be allowed to every origin; list the origins")
	}
	return c
}

var originPattern = regexp.MustCompile(`^https?://[^/?#\s]+$`)

func (s *schema) origins(l *literal) []string {
	return s.list(l, "origins", true, func(item *literal) string {
		if item.text != "*" && !originPattern.MatchString(item.text) {
			s.fail(item, "%q is not an origin: write \"https://example.com\", without a path, or \"*\"", item.text)
		}
		return strings.ToLower(item.text)
	})
}

var secretPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (s *schema) auth(l *literal) *Auth {
	if l.kind == stringLiteral && l.text == "none" {
		return &Auth{}
	}
	if l.kind != objectLiteral {
		s.fail(l, "auth must be \"none\" or { token: \"SECRET_NAME\" }, not %s", l.kind)
		return nil
	}
	a := &Auth{}
	s.object(l, "config.http.auth", func(key string, v *literal) bool {
		if key != "token" {
			return false
		}
		a.Token = s.text(v, key)
		if v.kind == stringLiteral && !secretPattern.MatchString(a.Token) {
			s.fail(v, "token must be the name of a secret, such as \"WEBHOOK_TOKEN\", and never the secret itself")
		}
		return true
	}, "token")
	if l.get("token") == nil {
		s.fail(l, "auth must name the secret that callers present: { token: \"SECRET_NAME\" }")
	}
	return a
}
