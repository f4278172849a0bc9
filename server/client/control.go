package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"reprise/runtime"
	"reprise/server/api"
)

// CancelRun asks a run to end, and returns it as it is then.
func (c *Client) CancelRun(ctx context.Context, id string) (runtime.Run, error) {
	return c.control(ctx, id, "cancel", nil)
}

// KillRun ends a run without letting it clean up.
func (c *Client) KillRun(ctx context.Context, id string) (runtime.Run, error) {
	return c.control(ctx, id, "kill", nil)
}

// PauseRun stops a run after its current turn.
func (c *Client) PauseRun(ctx context.Context, id string) (runtime.Run, error) {
	return c.control(ctx, id, "pause", nil)
}

// ResumeRun lets a paused or diverged run go on.
func (c *Client) ResumeRun(ctx context.Context, id string, req api.ResumeRun) (runtime.Run, error) {
	return c.control(ctx, id, "resume", req)
}

// RetryRun rewinds a failed run to before its failure.
func (c *Client) RetryRun(ctx context.Context, id string, req api.RetryRun) (runtime.Run, error) {
	return c.control(ctx, id, "retry", req)
}

// UpgradeRun moves a run to another revision, if its replay agrees.
func (c *Client) UpgradeRun(ctx context.Context, id string, req api.UpgradeRun) (runtime.Run, error) {
	return c.control(ctx, id, "upgrade", req)
}

// ForkRun starts a new run that shares the first turns of a run, and returns
// the new one.
func (c *Client) ForkRun(ctx context.Context, id string, req api.ForkRun) (runtime.Run, error) {
	return c.control(ctx, id, "fork", req)
}

// control does something to a run; body may be nil.
func (c *Client) control(ctx context.Context, id, verb string, body any) (out runtime.Run, err error) {
	err = c.do(ctx, http.MethodPost, runPath(id)+"/"+verb, body, &out)
	return out, err
}

// SignalRun sends a signal. An empty value is undefined; a key that is not
// empty makes the signal count once, however often it is sent.
func (c *Client) SignalRun(ctx context.Context, id, name string, value json.RawMessage, key string) error {
	header := map[string]string{}
	if key != "" {
		header["Idempotency-Key"] = key
	}
	return c.send(ctx, http.MethodPost, runPath(id)+"/signals/"+url.PathEscape(name), value, header, nil)
}

// Journal returns all records of a run's journal, in order.
func (c *Client) Journal(ctx context.Context, id string) ([]runtime.JournalRecord, error) {
	var out api.Journal
	err := c.get(ctx, runPath(id)+"/journal", nil, &out)
	return out.Records, err
}

// ReplayRun plays a run again with nothing performed.
func (c *Client) ReplayRun(ctx context.Context, id string, req api.ReplayRun) (out runtime.ReplayReport, err error) {
	err = c.do(ctx, http.MethodPost, runPath(id)+"/replay", req, &out)
	return out, err
}

// CheckScript replays the runs of a script against a candidate.
func (c *Client) CheckScript(ctx context.Context, name string, req api.CheckScript) (out runtime.CheckReport, err error) {
	err = c.do(ctx, http.MethodPost, scriptPath(name)+"/check", req, &out)
	return out, err
}
