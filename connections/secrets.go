package connections

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// EnvPrefix begins the environment variables that hold secrets:
// REPRISE_SECRET_STRIPE_KEY is the secret STRIPE_KEY.
const EnvPrefix = "REPRISE_SECRET_"

// SecretsIn picks the secrets out of an environment in os.Environ's form, or
// out of a .env file's lines.
func SecretsIn(environ []string) map[string]string {
	values := map[string]string{}
	for _, line := range environ {
		key, value, _ := strings.Cut(line, "=")
		if name, ok := strings.CutPrefix(key, EnvPrefix); ok && name != "" && value != "" {
			values[name] = value
		}
	}
	return values
}

// Secrets holds values that scripts can use and never see: those that were
// given to the server when it started, and those that its store keeps. The
// latter come and go at any time. It is safe for concurrent use, and what is
// changed holds for whatever is resolved from then on.
type Secrets struct {
	hosts map[string][]string // where secrets may go, whether they are set or not
	given map[string]*secret

	changing sync.Mutex // held by whoever changes now
	now      atomic.Pointer[secretSet]
}

// secretSet is all secrets at one moment. It does not change.
type secretSet struct {
	kept   map[string]*secret // those of the store, also where others win
	byName map[string]*secret // those in use
	names  []string
}

// secret is one value with where it may go and what it may look like.
type secret struct {
	name     string
	value    string
	hosts    []string        // empty: any host
	variants func() []string // see variantsOf; made when they are first needed
}

// Format keeps values out of whatever is printed.
func (s *secret) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "[secret %s]", s.name) }

// NewSecrets makes the set of values by name that were given. hosts says where a secret may be
// sent: "api.example.com", "*.example.com" (any name below), either with
// ":port"; a secret without an entry may go anywhere. It returns an error for a
// name that is not made of letters, digits and underscores, for a pattern that
// is not a host, and for hosts that are none. Hosts of a secret that is not set
// wait for it.
func NewSecrets(values map[string]string, hosts map[string][]string) (*Secrets, error) {
	s := &Secrets{hosts: map[string][]string{}, given: make(map[string]*secret, len(values))}
	for name, patterns := range hosts {
		if err := checkHosts(name, patterns); err != nil {
			return nil, err
		}
		s.hosts[name] = slices.Clone(patterns)
	}
	for name, value := range values {
		if err := s.check(name, value); err != nil {
			return nil, err
		}
		s.given[name] = s.secret(name, value)
	}
	s.use(nil)
	return s, nil
}

// check says why a value can not be a secret's.
func (s *Secrets) check(name, value string) error {
	if !ValidName(name) {
		return fmt.Errorf("connections: %q can not be the name of a secret; use letters, digits and underscores, at most %d", name, maxName)
	}
	if value == "" {
		return fmt.Errorf("connections: the secret %s is empty", name)
	}
	return nil
}

func (s *Secrets) secret(name, value string) *secret {
	return &secret{
		name: name, value: value, hosts: s.hosts[name],
		variants: sync.OnceValue(func() []string { return variantsOf(value) }),
	}
}

// checkHosts says what is wrong with a list of hosts.
func checkHosts(name string, patterns []string) error {
	for _, p := range patterns {
		if !validHost(p) {
			return fmt.Errorf("connections: %q, in the hosts of the secret %s, is not a host; write api.example.com, *.example.com or host:port", p, name)
		}
	}
	if len(patterns) == 0 {
		return fmt.Errorf("connections: the secret %s has an empty list of hosts and could be sent nowhere; name one, or leave hosts out", name)
	}
	return nil
}

// use makes kept the secrets of the store. s.changing is held, or nobody else
// knows s yet.
func (s *Secrets) use(kept map[string]*secret) {
	set := &secretSet{kept: kept, byName: maps.Clone(kept)}
	if set.byName == nil {
		set.byName = map[string]*secret{}
	}
	maps.Copy(set.byName, s.given) // what was given wins
	set.names = slices.Sorted(maps.Keys(set.byName))
	s.now.Store(set)
}

// Replace makes values the secrets that the store keeps, instead of all that
// it kept before. With an error nothing has changed.
func (s *Secrets) Replace(values map[string]string) error {
	kept := make(map[string]*secret, len(values))
	for name, value := range values {
		if err := s.check(name, value); err != nil {
			return err
		}
		kept[name] = s.secret(name, value)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	s.use(kept)
	return nil
}

// Put sets a secret that the store keeps. A value that was given under the same
// name is used instead of it.
func (s *Secrets) Put(name, value string) error {
	if err := s.check(name, value); err != nil {
		return err
	}
	s.change(func(kept map[string]*secret) { kept[name] = s.secret(name, value) })
	return nil
}

// Remove forgets a secret that the store keeps.
func (s *Secrets) Remove(name string) {
	s.change(func(kept map[string]*secret) { delete(kept, name) })
}

func (s *Secrets) change(do func(kept map[string]*secret)) {
	s.changing.Lock()
	defer s.changing.Unlock()
	kept := maps.Clone(s.now.Load().kept)
	if kept == nil {
		kept = map[string]*secret{}
	}
	do(kept)
	s.use(kept)
}

// Names returns the names of all secrets, sorted.
func (s *Secrets) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.now.Load().names)
}

// Given returns the names of the secrets that were given, sorted.
func (s *Secrets) Given() []string { return slices.Sorted(maps.Keys(s.given)) }

// Hosts returns where a secret may be sent; nil means anywhere.
func (s *Secrets) Hosts(name string) []string { return slices.Clone(s.hosts[name]) }

// Value returns a secret's value. It is for what the server itself compares with
// it, and for nothing that leaves the server.
func (s *Secrets) Value(name string) (value string, ok bool) {
	sec := s.lookup(name)
	if sec == nil {
		return "", false
	}
	return sec.value, true
}

func (s *Secrets) lookup(name string) *secret {
	if s == nil {
		return nil
	}
	return s.now.Load().byName[name]
}

// allows reports whether the secret may be sent to u's host.
func (s *secret) allows(u *url.URL) bool { return len(s.hosts) == 0 || s.lists(u) }

// lists reports whether the secret's own list of hosts has u's host.
func (s *secret) lists(u *url.URL) bool {
	return slices.ContainsFunc(s.hosts, func(p string) bool { return matchHost(p, u) })
}

func matchHost(pattern string, u *url.URL) bool {
	name, port := splitPort(strings.ToLower(pattern))
	if port != "" && port != portOf(u) {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if rest, ok := strings.CutPrefix(name, "*"); ok {
		return strings.HasSuffix(host, rest) && len(host) > len(rest)
	}
	return host == name
}

// portOf returns the port that a request to u goes to.
func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// splitPort is net.SplitHostPort for hosts that may have no port.
func splitPort(host string) (name, port string) {
	if n, p, err := net.SplitHostPort(host); err == nil {
		return n, p
	}
	return strings.Trim(host, "[]"), ""
}

func validHost(pattern string) bool {
	name, port := splitPort(strings.TrimPrefix(pattern, "*."))
	if port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
	}
	return name != "" && !strings.HasSuffix(pattern, ":") && !strings.ContainsAny(name, "/@*? \t#%")
}

// ValidName reports whether name can be that of a secret: letters, digits and
// underscores, 128 at most.
func ValidName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for i := range len(name) {
		if !isWord(name[i]) {
			return false
		}
	}
	return true
}
