package logins

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"reprise/connections"
	"reprise/runtime/call"
)

const (
	// loginTime is how long a person may take to log in.
	loginTime = 10 * time.Minute
	// toldFor is how long it can be asked what came of it.
	toldFor = 10 * time.Minute
	// maxBegun is how many logins are remembered. Only who has the admin token
	// begins any.
	maxBegun = 100
)

// The states of an Attempt.
const (
	Pending = "pending"
	Done    = "done"
	Failed  = "failed"
)

// Attempt is a login that somebody has begun.
type Attempt struct {
	ID         string    `json:"id" example:"PZ2NBYT7LJYSMQ4AFNKDVCVWXA"`
	Connection string    `json:"connection" example:"crm"`
	State      string    `json:"state" enum:"pending,done,failed"`
	Until      time.Time `json:"until" doc:"When it is too late to come back"`
	Error      string    `json:"error,omitempty" doc:"Why it has failed"`
	// URL is there when it begins, and never again.
	URL         string             `json:"url,omitempty" doc:"What to open in a browser, once; it is in the answer that begins a login and in no other"`
	RedirectURL string             `json:"redirectURL" doc:"Where the provider sends the browser back to. It has to know it" example:"https://hooks.example.com/_/oauth/callback"`
	Login       *connections.Login `json:"login,omitempty" doc:"What there is when it is done"`
	KeyFile     string             `json:"keyFile,omitempty" doc:"A file that the server has made for its master key, and that wants a backup"`
}

// attempt is an Attempt with what only the server knows of it.
type attempt struct {
	Attempt
	state    string // what the provider has to send back; empty once it has
	verifier string
	auth     *connections.Auth // as it was
	done     chan struct{}     // closed when it is not pending any more
}

// Begin begins a login for a connection. The URL is for one person, once.
func (l *Logins) Begin(name string) (Attempt, error) {
	c, err := l.client(name)
	if err != nil {
		return Attempt{}, err
	}
	redirect := c.auth.OAuth2.RedirectURL
	if redirect == "" {
		redirect = l.o.Callback()
	}
	n := &attempt{
		Attempt: Attempt{ID: rand.Text(), Connection: name, State: Pending, Until: l.o.Now().UTC().Add(loginTime).Truncate(time.Second), RedirectURL: redirect},
		state:   rand.Text(), verifier: oauth2.GenerateVerifier(), auth: c.auth, done: make(chan struct{}),
	}
	if n.URL, err = c.authorizationURL(n); err != nil {
		return Attempt{}, err
	}
	out := n.Attempt
	n.URL = ""
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return Attempt{}, closing()
	}
	l.forget()
	l.begun[n.ID] = n
	return out, nil
}

// authorizationURL is where the person logs in.
func (c *client) authorizationURL(n *attempt) (string, error) {
	u, err := url.Parse(c.auth.OAuth2.AuthorizationURL)
	if err != nil {
		return "", call.Errorf(call.CodeInternal, "the authorizationURL of %s: %v", c.name, err)
	}
	if strings.Contains(c.auth.ClientID, "${secret:") { // then it is shown there, too
		if err := c.use.Check(u); err != nil {
			return "", err
		}
	}
	config := oauth2.Config{
		ClientID: c.grant.ClientID, RedirectURL: n.RedirectURL, Scopes: c.auth.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: u.String()},
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(n.verifier)}
	if c.auth.Audience != "" {
		options = append(options, oauth2.SetAuthURLParam("audience", c.auth.Audience))
	}
	for name, value := range c.auth.OAuth2.Params {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	return config.AuthCodeURL(n.state, options...), nil
}

// forget forgets logins that nobody asks for any more, and the oldest if there
// are too many. l.mu is held.
func (l *Logins) forget() {
	now := l.o.Now()
	for id, n := range l.begun {
		if now.After(n.Until.Add(toldFor)) {
			delete(l.begun, id)
		}
	}
	for len(l.begun) >= maxBegun {
		var oldest *attempt
		for _, n := range l.begun {
			if oldest == nil || n.Until.Before(oldest.Until) {
				oldest = n
			}
		}
		delete(l.begun, oldest.ID)
	}
}

// Attempt returns what has come of a login, when it has ended or after wait.
func (l *Logins) Attempt(ctx context.Context, name, id string, wait time.Duration) (Attempt, error) {
	l.mu.Lock()
	n := l.begun[id]
	l.mu.Unlock()
	if n == nil || n.Connection != name {
		return Attempt{}, call.Errorf(call.CodeNotFound, "there is no such login for the connection %q: it may be from before the server was started, or older than %s", name, loginTime+toldFor)
	}
	if wait > 0 {
		timer := time.NewTimer(min(wait, max(n.Until.Sub(l.o.Now()), 0)))
		defer timer.Stop()
		select {
		case <-n.done:
		case <-timer.C:
		case <-ctx.Done():
			return Attempt{}, context.Cause(ctx)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.State == Pending && n.state != "" && l.o.Now().After(n.Until) {
		n.end("", errors.New("nobody came back within "+loginTime.String()), nil)
	}
	return n.Attempt, nil
}

// end says what has come of it. The lock of the Logins is held.
func (n *attempt) end(keyFile string, err error, login *connections.Login) {
	if n.State != Pending {
		return
	}
	n.State, n.state, n.verifier, n.KeyFile, n.Login = Done, "", "", keyFile, login
	if err != nil {
		n.State, n.Error = Failed, err.Error()
	}
	close(n.done)
}

// Answer is what a provider has sent a browser back with.
type Answer struct {
	State, Code        string
	Error, Description string
}

// Callback takes a provider's answer: the code is exchanged, and what comes of it
// is kept. It returns the name of the connection, where the state is one that was
// given out; one that is not, was used or is too old is a FORBIDDEN_ERROR.
func (l *Logins) Callback(ctx context.Context, a Answer) (name string, err error) {
	n, verifier := l.claim(a.State)
	if n == nil {
		return "", call.Errorf(call.CodeForbidden, "this login is not known: it was used already, is older than %s, or is from before the server was started; begin another one", loginTime)
	}
	if !l.work() {
		return n.Connection, closing()
	}
	defer l.working.Done()
	// Whoever closes the page has logged in all the same.
	keyFile, login, err := l.finish(context.WithoutCancel(ctx), n, verifier, a)
	l.mu.Lock()
	n.end(keyFile, err, login)
	l.mu.Unlock()
	if err != nil {
		l.o.Logger.WarnContext(ctx, "a login for the connection "+n.Connection+" has failed: "+err.Error(), "connection", n.Connection)
		return n.Connection, err
	}
	l.o.Logger.InfoContext(ctx, "somebody has logged in for the connection "+n.Connection, "connection", n.Connection)
	return n.Connection, nil
}

// claim finds the login that a state was given out for, and no second time.
func (l *Logins) claim(state string) (n *attempt, verifier string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.begun {
		if n.state == "" || subtle.ConstantTimeCompare([]byte(n.state), []byte(state)) != 1 {
			continue
		}
		n.state = ""
		if l.o.Now().After(n.Until) {
			n.end("", errors.New("nobody came back within "+loginTime.String()), nil)
			return nil, ""
		}
		return n, n.verifier
	}
	return nil, ""
}

func (l *Logins) finish(ctx context.Context, n *attempt, verifier string, a Answer) (keyFile string, login *connections.Login, err error) {
	switch {
	case a.Error != "":
		return "", nil, call.Errorf(call.CodeForbidden, "the provider did not allow it: %s%s", printable(a.Error), describe(printable(a.Description)))
	case a.Code == "":
		return "", nil, call.Errorf(call.CodeInvalidArgument, "the provider has sent neither a code nor an error")
	}
	c, err := l.client(n.Connection)
	if err != nil {
		return "", nil, err
	}
	if !reflect.DeepEqual(c.auth, n.auth) {
		return "", nil, call.Errorf(call.CodeConflict, "the settings of the connection %s were changed since the login began; begin another one", n.Connection)
	}
	got, err := l.buy(ctx, c, map[string]string{
		"grant_type": "authorization_code", "code": a.Code, "redirect_uri": n.RedirectURL, "code_verifier": verifier,
	}, a.Code, verifier)
	if err != nil {
		return "", nil, err
	}
	t := &tokens{TokenURL: c.auth.TokenURL, ClientID: c.auth.ClientID, At: l.o.Now().UTC().Truncate(time.Second), Scopes: slices.Clone(c.auth.Scopes)}
	if err := t.take(got, l.o.Now().UTC()); err != nil {
		return "", nil, err
	}
	keyFile, err = l.replace(ctx, n.Connection, t)
	if err != nil {
		return "", nil, err
	}
	return keyFile, t.describe(c.auth, l.o.Now(), ""), nil
}

// replace keeps the tokens of a login, whatever is there. A renewal of those from
// before that is under way finds these.
func (l *Logins) replace(ctx context.Context, name string, t *tokens) (keyFile string, err error) {
	for range 5 {
		_, at, loadErr := l.load(ctx, name)
		if loadErr != nil && at == 0 {
			return "", loadErr
		}
		keyFile, err = l.keep(ctx, name, t, at) // also over one that can not be read
		if call.CodeOf(err) != call.CodeConflict {
			break
		}
	}
	if err != nil {
		return "", err
	}
	e := l.entry(name)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changes++
	e.tokens, e.refused, e.unkept, e.paused = t, "", nil, time.Time{}
	return keyFile, nil
}

// Logout forgets the tokens of a connection. The provider is not told.
func (l *Logins) Logout(ctx context.Context, name string) error {
	if err := l.o.Keeper.DeleteLogin(ctx, name); err != nil {
		return err
	}
	e := l.entry(name)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changes++
	e.tokens, e.refused, e.unkept = nil, "", nil
	return nil
}
