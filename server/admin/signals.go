package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"reprise/runtime"
	"reprise/server/problem"
)

// signalEndpoints registers what sends signals. The body is the signal's value,
// whatever JSON it is, so it is taken as text: a trip through Go values would
// change the order of its keys.
func (a *admin) signalEndpoints(h huma.API) {
	const path = "/api/v1/runs/{id}/signals/{name}"
	op := a.operation(h, http.MethodPost, path, "signalRun", "Send a signal to a run",
		"The body is the signal's value: any JSON, or nothing for undefined. Signals are kept in order until the run waits for one of that name. 409 when the run has ended.")
	op.DefaultStatus = http.StatusAccepted
	op.BodyReadTimeout = bodyTimeout
	op.SkipValidateBody = true // signalValue does
	huma.Register(h, op, a.signalRun)
	request := h.OpenAPI().Paths[path].Post.RequestBody
	request.Required = false // huma believes that of every raw body
	request.Content["application/json"] = &huma.MediaType{Schema: &huma.Schema{Description: "Any JSON value"}, Example: map[string]any{"approved": true}}
}

type signalInput struct {
	ID             string `path:"id"`
	Name           string `path:"name" maxLength:"256" doc:"The signal's name, as waitFor has it" example:"approval"`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"256" doc:"The same key again counts once"`
	ContentType    string `header:"Content-Type" hidden:"true"`
	RawBody        []byte `contentType:"application/json"`
}

func (a *admin) signalRun(ctx context.Context, in *signalInput) (*struct{}, error) {
	value, p := signalValue(in.ContentType, in.RawBody)
	if p != nil {
		return nil, p
	}
	err := a.Runs.Signal(ctx, runtime.SignalRequest{Run: in.ID, Name: in.Name, Value: value, IdempotencyKey: in.IdempotencyKey})
	if err != nil {
		return nil, problem.Of(err)
	}
	return nil, nil
}

// signalValue checks a body that is any JSON value, or nothing. It returns a
// copy: the buffer is used again for another request.
func signalValue(contentType string, body []byte) (json.RawMessage, *problem.Problem) {
	if len(body) == 0 {
		return nil, nil
	}
	if contentType != "" {
		media, _, err := mime.ParseMediaType(contentType)
		if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
			return nil, invalid(&huma.ErrorModel{Status: http.StatusUnsupportedMediaType}, 0)
		}
	}
	var value json.RawMessage
	if err := json.Unmarshal(body, &value); err != nil {
		return nil, invalid(&huma.ErrorModel{
			Status: http.StatusBadRequest,
			Errors: []*huma.ErrorDetail{{Location: "body", Message: err.Error()}},
		}, 0).WithHint("Send any JSON value, or no body at all. A text needs its quotes.")
	}
	return bytes.Clone(value), nil
}
