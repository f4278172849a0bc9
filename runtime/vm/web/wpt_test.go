package web

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The URL vectors that browsers share. What fails must be exactly what
// testdata/wpt-url-failures.txt lists, each with its reason.
func TestWPT(t *testing.T) {
	var failures []string
	failures = append(failures, parseVectors(t)...)
	failures = append(failures, setterVectors(t)...)
	failures = append(failures, asciiVectors(t)...)
	slices.Sort(failures)
	failures = slices.Compact(failures)
	want := knownFailures(t)
	if diff := cmp.Diff(want, failures); diff != "" {
		t.Errorf("failures differ from the list (-listed +found):\n%s", diff)
	}
}

func knownFailures(t *testing.T) (list []string) {
	text, err := os.ReadFile("testdata/wpt-url-failures.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, "  # ")
		if !ok || reason == "" {
			t.Errorf("no reason is given for %s", line)
		}
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// vectors reads a file of cases; the strings between them are comments.
func vectors[T any](t *testing.T, name string) (list []T) {
	text, err := os.ReadFile("testdata/wpt-url/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	for _, r := range raw {
		if r[0] != '{' {
			continue
		}
		var c T
		if err := json.Unmarshal(r, &c); err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

type parseVector struct {
	Input    string
	Base     *string
	Failure  bool
	Href     string
	Origin   *string
	Protocol string
	Username string
	Password string
	Host     string
	Hostname string
	Port     string
	Pathname string
	Search   string
	Hash     string
}

func parseVectors(t *testing.T) (failures []string) {
	list := vectors[parseVector](t, "urltestdata.json")
	if len(list) < 800 {
		t.Fatalf("only %d vectors", len(list))
	}
	for _, c := range list {
		base := ""
		var u *urlRecord
		var err error
		if c.Base != nil {
			base = *c.Base
			u, err = parseURLWithBase(c.Input, base)
		} else {
			u, err = parseURL(c.Input)
		}
		name := fmt.Sprintf("parse %q %q", c.Input, base)
		switch {
		case c.Failure && err == nil:
			t.Logf("%s: want failure, got %q", name, u.href)
			failures = append(failures, name)
		case c.Failure:
		case err != nil:
			t.Logf("%s: want %q, got error %v", name, c.Href, err)
			failures = append(failures, name)
		default:
			got := properties(u)
			want := map[string]string{
				"href": c.Href, "protocol": c.Protocol, "username": c.Username, "password": c.Password, "host": c.Host,
				"hostname": c.Hostname, "port": c.Port, "pathname": c.Pathname, "search": c.Search, "hash": c.Hash, "origin": got["origin"],
			}
			if c.Origin != nil {
				want["origin"] = *c.Origin
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Logf("%s: %s", name, diff)
				failures = append(failures, name)
			}
		}
	}
	return failures
}

func properties(u *urlRecord) map[string]string {
	return map[string]string{
		"href": u.href, "protocol": u.scheme + ":", "username": u.user, "password": u.password, "host": u.host(),
		"hostname": u.hostname, "port": u.port, "pathname": u.path, "search": prefixed("?", u.query), "hash": prefixed("#", u.fragment),
		"origin": u.origin(),
	}
}

type setterVector struct {
	Href     string
	NewValue string `json:"new_value"`
	Expected map[string]string
}

func setterVectors(t *testing.T) (failures []string) {
	text, err := os.ReadFile("testdata/wpt-url/setters_tests.json")
	if err != nil {
		t.Fatal(err)
	}
	var groups map[string]json.RawMessage
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	for property, raw := range groups {
		if property == "comment" {
			continue
		}
		var list []setterVector
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			name := fmt.Sprintf("set %s %q %q", property, c.Href, c.NewValue)
			u, err := parseURL(c.Href)
			if err != nil {
				t.Logf("%s: the URL does not parse: %v", name, err)
				failures = append(failures, name)
				continue
			}
			if property == "href" {
				if parsed, err := parseURL(c.NewValue); err == nil {
					u = parsed
				}
			} else {
				u.set(property, c.NewValue)
			}
			got := properties(u)
			for key, want := range c.Expected {
				if got[key] != want {
					t.Logf("%s: %s = %q, want %q", name, key, got[key], want)
					failures = append(failures, name)
				}
			}
		}
	}
	return failures
}

type asciiVector struct {
	Input  string
	Output *string
}

func asciiVectors(t *testing.T) (failures []string) {
	for _, c := range vectors[asciiVector](t, "toascii.json") {
		name := fmt.Sprintf("toascii %q", c.Input)
		u, err := parseURL("https://" + c.Input + "/x")
		switch {
		case c.Output == nil && err == nil:
			t.Logf("%s: want failure, got %q", name, u.hostname)
			failures = append(failures, name)
		case c.Output == nil:
		case err != nil || u.hostname != *c.Output || u.path != "/x" || u.href != "https://"+*c.Output+"/x":
			t.Logf("%s: want %q, got %v (%v)", name, *c.Output, u, err)
			failures = append(failures, name)
		}
	}
	return failures
}

// What cut takes for normal form must be what the parser writes.
func FuzzCut(f *testing.F) {
	for _, s := range []string{"http://a/", "https://a.b:8080/x?y=z#w", "http://127.0.0.1/a", "http://1.2.3/", "http://a.0x1/", "http://a/%2e/", "http://a/.%2E", "http://-0/", "http://a.-1/", "http://a-.b/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, ok := cut(raw)
		if !ok {
			return
		}
		u, err := urlParser.Parse(raw)
		if err != nil {
			t.Fatalf("cut accepts %q, the parser says %v", raw, err)
		}
		if got := newRecord(u).parts; got != p {
			t.Fatalf("%q: cut into %+v, parsed into %+v", raw, p, got)
		}
	})
}
