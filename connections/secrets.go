package connections

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

// Secrets holds values that scripts can use and never see. It does not change;
// to reload, make another.
type Secrets struct {
	byName map[string]*secret
	names  []string
}

// secret is one value with where it may go and what it may look like.
type secret struct {
	name     string
	value    string
	hosts    []string // empty: any host
	variants []string // see variantsOf
}

// NewSecrets makes the set of values by name. hosts says where a secret may be
// sent: "api.example.com", "*.example.com" (any name below), either with
// ":port"; a secret without an entry may go anywhere. It returns an error for a
// name that is not made of letters, digits and underscores, for a pattern that
// is not a host, and for hosts of a secret that is not set.
func NewSecrets(values map[string]string, hosts map[string][]string) (*Secrets, error) {
	s := &Secrets{byName: make(map[string]*secret, len(values))}
	for name, value := range values {
		if !validName(name) {
			return nil, fmt.Errorf("connections: %q can not be the name of a secret; use letters, digits and underscores, at most %d", name, maxName)
		}
		if value == "" {
			return nil, fmt.Errorf("connections: the secret %s is empty", name)
		}
		s.byName[name] = &secret{name: name, value: value, variants: variantsOf(value)}
		s.names = append(s.names, name)
	}
	slices.Sort(s.names)
	for name, patterns := range hosts {
		if err := s.restrict(name, patterns); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// restrict limits a secret to hosts. Rules for a secret that is not set are
// checked all the same, and wait for it.
func (s *Secrets) restrict(name string, patterns []string) error {
	for _, p := range patterns {
		if !validHost(p) {
			return fmt.Errorf("connections: %q, in the hosts of the secret %s, is not a host; write api.example.com, *.example.com or host:port", p, name)
		}
	}
	sec, ok := s.byName[name]
	if !ok {
		return nil
	}
	if len(patterns) == 0 {
		return fmt.Errorf("connections: the secret %s has an empty list of hosts and could be sent nowhere; name one, or leave hosts out", name)
	}
	sec.hosts = slices.Clone(patterns)
	return nil
}

// Names returns the names of all secrets, sorted.
func (s *Secrets) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.names)
}

func (s *Secrets) lookup(name string) *secret {
	if s == nil {
		return nil
	}
	return s.byName[name]
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

func validName(name string) bool {
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
