package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/api"
	"reprise/server/problem"
)

// logEndpoints registers what reads the log.
func (a *admin) logEndpoints(h huma.API) {
	const path = "/api/v1/logs"
	huma.Register(h, a.operation(h, http.MethodGet, path, "queryLogs", "Entries of the log",
		"run, script and level mean what they mean in a filter, and all of them have to match: level=warn is that level only, level=>=warn that level and above. A page may be short, even empty, and have a next."), a.queryLogs)
	example(h, path, http.MethodGet, "200", api.Logs{Entries: []logs.Entry{exampleEntry()}, Next: 1043})
}

type logsInput struct {
	Run    string `query:"run" doc:"Entries of runs whose id begins so"`
	Script string `query:"script" doc:"Entries of this script; * matches anything" example:"orders/*"`
	Level  string `query:"level" doc:"debug, info, warn or error, or a comparison" example:">=warn"`
	Filter string `query:"filter" doc:"A filter, as in the tail" example:"kind:http status:>=400"`
	Since  string `query:"since" doc:"A time (RFC 3339), or a duration back" example:"15m"`
	From   uint64 `query:"from" doc:"The smallest seq"`
	To     uint64 `query:"to" doc:"The greatest seq"`
	Limit  int    `query:"limit" minimum:"1" maximum:"10000" default:"200"`
	Order  string `query:"order" enum:"asc,desc" default:"asc"`
}

func (a *admin) queryLogs(ctx context.Context, in *logsInput) (*body[api.Logs], error) {
	q := logs.Query{From: in.From, To: in.To, Limit: in.Limit, Desc: in.Order == "desc"}
	var p *problem.Problem
	if q.Filter, p = in.filter(); p != nil {
		return nil, p
	}
	if q.Since, p = parseSince(in.Since, a.Now()); p != nil {
		return nil, p
	}
	entries, next, err := a.Logs.Query(ctx, q)
	if errors.Is(err, logs.ErrClosed) {
		err = call.Errorf(call.CodeUnavailable, "the log is closed: the server is stopping")
	}
	if err != nil {
		return nil, problem.Of(err)
	}
	if entries == nil {
		entries = []logs.Entry{}
	}
	return &body[api.Logs]{api.Logs{Entries: entries, Next: next}}, nil
}

// filter makes one filter of all parameters. Each is parsed by itself first,
// so that an error names the parameter and the column in it.
func (in *logsInput) filter() (*logs.Filter, *problem.Problem) {
	var terms []string
	for _, part := range []struct{ name, key, value string }{
		{"run", "run:", in.Run}, {"script", "script:", in.Script}, {"level", "level:", in.Level}, {"filter", "", in.Filter},
	} {
		if part.value == "" {
			continue
		}
		term := part.value
		if part.key != "" {
			term = part.key + quoteTerm(part.value)
		}
		if _, err := logs.ParseFilter(term); err != nil {
			return nil, field("query."+part.name, err.Error(), part.value)
		}
		terms = append(terms, term)
	}
	f, err := logs.ParseFilter(strings.Join(terms, " "))
	if err != nil { // together they are too long
		return nil, field("query.filter", err.Error(), nil)
	}
	return f, nil
}

// quoteTerm quotes a value that would not be one term by itself.
func quoteTerm(s string) string {
	if !strings.ContainsAny(s, " \t\r\n,\"\\") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// parseSince reads a time, or a duration back from now.
func parseSince(s string, now time.Time) (time.Time, *problem.Problem) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	// In a query string, + is a space: 2026-11-22T09:30:00+01:00 comes so.
	if t, err := time.Parse(time.RFC3339, strings.Replace(s, " ", "+", 1)); err == nil {
		return t, nil
	}
	d, err := call.ParseDuration(s)
	if err != nil {
		return time.Time{}, field("query.since", `write a time like "2026-11-22T09:30:00Z" or a duration like "15m"`, s)
	}
	return now.Add(-d), nil
}
