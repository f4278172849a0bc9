// URLs. The parser is nlnwa/whatwg-url. Most URLs that scripts handle are in
// normal form already, and telling so takes a fiftieth of parsing: those are
// only cut into their parts, and parsed when a setter needs it.

package web

import (
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

// urlRecord is a URL taken apart.
type urlRecord struct {
	parts
	full *whatwg.Url // nil until the parser was needed
}

// parts are the components of a URL, without their delimiters.
type parts struct {
	href, scheme, user, password, hostname, port, path, query, fragment string
}

var urlParser = whatwg.NewParser()

// parseURL parses an absolute URL.
func parseURL(raw string) (*urlRecord, error) {
	if p, ok := cut(raw); ok {
		return &urlRecord{parts: p}, nil
	}
	u, err := urlParser.Parse(raw)
	if err != nil {
		return nil, err
	}
	return newRecord(u), nil
}

// parseURLWithBase parses a URL that may be relative.
func parseURLWithBase(raw, base string) (*urlRecord, error) {
	if p, ok := cut(raw); ok {
		if _, err := parseURL(base); err != nil {
			return nil, err
		}
		return &urlRecord{parts: p}, nil
	}
	u, err := urlParser.ParseRef(base, raw)
	if err != nil {
		return nil, err
	}
	return newRecord(u), nil
}

func newRecord(u *whatwg.Url) *urlRecord {
	r := &urlRecord{full: u}
	r.read()
	return r
}

// read takes the parts from the parsed form.
func (r *urlRecord) read() {
	u := r.full
	r.parts = parts{
		href: u.Href(false), scheme: u.Scheme(), user: u.Username(), password: u.Password(),
		hostname: u.Hostname(), port: u.Port(), path: u.Pathname(), query: u.Query(), fragment: u.Fragment(),
	}
}

// change applies a setter of the parser.
func (r *urlRecord) change(set func(u *whatwg.Url)) {
	if r.full == nil {
		u, err := urlParser.Parse(r.href)
		if err != nil {
			return // can not be: the parts were cut from a URL in normal form
		}
		r.full = u
	}
	set(r.full)
	r.read()
}

func (p *parts) host() string {
	if p.port == "" {
		return p.hostname
	}
	return p.hostname + ":" + p.port
}

// origin is what the same-origin rule compares.
func (p *parts) origin() string {
	switch p.scheme {
	case "http", "https", "ws", "wss", "ftp":
		return p.scheme + "://" + p.host()
	case "blob":
		if u, err := parseURL(p.path); err == nil && (u.scheme == "http" || u.scheme == "https") {
			return u.origin()
		}
	}
	return "null"
}

// prefixed returns a part with its delimiter, or nothing when it is empty.
func prefixed(delimiter, part string) string {
	if part == "" {
		return ""
	}
	return delimiter + part
}

// isCanonical reports whether raw certainly is an http(s) URL without
// credentials, in normal form.
func isCanonical(raw string) bool {
	_, ok := cut(raw)
	return ok
}

// cut takes an http(s) URL in normal form apart. ok is false for every URL
// that a parser might write in another way; it is never wrong the other way.
func cut(raw string) (p parts, ok bool) {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found || scheme != "http" && scheme != "https" {
		return p, false
	}
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		return p, false
	}
	host, tail := rest[:slash], rest[slash:]
	p = parts{href: raw, scheme: scheme, hostname: host}
	if name, port, found := strings.Cut(host, ":"); found {
		p.hostname, p.port = name, port
		if !isPlainPort(scheme, port) {
			return p, false
		}
	}
	if !isPlainHost(p.hostname) {
		return p, false
	}
	if i := strings.IndexByte(tail, '#'); i >= 0 {
		tail, p.fragment = tail[:i], tail[i+1:]
		if p.fragment == "" || !all(p.fragment, plainInFragment) {
			return p, false
		}
	}
	if i := strings.IndexByte(tail, '?'); i >= 0 {
		tail, p.query = tail[:i], tail[i+1:]
		if p.query == "" || !all(p.query, plainInQuery) {
			return p, false
		}
	}
	p.path = tail
	return p, all(tail, plainInPath) && !strings.Contains(tail, "/.") && !strings.Contains(tail, "%2")
}

// isPlainPort reports whether the port stays as it is.
func isPlainPort(scheme, port string) bool {
	if port == "" || len(port) > 5 || port[0] == '0' || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return false
	}
	n := 0
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
		n = n*10 + int(port[i]-'0')
	}
	return n <= 65535
}

// isPlainHost reports whether host is a name of plain labels, or an IPv4
// address as it is written out.
func isPlainHost(host string) bool {
	labels, numeric := 0, 0
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.HasPrefix(label, "xn--") || !all(label, plainInHost) {
			return false
		}
		if label[0] == '-' {
			return false // -0: the parser takes it for a number
		}
		labels++
		if label[0] >= '0' && label[0] <= '9' {
			numeric++
			if !isPlainByte(label) {
				return false // 0x7f, 010, 3com: leave it to the parser
			}
		}
	}
	return numeric == 0 || numeric == 4 && labels == 4
}

func isPlainByte(label string) bool {
	if len(label) > 3 || len(label) > 1 && label[0] == '0' {
		return false
	}
	n := 0
	for i := range len(label) {
		if label[i] < '0' || label[i] > '9' {
			return false
		}
		n = n*10 + int(label[i]-'0')
	}
	return n <= 255
}

// The sets of characters that a part may have and that no parser changes.
const (
	letters         = "abcdefghijklmnopqrstuvwxyz"
	digits          = "0123456789"
	plainInHost     = letters + digits + "-"
	plainInPath     = plainInHost + "ABCDEFGHIJKLMNOPQRSTUVWXYZ._~!$&()*+,;=:@/%"
	plainInQuery    = plainInPath + "?"
	plainInFragment = plainInQuery
)

func all(s, allowed string) bool {
	for i := range len(s) {
		if strings.IndexByte(allowed, s[i]) < 0 {
			return false
		}
	}
	return true
}
