package oauthtest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Options are what a Provider is made with.
type Options struct {
	// ClientID and ClientSecret are the one client. Without a secret it is a
	// public one; with Body the secret has to be in the request's body, else in the
	// header.
	ClientID, ClientSecret string
	Body                   bool
	// RedirectURL is where codes are sent. Empty: anywhere.
	RedirectURL string
	// Life is how long access tokens last, as far as the provider says; an hour if
	// zero.
	Life time.Duration
	// Once gives no refresh tokens.
	Once bool
	// Issuer and Key verify assertions.
	Issuer string
	Key    crypto.PublicKey
}

// Provider is a provider that listens.
type Provider struct {
	URL string

	o      Options
	server *httptest.Server

	mu      sync.Mutex // guards the rest
	codes   map[string]*grant
	refresh map[string]*grant
	access  map[string]*grant
	jtis    map[string]bool
	counts  map[string]int // of token requests, by grant_type
	now, at int            // token requests under way, and the most there were
	wait    chan struct{}  // token requests wait for it; nil: they do not
	arrived chan struct{}
	deny    string
	fail    bool
}

// grant is what a person has allowed, with all tokens that came of it.
type grant struct {
	redirect, challenge string
	used, revoked       bool
	scope               string
}

// New starts a provider.
func New(o Options) *Provider {
	if o.Life == 0 {
		o.Life = time.Hour
	}
	p := &Provider{
		o: o, codes: map[string]*grant{}, refresh: map[string]*grant{}, access: map[string]*grant{}, jtis: map[string]bool{}, counts: map[string]int{},
		arrived: make(chan struct{}, 1000),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("/api/", p.api)
	p.server = httptest.NewServer(mux)
	p.URL = p.server.URL
	return p
}

// Close stops it.
func (p *Provider) Close() { p.server.Close() }

// Count returns how many token requests there were with a grant_type.
func (p *Provider) Count(grantType string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[grantType]
}

// Together returns how many token requests were under way at the same time, at
// most.
func (p *Provider) Together() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// Hold has token requests wait until release is called. arrived tells of each.
func (p *Provider) Hold() (arrived <-chan struct{}, release func()) {
	wait := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wait = wait
	return p.arrived, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wait = nil
		close(wait)
	}
}

// Deny has whoever logs in say no, with that error; "" allows it again.
func (p *Provider) Deny(code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deny = code
}

// Fail has the token endpoint answer 503.
func (p *Provider) Fail(fail bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = fail
}

// Expire ends all access tokens, whatever was said of them.
func (p *Provider) Expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.access)
}

// Revoke takes back whatever anybody has allowed.
func (p *Provider) Revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, all := range []map[string]*grant{p.refresh, p.access} {
		for _, g := range all {
			g.revoked = true
		}
	}
}

// Forget has the provider know no refresh token any more.
func (p *Provider) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.refresh)
}

// Tokens returns all tokens that were given out and not taken back.
func (p *Provider) Tokens() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, all := range []map[string]*grant{p.refresh, p.access} {
		for t := range all {
			out = append(out, t)
		}
	}
	return out
}

var challenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// authorize is a person who allows, or denies, at once.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	redirect, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || redirect.Host == "" || p.o.RedirectURL != "" && redirect.String() != p.o.RedirectURL || q.Get("client_id") != p.o.ClientID {
		http.Error(w, "no such client, or not its redirect_uri", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.deny != "":
		back.Set("error", p.deny)
		back.Set("error_description", "the person said <no>")
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || !challenge.MatchString(q.Get("code_challenge")) || len(q.Get("state")) < 22:
		back.Set("error", "invalid_request")
	default:
		code := "code-" + rand.Text()
		p.codes[code] = &grant{redirect: redirect.String(), challenge: q.Get("code_challenge"), scope: q.Get("scope")}
		back.Set("code", code)
	}
	redirect.RawQuery = back.Encode()
	http.Redirect(w, r, redirect.String(), http.StatusFound)
}

// token is the token endpoint.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request", err.Error())
		return
	}
	p.enter(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now--
	if p.fail {
		http.Error(w, "later", http.StatusServiceUnavailable)
		return
	}
	grantType := r.PostForm.Get("grant_type")
	if grantType != grantTypeJWT && !p.authenticated(r) {
		w.Header().Set("WWW-Authenticate", "Basic")
		refuse(w, http.StatusUnauthorized, "invalid_client", "")
		return
	}
	switch grantType {
	case "authorization_code":
		p.byCode(w, r.PostForm)
	case "refresh_token":
		p.byRefresh(w, r.PostForm)
	case "client_credentials":
		p.give(w, &grant{scope: r.PostForm.Get("scope")}, false)
	case grantTypeJWT:
		g, why := p.byAssertion(r.PostForm)
		if g == nil {
			refuse(w, http.StatusBadRequest, "invalid_grant", why)
			return
		}
		p.give(w, g, false)
	default:
		refuse(w, http.StatusBadRequest, "unsupported_grant_type", "")
	}
}

// enter counts a request, and waits while Hold wants it.
func (p *Provider) enter(r *http.Request) {
	p.mu.Lock()
	p.counts[r.PostForm.Get("grant_type")]++
	p.now++
	p.at = max(p.at, p.now)
	wait := p.wait
	p.mu.Unlock()
	if wait == nil {
		return
	}
	p.arrived <- struct{}{}
	select {
	case <-wait:
	case <-r.Context().Done():
	}
}

func (p *Provider) authenticated(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	if p.o.ClientSecret == "" || p.o.Body {
		return !basic && r.PostForm.Get("client_id") == p.o.ClientID && r.PostForm.Get("client_secret") == p.o.ClientSecret
	}
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	return basic && id == p.o.ClientID && secret == p.o.ClientSecret && !r.PostForm.Has("client_secret")
}

var verifier = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

func (p *Provider) byCode(w http.ResponseWriter, form url.Values) {
	g := p.codes[form.Get("code")]
	switch {
	case g == nil:
		refuse(w, http.StatusBadRequest, "invalid_grant", "no such code")
		return
	case g.used:
		g.revoked = true // as RFC 6749 wants it, 4.1.2
		refuse(w, http.StatusBadRequest, "invalid_grant", "the code was used already")
		return
	}
	g.used = true
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	switch {
	case form.Get("redirect_uri") != g.redirect:
		refuse(w, http.StatusBadRequest, "invalid_grant", "another redirect_uri")
	case !verifier.MatchString(form.Get("code_verifier")) || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
		refuse(w, http.StatusBadRequest, "invalid_grant", "another code_verifier")
	default:
		p.give(w, g, !p.o.Once)
	}
}

// byRefresh gives another refresh token each time. One that is shown again is
// taken for stolen: then nothing of what was allowed holds any more.
func (p *Provider) byRefresh(w http.ResponseWriter, form url.Values) {
	token := form.Get("refresh_token")
	g := p.refresh[token]
	switch {
	case g == nil:
		refuse(w, http.StatusBadRequest, "invalid_grant", "no such refresh token as "+token)
	case g.revoked:
		refuse(w, http.StatusBadRequest, "invalid_grant", "it was revoked")
	default:
		old := *g
		p.refresh[token] = &old
		old.revoked = true
		p.give(w, g, true)
	}
}

// give answers with tokens. p.mu is held.
func (p *Provider) give(w http.ResponseWriter, g *grant, renews bool) {
	out := map[string]any{"access_token": "access-" + rand.Text(), "token_type": "bearer", "expires_in": int(p.o.Life.Seconds())}
	p.access[out["access_token"].(string)] = g
	if g.scope != "" {
		out["scope"] = g.scope
	}
	if renews {
		refresh := "refresh-" + rand.Text()
		p.refresh[refresh] = g
		out["refresh_token"] = refresh
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(out)
}

func refuse(w http.ResponseWriter, status int, code, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": why})
}

// api answers whoever has a token, and says which.
func (p *Provider) api(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	g := p.access[token]
	ok := g != nil && !g.revoked
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
	}
	fmt.Fprintf(w, `{"ok":%v,"with":%q}`, ok, token)
}
