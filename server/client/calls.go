package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/connections/vault"
	"reprise/runtime"
	"reprise/server/api"
)

// Server describes the server.
func (c *Client) Server(ctx context.Context) (out api.Server, err error) {
	err = c.get(ctx, "/api/v1/server", nil, &out)
	return out, err
}

// Scripts lists all scripts, by name.
func (c *Client) Scripts(ctx context.Context) ([]api.Script, error) {
	var out api.Scripts
	err := c.get(ctx, "/api/v1/scripts", nil, &out)
	return out.Scripts, err
}

// Script returns one script.
func (c *Client) Script(ctx context.Context, name string) (out api.Script, err error) {
	err = c.get(ctx, scriptPath(name), nil, &out)
	return out, err
}

// StartRun starts a run. With Wait it returns the run as it is when it has
// ended or stands still, or after that time.
func (c *Client) StartRun(ctx context.Context, req api.StartRun) (out runtime.Run, err error) {
	err = c.do(ctx, http.MethodPost, "/api/v1/runs", req, &out)
	return out, err
}

// Run returns a run. It waits for the run's end, but no longer than wait, and
// not for one that stands still.
func (c *Client) Run(ctx context.Context, id string, wait time.Duration) (out runtime.Run, err error) {
	query := url.Values{}
	if wait > 0 {
		query.Set("wait", strconv.FormatInt(max(wait.Milliseconds(), 1), 10)+"ms")
	}
	err = c.get(ctx, runPath(id), query, &out)
	return out, err
}

// Runs lists durable runs, newest first, and returns the next page's cursor.
func (c *Client) Runs(ctx context.Context, q runtime.ListQuery) (runs []runtime.Run, cursor string, err error) {
	query := url.Values{}
	set(query, "script", q.Script)
	set(query, "status", string(q.Status))
	set(query, "cursor", q.Cursor)
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	var out api.Runs
	err = c.get(ctx, "/api/v1/runs", query, &out)
	return out.Runs, out.Cursor, err
}

// DeleteRun forgets a run that has ended.
func (c *Client) DeleteRun(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, runPath(id), nil, nil)
}

// LogQuery asks for entries of the log, as GET /api/v1/logs describes.
type LogQuery struct {
	Run, Script, Level, Filter string
	Since                      string // a time, or a duration back
	From, To                   uint64
	Limit                      int
	Desc                       bool // newest first
}

// Logs returns entries of the log, and where the next page starts.
func (c *Client) Logs(ctx context.Context, q LogQuery) (out api.Logs, err error) {
	query := url.Values{}
	set(query, "run", q.Run)
	set(query, "script", q.Script)
	set(query, "level", q.Level)
	set(query, "filter", q.Filter)
	set(query, "since", q.Since)
	if q.From > 0 {
		query.Set("from", strconv.FormatUint(q.From, 10))
	}
	if q.To > 0 {
		query.Set("to", strconv.FormatUint(q.To, 10))
	}
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Desc {
		query.Set("order", "desc")
	}
	err = c.get(ctx, "/api/v1/logs", query, &out)
	return out, err
}

// Connections describes all connections, by name.
func (c *Client) Connections(ctx context.Context) ([]connections.State, error) {
	var out api.Connections
	err := c.get(ctx, "/api/v1/connections", nil, &out)
	return out.Connections, err
}

// BeginLogin begins a login for a connection: a person has to open its URL.
func (c *Client) BeginLogin(ctx context.Context, connection string) (out logins.Attempt, err error) {
	err = c.do(ctx, http.MethodPost, loginPath(connection), nil, &out)
	return out, err
}

// Login returns what has come of a login. It waits for its end, but no longer
// than wait.
func (c *Client) Login(ctx context.Context, connection, id string, wait time.Duration) (out logins.Attempt, err error) {
	query := url.Values{}
	if wait > 0 {
		query.Set("wait", strconv.FormatInt(max(wait.Milliseconds(), 1), 10)+"ms")
	}
	err = c.get(ctx, loginPath(connection)+"/"+url.PathEscape(id), query, &out)
	return out, err
}

// Logout forgets the tokens of a connection.
func (c *Client) Logout(ctx context.Context, connection string) error {
	return c.do(ctx, http.MethodDelete, loginPath(connection), nil, nil)
}

func loginPath(connection string) string {
	return "/api/v1/connections/" + url.PathEscape(connection) + "/login"
}

// Secrets lists all secrets, by name and without their values.
func (c *Client) Secrets(ctx context.Context) ([]vault.Secret, error) {
	var out api.Secrets
	err := c.get(ctx, "/api/v1/secrets", nil, &out)
	return out.Secrets, err
}

// SetSecret keeps a value in the server's store, sealed, for the next call.
func (c *Client) SetSecret(ctx context.Context, name, value string) (out api.SecretSet, err error) {
	err = c.do(ctx, http.MethodPut, secretPath(name), api.SetSecret{Value: value}, &out)
	return out, err
}

// DeleteSecret deletes a secret from the server's store.
func (c *Client) DeleteSecret(ctx context.Context, name string) error {
	return c.do(ctx, http.MethodDelete, secretPath(name), nil, nil)
}

// RotateKey seals all secrets of the store with another master key.
func (c *Client) RotateKey(ctx context.Context, req api.RotateKey) (out vault.Rotated, err error) {
	err = c.do(ctx, http.MethodPost, "/api/v1/secrets/rotate-key", req, &out)
	return out, err
}

func secretPath(name string) string { return "/api/v1/secrets/" + url.PathEscape(name) }

// scriptPath is where a script is; its name is one segment, slashes and all.
func scriptPath(name string) string { return "/api/v1/scripts/" + url.PathEscape(name) }

func runPath(id string) string { return "/api/v1/runs/" + url.PathEscape(id) }

func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}
