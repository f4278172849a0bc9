package stdlib_test

import (
	"encoding/json"
	"strings"
	"testing"

	"reprise/runtime/call"
)

func TestGraphQLRequest(t *testing.T) {
	// What is sent, and of which class: a query is tried again, a mutation only with a key.
	for body, want := range map[string]struct {
		class     call.Class
		key, text string
	}{
		"gql(`{ a }`)": {call.Idempotent, "", `{"query":"{ a }"}`},
		"gql(`query Q($n: Int) { a(n: $n) }`, { n: 1 }, { operationName: 'Q' })": {call.Idempotent, "", `{"query":"query Q($n: Int) { a(n: $n) }","variables":{"n":1},"operationName":"Q"}`},
		"gql(`mutation { a }`)":                               {call.Write, "", `{"query":"mutation { a }"}`},
		"gql(`mutation { a }`, {}, { idempotencyKey: 'k1' })": {call.Idempotent, "k1", `{"query":"mutation { a }","variables":{}}`},
		"gql(`mutation { a }`, null, { idempotent: true })":   {call.Idempotent, "", `{"query":"mutation { a }"}`},
	} {
		p := start(t, `const gql = graphql(env.shop, "/graphql"); await `+body)
		if len(p.open) != 1 {
			t.Fatalf("%s: %v", body, p.turn.Err)
		}
		c, r := p.open[0], requestOf(t, p.open[0])
		if c.Class != want.class || r.IdempotencyKey != want.key || r.body != want.text || c.Target != "POST shop:/graphql" {
			t.Errorf("%s\n%s %v %q %s", body, c.Target, c.Class, r.IdempotencyKey, r.body)
		}
	}
	p := start(t, `await graphql(http.create({ headers: { "x-a": "1" } }), "https://a.example.com/g")("{ a }", null, { headers: { "X-B": "2" }, timeout: "3s", retry: 0 })`)
	headers := map[string]string{}
	r := requestOf(t, p.open[0])
	for _, h := range r.Headers {
		headers[strings.ToLower(h[0])] = h[1]
	}
	if headers["x-a"] != "1" || headers["x-b"] != "2" || headers["accept"] != "application/graphql-response+json, application/json;q=0.9" || r.TimeoutMS != 3000 || r.Retry.Attempts != 1 {
		t.Errorf("%+v", r)
	}
}

func TestGraphQLKnowsWrites(t *testing.T) {
	// A mutation is one wherever it stands, and nothing else is taken for one.
	for text, isWrite := range map[string]bool{
		"query { mutation }":      false,
		"query mutation { a }":    false,
		"{ a } # mutation { b }":  false,
		"# x\n\ufeff mutation{a}": true,
		`{ a(b: "mutation { c }", c: """ " mutation { d } \""" mutation{e}""") }`: false,
		`{ a(b: "\" } mutation { c }") }`:                                         false,
		"query Q { a } mutation M { b }":                                          true,
		"fragment mutation on T { a } query { ...mutation }":                      false,
		"query ($a: I = { x: [1] }) @d(y: { z: 1 }) { a } mutation { b }":         true,
		"query ($a: I = { x: [1] }) @d(y: { z: 1 }) { mutation { b } }":           false,
		"fragment F on T { a } mutation { ...F }":                                 true,
		"":                                    false,
		"query ($a: I) @mutation(x: 1) { a }": false,
		`"""about it""" mutation { a } query { b }`: true,
		"nonsense with mutation":                    true, // nobody knows
	} {
		b, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		p := start(t, `await graphql(env.shop, "/g")(`+string(b)+`)`)
		if len(p.open) != 1 || p.open[0].Class == call.Write != isWrite {
			t.Errorf("%s: %v, %v", text, p.open, p.turn.Err)
		}
	}
	start(t, `await graphql(env.shop, "/g")("subscription { a }")`).fails("INVALID_ARGUMENT_ERROR gql can not subscribe")
}

func TestGraphQLAnswers(t *testing.T) {
	type object = map[string]any
	bad := []object{
		{"message": "no such order", "path": []any{"order", 0, "total"}, "extensions": object{"code": "NOT_FOUND"}, "locations": []object{{"line": 1, "column": 3}}},
		{"message": "and another"},
	}
	const told = `.catch((e) => [e instanceof GraphQLError, e.name, e.code, e.status, e.message, e.errors, e.data, e.cause?.code])`
	for name, tc := range map[string]struct {
		options string
		says    answer
		want    string
	}{
		"data":          {`{}`, answer{body: object{"data": object{"a": 1}}}, `{"a":1}`},
		"data, partial": {`{ partial: true }`, answer{body: object{"data": object{"a": 1}}}, `{"data":{"a":1},"errors":[]}`},
		"part of it": {
			`{}`,
			answer{body: object{"data": object{"a": 1, "order": nil}, "errors": bad}},
			`[true,"GraphQLError","GRAPHQL_ERROR",200,"query Q was answered with no such order (at order.0.total), and 1 more",[{"extensions":{"code":"NOT_FOUND"},"locations":[{"column":3,"line":1}],"message":"no such order","path":["order",0,"total"]},{"message":"and another"}],{"a":1,"order":null},null]`,
		},
		"part of it, partial": {`{ partial: true }`, answer{body: object{"data": object{"a": 1}, "errors": bad[1:]}}, `{"data":{"a":1},"errors":[{"message":"and another"}]}`},
		"nothing, partial": {
			`{ partial: true }`,
			answer{status: 400, body: object{"errors": bad[1:]}},
			`[true,"GraphQLError","GRAPHQL_ERROR",400,"query Q was answered with and another",[{"message":"and another"}],null,"HTTP_ERROR"]`,
		},
		"no GraphQL": {`{}`, answer{body: []int{1}}, `[true,"GraphQLError","GRAPHQL_ERROR",200,"query Q was answered with neither data nor errors; is that the address of a GraphQL API?",[],null,null]`},
	} {
		t.Run(name, func(t *testing.T) {
			start(t, `return await graphql(env.shop, "/g")("query Q { a }", null, `+tc.options+`)`+told).
				serve(func(asked) answer { return tc.says }).gives(tc.want)
		})
	}
	start(t, `return await graphql(env.shop, "/g")("mutation Pay($id: ID) { pay }")`).
		serve(func(asked) answer { return answer{body: object{"errors": bad[1:]}} }).fails("GRAPHQL_ERROR mutation Pay was answered with and another")
	ask := `return await graphql(env.shop, "/g")("{ a }")`
	start(t, ask).serve(func(asked) answer { return answer{status: 502, body: "<html>"} }).fails("HTTP_ERROR POST https://shop.example/v2/g answered 502")
	start(t, ask).serve(func(asked) answer { return answer{body: "<html>"} }).fails("INVALID_JSON_ERROR")
	// What is recorded of the error: enough to find it, and no answers of any size.
	p := start(t, ask).serve(func(asked) answer { return answer{body: object{"data": object{"a": 1}, "errors": bad}} })
	p.fails("GRAPHQL_ERROR query was answered with no such order (at order.0.total), and 1 more")
	if got := string(p.turn.Err.Data); got != `{"errors":[{"message":"no such order","path":["order",0,"total"],"code":"NOT_FOUND"},{"message":"and another"}],"status":200}` &&
		got != `{"status":200,"errors":[{"message":"no such order","path":["order",0,"total"],"code":"NOT_FOUND"},{"message":"and another"}]}` {
		t.Error(got)
	}
}

func TestArgumentsOfGraphQL(t *testing.T) {
	for body, want := range map[string]string{
		`graphql("https://a.example.com")`:                            "graphql takes a client first: http, one of http.create, or env.NAME; not a string",
		`graphql(env.shop, "/g")(5)`:                                  "gql takes a GraphQL document as text first, not a number",
		`graphql(env.shop, "/g")("{ a }", {}, { json: 1 })`:           `gql has no option "json"`,
		`graphql(env.shop, "/g")("{ a }", {}, { idempotencyKey: 5 })`: "idempotencyKey must be",
	} {
		start(t, `await `+body).fails("INVALID_ARGUMENT_ERROR " + want)
	}
}
