package connections

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"

	"reprise/connections/cache"
	"reprise/runtime/call"
)

// Self is the connection to this server's own script origin.
const Self = "self"

// Set holds the upstreams by name. It is safe for concurrent use.
type Set struct {
	mu       sync.RWMutex
	byName   map[string]*upstream // guarded by mu; what is in it does not change
	observer *Observer            // of all gates
}

// upstream is an Upstream in use.
type upstream struct {
	Upstream
	base string   // the base URL without a slash at its end; empty while unknown
	home *url.URL // the same, read; nil while unknown
	gate *gate
	kept *cache.Cache // nil: none
}

// NewSet makes a set of upstreams and the built-in self, whose base URL is
// unknown until SetSelf.
func NewSet(upstreams ...Upstream) (*Set, error) {
	s := &Set{observer: &Observer{}, byName: map[string]*upstream{Self: {Upstream: Upstream{Name: Self}, gate: selfGate()}}}
	return s, s.Replace(upstreams...)
}

// Replace has the set hold these upstreams, and self, from now on. Calls that are
// under way end as they began. One whose limits stay the same goes on counting.
func (s *Set) Replace(upstreams ...Upstream) error {
	next := make(map[string]*upstream, len(upstreams)+1)
	for _, u := range upstreams {
		if _, taken := next[u.Name]; taken || u.Name == Self {
			return fmt.Errorf("connections: there are two connections named %q; %q is the server itself", u.Name, Self)
		}
		if err := u.check(); err != nil {
			return fmt.Errorf("connections: %s: %w", u.Name, err)
		}
		base, _ := baseURL(u.BaseURL) // it has been checked
		home, _ := url.Parse(base)
		next[u.Name] = &upstream{Upstream: u, base: base, home: home, gate: newGate(&u, s.observer), kept: newCache(&u)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, u := range next {
		if old := s.byName[name]; old != nil && old.Concurrency == u.Concurrency && reflect.DeepEqual(old.Rate, u.Rate) && reflect.DeepEqual(old.Breaker, u.Breaker) && reflect.DeepEqual(old.RetryBudget, u.RetryBudget) {
			u.gate = old.gate
		}
		if old := s.byName[name]; old != nil && old.answersAs(u) {
			u.kept = old.kept
		}
	}
	next[Self] = s.byName[Self]
	s.byName = next
	return nil
}

func newCache(u *Upstream) *cache.Cache {
	if u.Cache == nil {
		return nil
	}
	return cache.New(*u.Cache)
}

// answersAs reports whether what one has answered the other would have: the same
// API asked by the same user, and kept by the same rules.
func (u *upstream) answersAs(v *upstream) bool {
	return u.base == v.base && reflect.DeepEqual(u.Auth, v.Auth) && reflect.DeepEqual(u.Headers, v.Headers) && reflect.DeepEqual(u.Query, v.Query) &&
		reflect.DeepEqual(u.TLS, v.TLS) && reflect.DeepEqual(u.Cache, v.Cache)
}

// Cache is what the named upstream has answered; nil if nothing is kept.
func (s *Set) Cache(name string) *cache.Cache {
	if u := s.get(name); u != nil {
		return u.kept
	}
	return nil
}

// Cached tells the observer how a call to an upstream with a cache was answered.
func (s *Set) Cached(name, result string) {
	if g := s.gateOf(name); g != nil && g.observer != nil && g.observer.Cached != nil {
		g.observer.Cached(name, result)
	}
}

// SetSelf says where the server's own script origin is.
func (s *Set) SetSelf(origin string) error {
	base, err := baseURL(origin)
	if err != nil {
		return fmt.Errorf("connections: %s: %w", Self, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(s.byName)
	next[Self] = &upstream{Upstream: Upstream{Name: Self, BaseURL: origin}, base: base, gate: selfGate()}
	s.byName = next
	return nil
}

// IsSelf reports whether u is at the server's own script origin.
func (s *Set) IsSelf(u *url.URL) bool {
	if s == nil {
		return false
	}
	origin, isHTTP := strings.CutPrefix(s.get(Self).base, u.Scheme+"://")
	return isHTTP && strings.EqualFold(origin, u.Host)
}

// get returns an upstream, or nil.
func (s *Set) get(name string) *upstream {
	if s == nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byName[name]
}

// Get returns what is said of an upstream. It must not be changed.
func (s *Set) Get(name string) (*Upstream, bool) {
	u := s.get(name)
	if u == nil {
		return nil, false
	}
	return &u.Upstream, true
}

// Observe has o told of requests. It is called before there are any.
func (s *Set) Observe(o Observer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.observer = o
}

// Enter waits until a request to an upstream may be sent. The error is ctx's, or
// a CIRCUIT_OPEN_ERROR. A request to no upstream of the set has no Passage, and
// neither has one to self: the server has limits of its own, for each script, and
// a 429 of one must not hold up the calls of all.
func (s *Set) Enter(ctx context.Context, name string) (*Passage, error) {
	u := s.get(name)
	if u == nil || name == Self {
		return nil, nil
	}
	return u.gate.enter(ctx)
}

// selfGate is one that nothing passes: see Enter.
func selfGate() *gate { return &gate{name: Self, throttle: &throttle{}} }

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
// as the links of a paged API are, or at a host that the connection allows.
// Errors are *call.Error.
func (s *Set) Resolve(name, path string) (string, error) {
	u := s.get(name)
	if u == nil {
		return "", call.Errorf(call.CodeNotFound, "there is no connection %q; there are %s", name, strings.Join(s.Names(), ", "))
	}
	base := u.base
	switch {
	case u.Broken != "":
		return "", call.Errorf(call.CodeUnavailable, "nothing was sent: the connection %s can not be used: %s", name, u.Broken)
	case base == "":
		return "", call.Errorf(call.CodeUnavailable, "the connection %q is not ready: the server is not listening yet", name)
	case climbs(path):
		return "", call.Errorf(call.CodeInvalidArgument, "the path %q holds a .. segment; paths of a connection stay below its base URL", Redact(path))
	}
	if !strings.HasPrefix(path, "http://") && !strings.HasPrefix(path, "https://") {
		return base + "/" + strings.TrimLeft(path, "/"), nil
	}
	if to, err := url.Parse(shown(path)); err == nil && !u.atHome(to) && u.allows(to) {
		return path, nil
	}
	if rest, ok := strings.CutPrefix(path, base); !ok || rest != "" && !strings.ContainsRune("/?#", rune(rest[0])) {
		return "", call.Errorf(call.CodeInvalidArgument, "%q is not below %s, the base URL of the connection %q; use reprise:http for other hosts, or have the connection allow this one", Redact(shown(path)), base, name)
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
