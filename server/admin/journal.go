package admin

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"reprise/runtime"
	"reprise/server/api"
	"reprise/server/problem"
)

// journalEndpoints registers what shows journals.
func (a *admin) journalEndpoints(h huma.API) {
	const path = "/api/v1/runs/{id}/journal"
	op := a.operation(h, http.MethodGet, path, "getJournal", "The journal of a run", "Every record, in order. With format=text a line for each.")
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		"application/json": {Schema: schemaOf[api.Journal](h.OpenAPI()), Example: exampleJournal()},
		"text/plain":       {Schema: &huma.Schema{Type: huma.TypeString}, Example: string(journalText(exampleJournal().Records))},
	}}
	huma.Register(h, op, a.journal)
}

type journalInput struct {
	ID     string `path:"id"`
	Format string `query:"format" enum:"json,text" default:"json"`
}

type journalOutput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        any    // api.Journal, or lines of text
}

func (a *admin) journal(ctx context.Context, in *journalInput) (*journalOutput, error) {
	records, err := a.Runs.Journal(ctx, in.ID)
	if err != nil {
		return nil, problem.Of(err)
	}
	if in.Format == "text" {
		return &journalOutput{ContentType: "text/plain; charset=utf-8", Body: journalText(records)}, nil
	}
	if records == nil {
		records = []runtime.JournalRecord{}
	}
	return &journalOutput{Body: api.Journal{Records: records}}, nil
}

// journalText writes a line for each record: number, time, kind, text. What a
// retry has taken out of force is in parentheses.
func journalText(records []runtime.JournalRecord) []byte {
	var b bytes.Buffer
	for _, r := range records {
		at := ""
		if r.At != nil {
			at = r.At.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		// Texts of scripts are in it: a line stays a line, and steers no terminal.
		text := strings.Map(printable, r.Text)
		if r.Void {
			text = "(" + text + ")"
		}
		fmt.Fprintf(&b, "%6d  %-*s  %-8s  %s\n", r.Seq, len(time.DateOnly)+len("T15:04:05.000Z"), at, r.Kind, text)
	}
	return b.Bytes()
}

// printable makes spaces of the characters that steer.
func printable(r rune) rune {
	if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
		return ' '
	}
	return r
}
