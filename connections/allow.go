// Further hosts of a connection: where its credentials may go besides the host of
// its base URL.

package connections

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// MaxAllow bounds the list: it is gone through for each URL.
const MaxAllow = 100

func checkAllow(list []string) error {
	if len(list) > MaxAllow {
		return fmt.Errorf("allow has %d hosts, and the limit is %d", len(list), MaxAllow)
	}
	for _, host := range list {
		if !validHost(host) || strings.Contains(host, "*") {
			return fmt.Errorf("allow: %q is not a host; write upload.example.com or host:port, each by its full name: credentials go there", host)
		}
	}
	return nil
}

// allows reports whether the credentials of the upstream may go to u: its own
// host, or one of those allowed. What is sent encrypted stays so.
func (s *upstream) allows(u *url.URL) bool {
	if s.home == nil || u.Scheme != "https" && (u.Scheme != "http" || s.home.Scheme != "http") {
		return false
	}
	return s.atHome(u) || slices.ContainsFunc(s.Allow, func(host string) bool { return matchHost(host, u) })
}

// atHome reports whether u is at the host of the base URL.
func (s *upstream) atHome(u *url.URL) bool {
	return s.home != nil && s.home.Scheme == u.Scheme && strings.EqualFold(s.home.Hostname(), u.Hostname()) && portOf(s.home) == portOf(u)
}

// Allows reports whether what goes to the named connection may go to u: it is at
// the host of the base URL, or at one that the connection allows.
func (s *Set) Allows(name string, u *url.URL) bool {
	up := s.get(name)
	return up != nil && up.allows(u)
}

// AtHome reports whether u is at the host of the connection's base URL.
func (s *Set) AtHome(name string, u *url.URL) bool {
	up := s.get(name)
	return up != nil && up.atHome(u)
}
