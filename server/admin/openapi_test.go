package admin

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"reprise/connections/logins"
	"reprise/connections/vault"
	"reprise/runtime"
	"reprise/server/api"
	"reprise/server/problem"
)

type mediaType struct {
	Schema  json.RawMessage `json:"schema"`
	Example json.RawMessage `json:"example"`
}

type openAPI struct {
	OpenAPI string `json:"openapi"`
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID string                `json:"operationId"`
		Summary     string                `json:"summary"`
		Security    []map[string][]string `json:"security"`
		Responses   map[string]struct {
			Description string               `json:"description"`
			Content     map[string]mediaType `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas         map[string]json.RawMessage `json:"schemas"`
		SecuritySchemes map[string]struct{ Type, Scheme string }
	} `json:"components"`
}

// document returns /openapi.json, and a compiler that knows its schemas.
func document(t *testing.T, f *fixture) (openAPI, *jsonschema.Compiler) {
	t.Helper()
	w := f.do("GET /openapi.json", "")
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var doc openAPI
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("doc.json", raw); err != nil {
		t.Fatal(err)
	}
	return doc, c
}

func TestOpenAPI(t *testing.T) {
	doc, _ := document(t, newFixture(t))
	if doc.OpenAPI != "3.1.0" || doc.Info.Title == "" {
		t.Errorf("%s %+v", doc.OpenAPI, doc.Info)
	}
	got := map[string][]string{}
	ids := map[string]bool{}
	for path, item := range doc.Paths {
		got[path] = slices.Sorted(maps.Keys(item))
		for method, op := range item {
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Responses) == 0 {
				t.Errorf("%s %s: no id of its own, summary or responses: %+v", method, path, op)
			}
			ids[op.OperationID] = true
			if _, ok := op.Responses["default"]; strings.HasPrefix(path, "/api/") && !ok {
				t.Errorf("%s %s: says nothing of problems", method, path)
			}
		}
	}
	// What docs/reference/admin-api.md promises.
	if diff := cmp.Diff(map[string][]string{
		"/api/v1/server": {"get"}, "/api/v1/scripts": {"get"}, "/api/v1/scripts/{name}": {"get"},
		"/api/v1/runs": {"get", "post"}, "/api/v1/runs/{id}": {"delete", "get"}, "/api/v1/runs/{id}/cancel": {"post"},
		"/api/v1/runs/{id}/kill": {"post"}, "/api/v1/runs/{id}/pause": {"post"}, "/api/v1/runs/{id}/resume": {"post"}, "/api/v1/runs/{id}/retry": {"post"},
		"/api/v1/runs/{id}/fork": {"post"}, "/api/v1/runs/{id}/upgrade": {"post"}, "/api/v1/runs/{id}/replay": {"post"},
		"/api/v1/runs/{id}/signals/{name}": {"post"}, "/api/v1/runs/{id}/journal": {"get"}, "/api/v1/scripts/{name}/check": {"post"},
		"/api/v1/secrets": {"get"}, "/api/v1/secrets/{name}": {"delete", "put"}, "/api/v1/secrets/rotate-key": {"post"},
		"/api/v1/connections": {"get"}, "/api/v1/connections/{name}/login": {"delete", "post"}, "/api/v1/connections/{name}/login/{id}": {"get"},
		"/api/v1/webhooks": {"get"}, "/api/v1/webhooks/{id}": {"get"}, "/api/v1/webhooks/{id}/redeliver": {"post"},
		"/api/v1/logs": {"get"}, "/api/v1/tail": {"get"}, "/openapi.json": {"get"}, "/metrics": {"get"}, "/healthz": {"get"}, "/readyz": {"get"},
	}, got); diff != "" {
		t.Error(diff)
	}
	if doc.Components.SecuritySchemes["token"].Scheme != "bearer" {
		t.Errorf("security schemes: %+v", doc.Components.SecuritySchemes)
	}
	if diff := cmp.Diff([]string{
		"Apart", "Attempt", "CallDetail", "CallRef", "CheckReport", "CheckRun", "CheckScript", "Connections", "Deliveries", "Delivery", "Divergence", "Entry", "Error", "FieldError", "ForkRun", "Journal", "JournalRecord", "Limits", "Login",
		"Logs", "Position", "Problem", "ReplayCall", "ReplayLine", "ReplayReport", "ReplayRun", "ResumeRun", "RetryRun", "RotateKey", "Rotated", "Route", "Run", "Runs", "Script",
		"ScriptError", "Scripts", "Secret", "SecretSet", "Secrets", "Server", "SetSecret", "SourceProblem", "StartRun", "State", "Stats", "UpgradeRun", "Wait", "Webhook", "Workers",
	},
		slices.Sorted(maps.Keys(doc.Components.Schemas))); diff != "" {
		t.Error(diff)
	}
}

// Every schema compiles, every example fits its schema, and decodes, strictly,
// into the type that a Go client reads.
func TestOpenAPIExamples(t *testing.T) {
	doc, compiler := document(t, newFixture(t))
	for name := range doc.Components.Schemas {
		if _, err := compiler.Compile("doc.json#/components/schemas/" + name); err != nil {
			t.Errorf("schema %s: %v", name, err)
		}
	}
	types := map[string]func() any{
		"Server": func() any { return &api.Server{} }, "Script": func() any { return &api.Script{} }, "Scripts": func() any { return &api.Scripts{} },
		"Run": func() any { return &runtime.Run{} }, "Runs": func() any { return &api.Runs{} }, "Logs": func() any { return &api.Logs{} },
		"Problem": func() any { return &problem.Problem{} }, "Journal": func() any { return &api.Journal{} },
		"ReplayReport": func() any { return &runtime.ReplayReport{} }, "CheckReport": func() any { return &runtime.CheckReport{} },
		"Attempt": func() any { return &logins.Attempt{} }, "Connections": func() any { return &api.Connections{} },
		"Secrets": func() any { return &api.Secrets{} }, "SecretSet": func() any { return &api.SecretSet{} }, "Rotated": func() any { return &vault.Rotated{} },
		"Deliveries": func() any { return &api.Deliveries{} }, "Delivery": func() any { return &runtime.Delivery{} },
	}
	examples := 0
	for path, item := range doc.Paths {
		for method, op := range item {
			for status, resp := range op.Responses {
				for contentType, media := range resp.Content {
					if len(media.Schema) == 0 || !strings.HasPrefix(path, "/api/") || contentType == "text/plain" {
						continue
					}
					where := strings.Join([]string{method, path, status, contentType}, " ")
					name := fits(t, compiler, where, media)
					v := types[name]()
					d := json.NewDecoder(bytes.NewReader(media.Example))
					d.DisallowUnknownFields()
					if err := d.Decode(v); err != nil {
						t.Errorf("%s: %v", where, err)
					}
					examples++
				}
			}
		}
	}
	if examples < 15 {
		t.Errorf("only %d examples", examples)
	}
}

// fits checks the example against the schema, and returns the schema's name.
func fits(t *testing.T, c *jsonschema.Compiler, where string, media mediaType) string {
	t.Helper()
	var ref struct {
		Ref string `json:"$ref"`
	}
	if err := json.Unmarshal(media.Schema, &ref); err != nil || ref.Ref == "" {
		t.Fatalf("%s: schema is %s", where, media.Schema)
	}
	validate(t, c, where, ref.Ref, media.Example)
	return strings.TrimPrefix(ref.Ref, "#/components/schemas/")
}

func validate(t *testing.T, c *jsonschema.Compiler, where, ref string, document []byte) {
	t.Helper()
	schema, err := c.Compile("doc.json" + ref)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatalf("%s: %v in %q", where, err, document)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s: %v", where, err)
	}
}

// What the server really answers fits what the document says.
func TestAnswersFitTheirSchemas(t *testing.T) {
	f := newFixture(t)
	doc, compiler := document(t, f)
	for _, tc := range []struct{ request, body, path, status string }{
		{"GET /api/v1/server", "", "/api/v1/server", "200"},
		{"GET /api/v1/scripts", "", "/api/v1/scripts", "200"},
		{"GET /api/v1/scripts/orders%2Ffulfil", "", "/api/v1/scripts/{name}", "200"},
		{"GET /api/v1/scripts/no", "", "/api/v1/scripts/{name}", "default"},
		{"POST /api/v1/runs", `{"script":"orders/fulfil"}`, "/api/v1/runs", "202"},
		{"POST /api/v1/runs", `{"script":"orders/fulfil","wait":"9s"}`, "/api/v1/runs", "200"},
		{"POST /api/v1/runs", `{"script":1,"x":[2]}`, "/api/v1/runs", "default"},
		{"GET /api/v1/runs", "", "/api/v1/runs", "200"},
		{"GET /api/v1/runs/ended", "", "/api/v1/runs/{id}", "200"},
		{"POST /api/v1/runs/running/cancel", "", "/api/v1/runs/{id}/cancel", "202"},
		{"POST /api/v1/runs/running/pause", "", "/api/v1/runs/{id}/pause", "202"},
		{"POST /api/v1/runs/running/fork", `{"fromTurn":2}`, "/api/v1/runs/{id}/fork", "201"},
		{"POST /api/v1/runs/diverging/upgrade", "", "/api/v1/runs/{id}/upgrade", "default"},
		{"POST /api/v1/runs/running/replay", "", "/api/v1/runs/{id}/replay", "200"},
		{"GET /api/v1/runs/running/journal", "", "/api/v1/runs/{id}/journal", "200"},
		{"POST /api/v1/scripts/orders%2Ffulfil/check", "", "/api/v1/scripts/{name}/check", "200"},
		{"GET /api/v1/connections", "", "/api/v1/connections", "200"},
		{"POST /api/v1/connections/crm/login", "", "/api/v1/connections/{name}/login", "201"},
		{"GET /api/v1/connections/crm/login/a", "", "/api/v1/connections/{name}/login/{id}", "200"},
		{"GET /api/v1/secrets", "", "/api/v1/secrets", "200"},
		{"PUT /api/v1/secrets/CRM_KEY", `{"value":"x"}`, "/api/v1/secrets/{name}", "200"},
		{"PUT /api/v1/secrets/CRM_KEY", `{"value":1}`, "/api/v1/secrets/{name}", "default"},
		{"DELETE /api/v1/secrets/NOBODY", "", "/api/v1/secrets/{name}", "default"},
		{"POST /api/v1/secrets/rotate-key", "", "/api/v1/secrets/rotate-key", "200"},
		{"GET /api/v1/logs", "", "/api/v1/logs", "200"},
	} {
		method, _, _ := strings.Cut(tc.request, " ")
		w := f.do(tc.request, tc.body)
		content := doc.Paths[tc.path][strings.ToLower(method)].Responses[tc.status].Content
		media, ok := content[w.Header().Get("Content-Type")]
		if !ok {
			t.Errorf("%s: %s is not documented", tc.request, w.Header().Get("Content-Type"))
			continue
		}
		media.Example = w.Body.Bytes()
		fits(t, compiler, tc.request, media)
	}
}
