package admin

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/server/problem"
)

// Logins lets people log in for connections. *logins.Logins is one. Errors are
// *call.Error.
type Logins interface {
	// Begin begins a login. Its URL is for one person, once.
	Begin(connection string) (logins.Attempt, error)
	// Attempt returns what has come of it, when it has ended or after wait.
	Attempt(ctx context.Context, connection, id string, wait time.Duration) (logins.Attempt, error)
	// Logout forgets the tokens of a connection.
	Logout(ctx context.Context, connection string) error
}

func (a *admin) loginEndpoints(h huma.API) {
	const login, attempt = connectionsPath + "/{name}/login", connectionsPath + "/{name}/login/{id}"
	begin := a.operation(h, http.MethodPost, login, "beginLogin", "Begin a login for a connection",
		"Answers with a URL for a person to open, within ten minutes and once. 409 for a connection whose auth is not oauth2 with the grant authorizationCode.")
	begin.DefaultStatus = http.StatusCreated
	huma.Register(h, begin, a.beginLogin)
	huma.Register(h, a.operation(h, http.MethodGet, attempt, "getLogin", "What has come of a login",
		"With wait, answers when it is done or has failed, or as it is after that time. 404 some time after it has ended, and after the server was started anew."), a.getLogin)
	huma.Register(h, a.operation(h, http.MethodDelete, login, "logout", "Forget the login of a connection",
		"The tokens are deleted from the store; the provider is not told. 404 when there is none."), a.logout)
	begun := exampleAttempt()
	begun.URL = "https://login.example.com/authorize?response_type=code&…"
	example(h, login, http.MethodPost, "201", begun)
	done := exampleAttempt()
	until, at := exampleTime().Add(time.Hour).Truncate(time.Second), exampleTime().Truncate(time.Second)
	done.State, done.Login = logins.Done, &connections.Login{State: connections.Authorized, Until: &until, Renews: true, At: &at, Scopes: []string{"contacts.read"}}
	example(h, attempt, http.MethodGet, "200", done)
}

type connectionInput struct {
	Name string `path:"name" doc:"The connection's name" example:"crm"`
}

type beginOutput struct {
	Location string `header:"Location" doc:"Where it can be asked what comes of it"`
	Body     logins.Attempt
}

func (a *admin) beginLogin(_ context.Context, in *connectionInput) (*beginOutput, error) {
	begun, err := a.Logins.Begin(in.Name)
	if err != nil {
		return nil, problem.Of(err)
	}
	return &beginOutput{Location: connectionsPath + "/" + url.PathEscape(in.Name) + "/login/" + url.PathEscape(begun.ID), Body: begun}, nil
}

type attemptInput struct {
	Name string `path:"name"`
	ID   string `path:"id"`
	Wait string `query:"wait" doc:"How long to wait for its end, at most 5m" example:"10s"`
}

func (a *admin) getLogin(ctx context.Context, in *attemptInput) (*body[logins.Attempt], error) {
	wait, p := parseWait("query.wait", in.Wait)
	if p != nil {
		return nil, p
	}
	now, err := a.Logins.Attempt(ctx, in.Name, in.ID, wait)
	if err != nil {
		return nil, problem.Of(err)
	}
	return &body[logins.Attempt]{now}, nil
}

func (a *admin) logout(ctx context.Context, in *connectionInput) (*struct{}, error) {
	if err := a.Logins.Logout(ctx, in.Name); err != nil {
		return nil, problem.Of(err)
	}
	return nil, nil
}

func exampleAttempt() logins.Attempt {
	return logins.Attempt{
		ID: "PZ2NBYT7LJYSMQ4AFNKDVCVWXA", Connection: "crm", State: logins.Pending, Until: exampleTime().Add(10 * time.Minute).Truncate(time.Second),
		RedirectURL: "https://hooks.example.com/_/oauth/callback",
	}
}
