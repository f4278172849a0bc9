package openapi_test

import (
	"os"
	"strings"
	"testing"

	"reprise/connections/openapi"
)

func FuzzDeclarations(f *testing.F) {
	// Whatever is a description makes declarations, of which no text of its own breaks
	// out: lines and comments are ours.
	for _, path := range []string{"testdata/crm.yaml", "testdata/shop.json"} {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	const head = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {responses: {'200': {description: a, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}}}}\n"
	for _, schemas := range []string{
		"{A: {allOf: [{$ref: '#/components/schemas/A'}]}}", "{A: {$ref: '#/components/schemas/B'}, B: {$ref: '#/components/schemas/A'}}",
		"{A: {properties: {a: {$ref: '#/components/schemas/A/properties/b'}, b: {$ref: '#/components/schemas/A/properties/a'}}}}", "{A: {type: [], enum: []}}",
	} {
		f.Add([]byte(head + "components: {schemas: " + schemas + "}\n"))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		api, err := openapi.Parse(text)
		if err != nil {
			return
		}
		api.BaseURL("https://a.example.com/openapi.json")
		api.Scheme()
		got := openapi.Declarations([]openapi.Described{{Connection: "a", API: api}})
		if n, m := strings.Count(got, "/*"), strings.Count(got, "*/"); n < m && !strings.Contains(string(text), "*/") {
			t.Fatalf("%d comments begin and %d end:\n%s", n, m, got)
		}
	})
}
