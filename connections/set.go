package connections

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"reprise/runtime/call"
)

// Self is the connection to this server's own script origin.
const Self = "self"

// Upstream is an API that scripts call by name.
type Upstream struct {
	Name    string
	BaseURL string // absolute, without query: "https://api.example.com/v2"
}

// Set holds the upstreams by name. It is safe for concurrent use.
type Set struct {
	mu     sync.RWMutex
	byName map[string]string // the base URL without a slash at its end; empty while unknown
}

// NewSet makes a set of upstreams and the built-in self, whose base URL is
// unknown until SetSelf.
func NewSet(upstreams ...Upstream) (*Set, error) {
	s := &Set{byName: map[string]string{Self: ""}}
	for _, u := range upstreams {
		if _, taken := s.byName[u.Name]; taken {
			return nil, fmt.Errorf("connections: there are two connections named %q; %q is the server itself", u.Name, Self)
		}
		base, err := baseURL(u.BaseURL)
		if err != nil {
			return nil, fmt.Errorf("connections: %s: %w", u.Name, err)
		}
		s.byName[u.Name] = base
	}
	return s, nil
}

// SetSelf says where the server's own script origin is.
func (s *Set) SetSelf(origin string) error {
	base, err := baseURL(origin)
	if err != nil {
		return fmt.Errorf("connections: %s: %w", Self, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byName[Self] = base
	return nil
}

// IsSelf reports whether u is at the server's own script origin.
func (s *Set) IsSelf(u *url.URL) bool {
	if s == nil {
		return false
	}
	s.mu.RLock()
	base := s.byName[Self]
	s.mu.RUnlock()
	origin, isHTTP := strings.CutPrefix(base, u.Scheme+"://")
	return isHTTP && strings.EqualFold(origin, u.Host)
}

func baseURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("the base URL %q is not an absolute http or https URL", text)
	case u.User != nil:
		return "", fmt.Errorf("the base URL of %s holds credentials; they belong into a secret", u.Host)
	case u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("the base URL %q has a query or a fragment; put them into the calls", text)
	}
	return strings.TrimRight(text, "/"), nil
}

// Names returns the names of all connections, sorted.
func (s *Set) Names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]string, 0, len(s.byName))
	for name := range s.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Resolve returns the URL of path at the named connection. The path can not
// leave what is below the base URL; an absolute URL must be below it already,
// as the links of a paged API are. Errors are *call.Error.
func (s *Set) Resolve(name, path string) (string, error) {
	s.mu.RLock()
	base, ok := s.byName[name]
	s.mu.RUnlock()
	switch {
	case !ok:
		return "", call.Errorf(call.CodeNotFound, "there is no connection %q; there are %s", name, strings.Join(s.Names(), ", "))
	case base == "":
		return "", call.Errorf(call.CodeUnavailable, "the connection %q is not ready: the server is not listening yet", name)
	case climbs(path):
		return "", call.Errorf(call.CodeInvalidArgument, "the path %q holds a .. segment; paths of a connection stay below its base URL", Redact(path))
	}
	if !strings.HasPrefix(path, "http://") && !strings.HasPrefix(path, "https://") {
		return base + "/" + strings.TrimLeft(path, "/"), nil
	}
	if rest, ok := strings.CutPrefix(path, base); !ok || rest != "" && !strings.ContainsRune("/?#", rune(rest[0])) {
		return "", call.Errorf(call.CodeInvalidArgument, "%q is not below %s, the base URL of the connection %q; use reprise:http for other hosts", Redact(shown(path)), base, name)
	}
	return path, nil
}

// shown is a URL for messages, without its query and fragment.
func shown(text string) string {
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		return text[:i]
	}
	return text
}

// climbs reports whether a path has a segment that servers read as "up".
func climbs(path string) bool {
	path = shown(path)
	if !strings.Contains(path, "..") && !strings.ContainsAny(path, `%\`) {
		return false
	}
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		plain, err := url.PathUnescape(segment)
		if err == nil && (plain == ".." || strings.HasPrefix(plain, "../") || strings.HasPrefix(plain, `..\`) ||
			strings.Contains(plain, "/..") || strings.Contains(plain, `\..`)) {
			return true
		}
	}
	return false
}
