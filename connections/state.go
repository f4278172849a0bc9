package connections

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// State describes a connection as it is now, for people. It has no credentials.
type State struct {
	Name    string `json:"name" example:"crm"`
	BaseURL string `json:"baseURL" example:"https://crm.example.com/v2"`
	// Auth is the type; empty: none.
	Auth string `json:"auth,omitempty" enum:"bearer,basic,apiKey,oauth2,aws,hmac,jwt"`
	// Grant is that of oauth2.
	Grant string `json:"grant,omitempty" enum:"clientCredentials,authorizationCode,jwtBearer"`
	// Login is there where a person has to log in.
	Login *Login `json:"login,omitempty"`
	// Secrets are the names of those that its settings refer to.
	Secrets []string `json:"secrets,omitempty"`
	// Broken says why it can not be used at all: a certificate that is not there.
	Broken string `json:"broken,omitempty"`
	// Circuit is open while it is given up, half-open while one request tries.
	// Empty: it has no circuit breaker.
	Circuit string `json:"circuit,omitempty" enum:"closed,open,half-open"`
	// InFlight is how many requests are under way; only counted with a limit.
	InFlight int `json:"inFlight,omitempty"`
	// HeldUntil is until when it is left alone because it said so.
	HeldUntil *time.Time `json:"heldUntil,omitempty"`
}

// Login is what is known of the login of a connection, but for its tokens.
type Login struct {
	// State is "authorized" or "needed".
	State string `json:"state" enum:"authorized,needed"`
	// Reason is why a login is needed.
	Reason string `json:"reason,omitempty"`
	// Until is when the access token ends. It is replaced by then, where Renews
	// says so; nil: not known, or none.
	Until *time.Time `json:"until,omitempty"`
	// Renews says that there is a refresh token.
	Renews bool `json:"renews,omitempty"`
	// At is when somebody has logged in.
	At *time.Time `json:"at,omitempty"`
	// Scopes are those that the provider has granted, where it says so.
	Scopes []string `json:"scopes,omitempty"`
}

// The states of a Login.
const (
	Authorized  = "authorized"
	LoginNeeded = "needed"
)

// States describes all connections, by name.
func (s *Set) States() []State {
	s.mu.RLock()
	all := s.byName
	s.mu.RUnlock()
	out := make([]State, 0, len(all))
	for _, u := range all {
		out = append(out, u.state())
	}
	slices.SortFunc(out, func(a, b State) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (u *upstream) state() State {
	st := State{Name: u.Name, BaseURL: u.BaseURL, Broken: u.Broken}
	if u.Auth != nil {
		st.Auth = u.Auth.Type
		if st.Auth == "oauth2" {
			st.Grant = cmp.Or(u.Auth.OAuth2.Grant, GrantClient)
		}
	}
	for _, text := range u.texts() {
		st.Secrets = append(st.Secrets, SecretRefs(text)...)
	}
	slices.Sort(st.Secrets)
	st.Secrets = slices.Compact(st.Secrets)
	g := u.gate
	if g.breaker != nil {
		st.Circuit = g.breaker.State().String()
	}
	if slots := g.throttle.slots; slots != nil {
		st.InFlight = len(slots)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if held := g.held; held.After(time.Now()) {
		at := held.UTC()
		st.HeldUntil = &at
	}
	return st
}
