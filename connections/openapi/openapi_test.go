package openapi_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/connections/openapi"
)

var update = flag.Bool("update", false, "write the golden files")

func parse(t *testing.T, text string) *openapi.API {
	t.Helper()
	api, err := openapi.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDeclarations(t *testing.T) {
	// Every kind of schema and parameter has its TypeScript, in 3.1 and in 3.0, and
	// it is the same each time. What .ci/types checks are these files.
	const golden = "testdata/connections.d.ts"
	for range 3 {
		got := openapi.Declarations([]openapi.Described{
			{Connection: "crm", API: parse(t, read(t, "testdata/crm.yaml"))},
			{Connection: "old-shop", API: parse(t, read(t, "testdata/shop.json"))},
		})
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(read(t, golden), got); diff != "" {
			t.Fatalf("see the difference and run with -update if it is meant (-want +got):\n%s", diff)
		}
	}
}

func TestNamesThatAreNoIdentifiersAreQuoted(t *testing.T) {
	// A description can not put text of its own into the file.
	const evil = `*/ "; } evil \n`
	got := openapi.Declarations([]openapi.Described{{Connection: "a", API: parse(t, `{
		"openapi": "3.0.3", "info": {"title": "`+strings.ReplaceAll(evil, `"`, `\"`)+`", "version": "1"},
		"paths": {"/`+"`${x}"+`\"": {"get": {"summary": "a */ b", "parameters": [{"in": "query", "name": "`+"`${q}\\\""+`", "style": "deepObject", "schema": {"type": "object"}}],
			"responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object", "properties": {"a: evil;": {"enum": ["\"; evil"]}}}}}}}}}}}`)}})
	for _, want := range []string{
		`/** *` + "\u200b" + `/ "; } evil 1 */`, `/** a *` + "\u200b" + `/ b */`, `"/` + "`${x}" + `\"": {`, "`${\"`${q}\\\"\"}[${string}]`", `"a: evil;"?: "\"; evil"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestWhatIsNoDescription(t *testing.T) {
	const head = `{"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, `
	for text, want := range map[string]string{
		"":                                "no OpenAPI 3 description",
		"<html>":                          "no description that can be read",
		`{"a": 1}`:                        "no OpenAPI 3 description",
		`{"swagger": "2.0", "paths": {}}`: "this is Swagger 2.0; convert it to OpenAPI 3 first",
		"swagger: '2.0'\npaths: {}":       "this is Swagger 2.0",
		head + `"paths": {}}`:             "no paths",
		head + `"paths": {"/a": {"get": {"responses": {"200": {"$ref": "#/components/responses/no"}}}}}}`:    "no description that can be read",
		head + `"paths": {"/a": {"get": {"responses": {"200": {"$ref": "/etc/hosts#/x"}}}}}}`:                "disallowed external reference",
		head + `"paths": {"/a": {"get": {"responses": {"200": {"$ref": "http://127.0.0.1:1/secret#/x"}}}}}}`: "disallowed external reference",
		head + `"paths": {}, "x": "` + strings.Repeat("long", openapi.MaxBytes/4) + `"}`:                     "the limit is 33554432",
	} {
		if _, err := openapi.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s\n%v, want %q", text, err, want)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for _, tc := range []struct{ servers, source, want string }{
		{`[{"url": "https://a.example.com/v1/"}, {"url": "https://b.example.com"}]`, "", "https://a.example.com/v1"},
		{`[{"url": "https://{r}.example.com", "variables": {"r": {"default": "eu"}}}]`, "", "https://eu.example.com"},
		{`[{"url": "https://{r}.example.com"}]`, "", ""},
		{`[{"url": "/v1"}]`, "", ""},
		{`[{"url": "/v1"}]`, "https://a.example.com/docs/openapi.json", "https://a.example.com/v1"},
		{`[{"url": "../v1"}]`, "https://a.example.com/docs/x/openapi.json", "https://a.example.com/docs/v1"},
		{`[{"url": "ftp://a.example.com"}]`, "", ""},
		{`[{"url": "https://u:p@a.example.com/?x=1#y"}]`, "", "https://a.example.com"},
		{`[]`, "https://a.example.com/openapi.json", ""},
	} {
		api := parse(t, `{"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {"/a": {}}, "servers": `+tc.servers+`}`)
		if got := api.BaseURL(tc.source); got != tc.want {
			t.Errorf("%s from %q: %q, want %q", tc.servers, tc.source, got, tc.want)
		}
	}
}

func TestScheme(t *testing.T) {
	for _, tc := range []struct {
		security, schemes string
		want              *openapi.Scheme
	}{
		{"", `{}`, nil},
		{"", `{"a": {"type": "mutualTLS"}, "b": {"type": "http", "scheme": "Basic"}}`, &openapi.Scheme{Type: "basic"}},
		{"", `{"a": {"type": "http", "scheme": "digest"}}`, nil},
		{"", `{"a": {"type": "openIdConnect", "openIdConnectUrl": "https://a"}}`, &openapi.Scheme{Type: "bearer"}},
		{`[{"b": []}]`, `{"a": {"type": "http", "scheme": "basic"}, "b": {"type": "apiKey", "in": "header", "name": "X-Key"}}`, &openapi.Scheme{Type: "apiKey", In: "header", Name: "X-Key"}},
		{
			"", `{"a": {"type": "oauth2", "flows": {"authorizationCode": {"authorizationUrl": "https://a/a", "tokenUrl": "https://a/t", "scopes": {}}, "clientCredentials": {"tokenUrl": "https://a/c", "scopes": {"w": "", "r": ""}}}}}`,
			&openapi.Scheme{Type: "oauth2", TokenURL: "https://a/c", Scopes: []string{"r", "w"}},
		},
		{
			"", `{"a": {"type": "oauth2", "flows": {"authorizationCode": {"authorizationUrl": "https://a/a", "tokenUrl": "https://a/t", "scopes": {}}}}}`,
			&openapi.Scheme{Type: "oauth2", TokenURL: "https://a/t", AuthorizationURL: "https://a/a"},
		},
		{"", `{"a": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://a/${HOME}", "scopes": {}}}}}`, &openapi.Scheme{Type: "bearer"}},
		{"", `{"a": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://a/a", "scopes": {}}}}}`, &openapi.Scheme{Type: "bearer"}},
	} {
		security := ""
		if tc.security != "" {
			security = `"security": ` + tc.security + ", "
		}
		api := parse(t, `{"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {"/a": {}}, `+security+`"components": {"securitySchemes": `+tc.schemes+`}}`)
		if diff := cmp.Diff(tc.want, api.Scheme()); diff != "" {
			t.Errorf("%s\n(-want +got):\n%s", tc.schemes, diff)
		}
	}
}
