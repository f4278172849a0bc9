// The API's definition: how huma is set up, and the OpenAPI document that
// comes out of the endpoints.

package admin

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/server/problem"
)

// guardedMux gives huma a mux on which every pattern needs the token.
type guardedMux struct{ a *admin }

// HandleFunc registers an endpoint.
func (m guardedMux) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.a.guarded(pattern, http.HandlerFunc(h))
}

// ServeHTTP is there because huma asks for it.
func (m guardedMux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.a.mux.ServeHTTP(w, r) }

// endpoints registers all endpoints and returns the handler of /openapi.json.
func (a *admin) endpoints() http.Handler {
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Reprise admin API", Version: "v1",
				Description: "Scripts, runs and logs of a Reprise server. Errors are RFC 9457 problems with a code of Reprise's catalogue and a hint.",
			},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "The token is in the file admin.token of the server's data directory."}},
			},
			Security: []map[string][]string{{"token": {}}},
			Servers:  []*huma.Server{{URL: "/", Description: "the admin origin"}},
		},
		Formats:                      huma.DefaultFormats,
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{a.transform},
	}
	h := humago.New(guardedMux{a}, config)
	a.infoEndpoints(h)
	a.runEndpoints(h)
	a.controlEndpoints(h)
	a.webhookEndpoints(h)
	a.signalEndpoints(h)
	a.journalEndpoints(h)
	a.replayEndpoints(h)
	a.logEndpoints(h)
	if a.Connections != nil {
		a.connectionEndpoints(h)
	}
	if a.Logins != nil {
		a.loginEndpoints(h)
	}
	if a.Secrets != nil {
		a.secretEndpoints(h)
	}
	a.otherPaths(h.OpenAPI())
	schemas := h.OpenAPI().Components.Schemas.Map()
	schemas["Problem"].Properties["divergence"] = schemaOf[runtime.Divergence](h.OpenAPI())
	delete(schemas, "ErrorModel") // huma's own, which transform never lets out
	delete(schemas, "ErrorDetail")
	document, err := json.Marshal(h.OpenAPI())
	if err != nil {
		panic("admin: the OpenAPI document: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Header().Set("Content-Length", strconv.Itoa(len(document)))
		// The only error is a client that went away.
		_, _ = w.Write(document)
	})
}

// operation starts an endpoint's definition: every one may fail with a problem.
func (a *admin) operation(h huma.API, method, path, id, summary, description string) huma.Operation {
	return huma.Operation{
		Method: method, Path: path, OperationID: id, Summary: summary, Description: description,
		MaxBodyBytes: a.MaxBody,
		Responses:    map[string]*huma.Response{"default": problemResponse(h.OpenAPI())},
	}
}

func problemResponse(o *huma.OpenAPI) *huma.Response {
	return &huma.Response{
		Description: "A problem",
		Content:     map[string]*huma.MediaType{problem.ContentType: {Schema: schemaOf[problem.Problem](o), Example: exampleProblem()}},
	}
}

func schemaOf[T any](o *huma.OpenAPI) *huma.Schema {
	return o.Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}

// example sets what a response looks like.
func example(h huma.API, path, method, status string, v any) {
	item := h.OpenAPI().Paths[path]
	op := map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put}[method]
	op.Responses[status].Content["application/json"].Example = v
}

// otherPaths documents what is not an endpoint of huma's.
func (a *admin) otherPaths(o *huma.OpenAPI) {
	public := []map[string][]string{{}}
	add := func(path, id, summary, contentType string, security []map[string][]string) {
		o.AddOperation(&huma.Operation{
			Method: http.MethodGet, Path: path, OperationID: id, Summary: summary, Security: security,
			Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{contentType: {}}}},
		})
	}
	add("/openapi.json", "openapi", "This document", "application/openapi+json", nil)
	add("/metrics", "metrics", "Metrics in the Prometheus text format", "text/plain", nil)
	add("/healthz", "healthz", "200 as long as the process answers", "application/json", public)
	add("/readyz", "readyz", "200 while the server takes new work, else 503", "application/json", public)
	o.AddOperation(&huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/tail", OperationID: "tail", Summary: "The live tail, a websocket",
		Description: "The token goes into the Authorization header or into the first frame.", Security: public,
		Responses: map[string]*huma.Response{"101": {Description: "Switching to the websocket protocol"}, "default": problemResponse(o)},
	})
}

// transform turns huma's own errors, from reading and checking requests, into
// problems of ours. Those that endpoints return already are.
func (a *admin) transform(ctx huma.Context, _ string, v any) (any, error) {
	p, ok := v.(*problem.Problem)
	if model, is := v.(*huma.ErrorModel); is {
		p, ok = invalid(model, ctx.Operation().MaxBodyBytes), true
	}
	if !ok {
		return v, nil
	}
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		ctx.SetHeader("Retry-After", "1")
	}
	u := ctx.URL()
	a.report(ctx.Method(), u.Path, p)
	return p, nil
}

// invalid makes the problem of a request that huma has refused.
func invalid(m *huma.ErrorModel, maxBody int64) *problem.Problem {
	var fields []problem.FieldError
	for _, e := range m.Errors {
		if e != nil {
			fields = append(fields, problem.FieldError{Message: e.Message, Location: e.Location, Value: preview(e.Value)})
		}
	}
	code, detail, hint := call.CodeInvalidArgument, "the request is not valid", "Look at errors: each names a field and what is expected."
	switch m.Status {
	case http.StatusBadRequest:
		code, hint = call.CodeInvalidJSON, "Send one JSON object."
		detail = "the request's body is not valid JSON"
		if len(fields) == 0 {
			detail = m.Detail
		}
	case http.StatusRequestEntityTooLarge:
		code, hint = call.CodeBodyTooLarge, "Store large data elsewhere and pass a reference."
		detail = "the request's body is larger than the limit of " + strconv.FormatInt(maxBody, 10) + " bytes"
	case http.StatusRequestTimeout:
		code, detail, hint = call.CodeTimeout, "the request's body did not arrive in time", ""
	case http.StatusUnsupportedMediaType:
		detail, hint = "the request's body has a content type that the API does not read", "Send Content-Type: application/json."
	case http.StatusInternalServerError:
		return problem.New(m.Status, call.CodeInternal, "the server failed on this request")
	}
	for i, f := range fields {
		detail += map[bool]string{true: ": ", false: "; "}[i == 0] + strings.TrimPrefix(f.Location+": ", ": ") + f.Message
	}
	p := problem.New(m.Status, code, "%s", detail).WithHint("%s", hint)
	p.Errors = fields
	return p
}

// preview keeps what was sent if it is short; a whole body is not sent back.
func preview(v any) any {
	const longest = 100
	switch v := v.(type) {
	case nil, bool, float64, int, int64:
		return v
	case string:
		if len(v) <= longest {
			return v
		}
	}
	return nil
}

// field is the problem of one wrong field.
func field(location, message string, value any) *problem.Problem {
	return invalid(&huma.ErrorModel{
		Status: http.StatusUnprocessableEntity,
		Errors: []*huma.ErrorDetail{{Location: location, Message: message, Value: value}},
	}, 0)
}
