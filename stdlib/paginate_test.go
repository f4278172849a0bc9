package stdlib_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/vm"
)

// shelf is an API with seven things, three to a page, in every manner there is.
func shelf(a asked) answer {
	u, err := url.Parse(a.full)
	if err != nil {
		panic(err)
	}
	const total, size = 7, 3
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(u.Query().Get(name)); err == nil {
			return n
		}
		return otherwise
	}
	first := number("at", 0)
	switch u.Path {
	case "/v2/page", "/page":
		first = (number("page", 1) - 1) * size
	case "/v2/offset", "/offset":
		first = number("offset", 0)
	}
	items := []int{}
	for i := first; i < min(first+size, total); i++ {
		items = append(items, i)
	}
	next := ""
	if first+size < total {
		q := u.Query()
		q.Set("at", strconv.Itoa(first+size))
		next = u.Path + "?" + q.Encode()
	}
	switch u.Path {
	case "/v2/link", "/link":
		var headers [][2]string
		if next != "" {
			headers = [][2]string{{"link", `</v2/link?x=1>; rel="first prev", <` + next + `>; title="a, b; c"; rel="last Next"`}}
		}
		return answer{body: items, headers: headers}
	case "/v2/cursor", "/cursor":
		meta := map[string]any{"next": nil}
		if next != "" {
			meta["next"] = first + size
		}
		return answer{body: map[string]any{"data": map[string]any{"items": items}, "meta": meta}}
	case "/v2/body", "/body":
		return answer{body: map[string]any{"items": items, "next": next}}
	}
	return answer{body: map[string]any{"items": items, "total": strconv.Itoa(total), "pages": 3}}
}

func TestPaginate(t *testing.T) {
	const all = "[0,1,2,3,4,5,6]"
	for name, tc := range map[string]struct {
		args string
		urls []string
	}{
		"link, a path of a connection": {
			`env.shop, "/link", { query: { q: "a b" } }`,
			[]string{"/link?q=a+b", "/link?at=3&q=a+b", "/link?at=6&q=a+b"},
		},
		"link, a whole URL": {
			`http, "https://a.example.com/link", { query: { q: 1 }, link: { rel: "NEXT" } }`,
			[]string{"https://a.example.com/link?q=1", "https://a.example.com/link?at=3&q=1", "https://a.example.com/link?at=6&q=1"},
		},
		"link, a client with a base": {
			`http.create({ baseURL: "https://shop.example/v2" }), "link"`,
			[]string{"https://shop.example/v2/link", "https://shop.example/v2/link?at=3", "https://shop.example/v2/link?at=6"},
		},
		"a URL in the body": {
			`env.self, "body", { link: { path: "next" }, items: "items" }`,
			[]string{"/body", "/body?at=3", "/body?at=6"},
		},
		"cursor": {
			`env.shop, "/cursor?limit=3", { cursor: { path: "meta.next", query: "at" }, items: "data.items", query: { q: 1 } }`,
			[]string{"/cursor?limit=3&q=1", "/cursor?limit=3&at=3&q=1", "/cursor?limit=3&at=6&q=1"},
		},
		"cursor by functions": {
			`env.shop, "/cursor", { cursor: { path: (body, response) => response.status === 200 && body.meta.next, query: "at" }, items: (body) => body.data.items }`,
			[]string{"/cursor", "/cursor?at=3", "/cursor?at=6"},
		},
		"offset up to an empty page": {
			`env.shop, "/offset", { offset: {}, items: "items" }`,
			[]string{"/offset?offset=0", "/offset?offset=3", "/offset?offset=6", "/offset?offset=7"},
		},
		"offset up to the total": {
			`env.shop, "/offset", { offset: { total: "total" }, items: "items" }`,
			[]string{"/offset?offset=0", "/offset?offset=3", "/offset?offset=6"},
		},
		"offset, the total is not there": {
			`env.shop, "/offset", { offset: { total: (body) => null }, items: "items" }`,
			[]string{"/offset?offset=0", "/offset?offset=3", "/offset?offset=6", "/offset?offset=7"},
		},
		"page": {
			`env.shop, "/page", { page: {}, items: "items" }`,
			[]string{"/page?page=1", "/page?page=2", "/page?page=3", "/page?page=4"},
		},
		"page, as many as it says": {
			`env.shop, "/page#top", { page: { pages: "pages" }, items: "items" }`,
			[]string{"/page?page=1", "/page?page=2", "/page?page=3"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var urls []string
			api := func(a asked) answer { urls = append(urls, strings.TrimSuffix(a.URL, "#top")); return shelf(a) }
			start(t, `const out = []; for await (const item of paginate(`+tc.args+`)) out.push(item); return out`).serve(api).gives(all)
			if d := cmp.Diff(tc.urls, urls); d != "" {
				t.Errorf("URLs: -want +got\n%s", d)
			}
			// From the cursor of each page it goes on with the rest.
			start(t, `const all = [], args = [`+tc.args+`];
				for await (const page of paginate(...args).pages()) all.push({ ...page, response: page.response.status });
				for (const [i, page] of all.entries()) {
					if (page.cursor === null) continue;
					const rest = await paginate(args[0], args[1], { ...args[2], from: page.cursor }).toArray();
					const want = all.slice(i + 1).flatMap((p) => p.items);
					if (String(rest) !== String(want) || page.number !== i + 1) throw new Error(page.cursor + " gives " + rest + ", not " + want);
				}
				return [all.at(-1).cursor, all.flatMap((p) => p.items)]`).serve(shelf).gives("[null," + all + "]")
		})
	}
}

func TestPaginateIsLazy(t *testing.T) {
	// A page is asked for when its first item is, and what is wrong with the
	// way on is no error for those who do not go there.
	p := start(t, `for await (const item of paginate(env.shop, "/link")) if (item === 4) break;`).serve(shelf)
	p.logs("GET shop:/link", "GET shop:/link")
	p = start(t, `for await (const page of paginate(http, "https://a.example.com/").pages()) { return page.cursor }`).
		serve(func(asked) answer {
			return answer{body: []int{1}, headers: [][2]string{{"link", `<https://evil.example/>; rel=next`}}}
		})
	p.gives(`"https://evil.example/"`)
}

func TestPaginateRefuses(t *testing.T) {
	to := func(target string) upstream {
		return func(asked) answer {
			return answer{body: []int{1}, headers: [][2]string{{"link", "<" + target + ">; rel=next"}}}
		}
	}
	says := func(body any) upstream { return func(asked) answer { return answer{body: body} } }
	calls := 0
	endless := func(asked) answer {
		calls++
		return answer{body: map[string]any{"next": calls, "items": []int{calls}}}
	}
	for name, tc := range map[string]struct {
		args string
		api  upstream
		want string
	}{
		"another host":            {`http, "https://a.example.com/x"`, to("https://evil.example/x"), `PAGINATION_ERROR GET https://a.example.com/x: the next page is said to be at https://evil.example, which is not https://a.example.com`},
		"another port":            {`http, "https://a.example.com/x"`, to("//a.example.com:8443/x"), `said to be at https://a.example.com:8443`},
		"no TLS any more":         {`http, "https://a.example.com/x", { hosts: ["a.example.com"] }`, to("http://a.example.com/y"), `said to be at http://a.example.com`},
		"a host of a connection":  {`env.shop, "/x"`, to("https://evil.example/v2/x"), `said to be at https://evil.example, which is not https://shop.example`},
		"a link to no web page":   {`http, "https://a.example.com/x"`, to("javascript:1"), `said to be at null`},
		"no URL":                  {`http, "https://a.example.com/x"`, to("https://a b"), `PAGINATION_ERROR GET https://a.example.com/x: the link to the next page is no URL`},
		"its own page":            {`http, "https://a.example.com/x?y=1"`, to("?y=1"), `PAGINATION_ERROR GET https://a.example.com/x: page 1 leads back to page 1; the list would never end`},
		"its own page, of a path": {`env.shop, "/x"`, to("/v2/x#again"), `page 1 leads back to page 1`},
		"a cursor again":          {`env.shop, "/x", { cursor: { path: "next" }, items: "items" }`, says(map[string]any{"next": "c", "items": []int{}}), `page 2 leads back to page 2`},
		"too many":                {`env.shop, "/x", { cursor: { path: "next" }, items: "items", maxPages: 4 }`, endless, `there are more than 4 pages; go on with from: error.cursor, or raise maxPages`},
		"no list":                 {`env.shop, "/x"`, says(map[string]any{"data": []int{}}), `PAGINATION_ERROR GET https://shop.example/v2/x: the answer is no list; say where it is, such as items: "data"; the answer has data`},
		"no list there":           {`env.shop, "/x", { items: "data.rows" }`, says(map[string]any{"data": map[string]any{"Rows": 1}}), `there is no list at items: "data.rows"; the answer has data`},
		"a list of a prototype":   {`env.shop, "/x", { items: "constructor" }`, says(map[string]any{}), `there is no list at items: "constructor"; the answer has nothing`},
		"a cursor that is none":   {`env.shop, "/x", { items: "items", cursor: { path: "next" } }`, says(map[string]any{"items": []int{1}, "next": map[string]int{}}), `the next cursor is an object, not text or a number`},
		"a link that is none":     {`env.shop, "/x", { items: "items", link: { path: "next" } }`, says(map[string]any{"items": []int{1}, "next": 5}), `the link to the next page is a number, not text`},
		"a status":                {`env.shop, "/x"`, func(asked) answer { return answer{status: 404, body: "{}"} }, `HTTP_ERROR GET https://shop.example/v2/x answered 404`},
		"two styles":              {`http, "x", { page: {}, cursor: { path: "next" } }`, nil, `INVALID_ARGUMENT_ERROR paginate was told both cursor and page; an API has one kind of pages`},
		"no client":               {`"https://a.example.com"`, nil, `paginate takes a client first: http, one of http.create, or env.NAME; not a string`},
		"no URL at all":           {`http, 5`, nil, `url must be a string or a URL, not a number`},
		"an option":               {`http, "x", { limit: 5 }`, nil, `paginate has no option "limit"; it takes link, cursor,`},
		"an option of a style":    {`http, "x", { cursor: { param: "x" } }`, nil, `cursor has no option "param"; it takes path, query`},
		"cursor without a path":   {`http, "x", { cursor: {} }`, nil, `cursor needs a path to the next cursor in the answer`},
		"a path that is none":     {`env.shop, "/x", { items: 5 }`, says([]int{}), `items must be a path such as "meta.items" or a function, not a number`},
		"hosts":                   {`http, "x", { hosts: "b.example.com" }`, nil, `hosts must be a list such as ["files.example.com"], not a string`},
		"rel":                     {`http, "x", { link: { rel: 5 } }`, nil, `rel must be a string, not a number`},
		"maxPages":                {`http, "x", { maxPages: 0 }`, nil, `maxPages must be a whole number from 1 to 100000`},
		"from":                    {`http, "x", { from: {} }`, nil, `from must be the cursor of a page, not an object`},
		"from, no number":         {`env.shop, "/x", { offset: {}, from: "abc" }`, nil, `from must be a whole number here, not abc`},
		"from another host":       {`http, "https://a.example.com/x", { from: "https://evil.example/" }`, nil, `PAGINATION_ERROR from: the next page is said to be at https://evil.example`},
	} {
		t.Run(name, func(t *testing.T) {
			start(t, `const out = []; for await (const item of paginate(`+tc.args+`)) out.push(item); return out`).serve(tc.api).fails(tc.want)
		})
	}
	if calls != 4 {
		t.Errorf("%d pages were asked for, of at most 4", calls)
	}
}

func TestPaginateElsewhere(t *testing.T) {
	// Another host is followed to when the script names it; a link may be
	// relative, and one with an anchor is about something else.
	api := func(a asked) answer {
		switch a.URL {
		case "https://a.example.com/x/":
			return answer{body: []int{1}, headers: [][2]string{{"link", `<https://c.example/>; rel=next; anchor="/other"`}, {"link", `<https://b.example.com/1>; rel=next`}}}
		case "https://b.example.com/1":
			return answer{body: []int{2}, headers: [][2]string{{"link", `<https://a.example.com/x/?p=2>; rel="next"`}}}
		case "https://a.example.com/x/?p=2":
			return answer{body: []int{3}, headers: [][2]string{{"link", `<y?p=3>; rel="next"`}}}
		case "https://a.example.com/x/y?p=3":
			return answer{status: 204}
		}
		return answer{status: 404, body: a.URL}
	}
	start(t, `return await paginate(http, new URL("https://a.example.com/x/"), { hosts: ["b.example.com"] }).toArray()`).serve(api).gives("[1,2,3]")
	// An empty list may be null.
	start(t, `return await paginate(env.shop, "/x", { items: "items", page: {} }).toArray()`).
		serve(func(asked) answer { return answer{body: map[string]any{"items": nil}} }).gives("[]")
	// Only what an answer has itself is found in it.
	start(t, `return await paginate(env.shop, "/x", { items: "items", cursor: { path: "__proto__.constructor" } }).toArray()`).
		serve(func(asked) answer { return answer{body: map[string]any{"items": []int{1}}} }).gives("[1]")
	// The error says where to go on.
	p := start(t, `return await paginate(env.shop, "/link", { maxPages: 1 }).toArray().catch(async (e) => [e.name, e.code, await paginate(env.shop, "/link", { from: e.cursor }).toArray()])`).serve(shelf)
	p.gives(`["PaginationError","PAGINATION_ERROR",[3,4,5,6]]`)
	// What is kept of it has no query, which may have credentials.
	p = start(t, `await paginate(http, "https://a.example.com/link?key=s3cret", { maxPages: 1 }).toArray()`).serve(shelf)
	if p.fails("PAGINATION_ERROR"); strings.Contains(p.turn.Err.Error()+string(p.turn.Err.Data), "s3cret") {
		t.Errorf("%v %s", p.turn.Err, p.turn.Err.Data)
	}
}

// link is one link of a header, for the property test.
type link struct {
	URL    string            `json:"url"`
	Rel    []string          `json:"rel"`
	Params map[string]string `json:"params"`
}

// written is a link as RFC 8288 lets one write it: with spaces anywhere, names
// in any case, quotes where they must be and where they may be.
func (l link) written(rng *rand.Rand) string {
	space := func() string { return []string{"", "", " ", "\t "}[rng.IntN(4)] }
	var b strings.Builder
	b.WriteString("<" + l.URL + ">")
	names := make([]string, 0, len(l.Params))
	for name := range l.Params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := l.Params[name]
		if rng.IntN(2) == 0 {
			name = strings.ToUpper(name)
		}
		b.WriteString(space() + ";" + space() + name)
		isToken := value != "" && !strings.ContainsAny(value, " \t,;\"\\<>=")
		switch {
		case value == "" && rng.IntN(2) == 0: // a name alone
		case isToken && rng.IntN(2) == 0:
			b.WriteString(space() + "=" + space() + value)
		default:
			b.WriteString(space() + "=" + space() + `"`)
			for _, r := range value {
				if r == '"' || r == '\\' || rng.IntN(8) == 0 {
					b.WriteByte('\\')
				}
				b.WriteRune(r)
			}
			b.WriteByte('"')
		}
	}
	if len(names) > 0 && rng.IntN(4) == 0 { // repeated: the first one counts
		b.WriteString("; " + names[0] + "=again")
	}
	return b.String()
}

func TestLinkHeadersRoundTrip(t *testing.T) {
	// Whatever links are written, however they are written, are read.
	rng := rand.New(rand.NewPCG(8288, 1))
	text := func(from string, most int) string {
		out := ""
		for range rng.IntN(most + 1) {
			out += string(from[rng.IntN(len(from))])
		}
		return out
	}
	var want [][]link
	var headers []string
	for range 1000 {
		links := []link{}
		header := ""
		for range rng.IntN(4) {
			l := link{URL: "https://a.example.com/" + text("abc,;=?&/%20", 12), Rel: []string{}, Params: map[string]string{}}
			for range rng.IntN(3) {
				l.Rel = append(l.Rel, []string{"next", "prev", "last", "https://x.example/rel,y"}[rng.IntN(4)])
			}
			if len(l.Rel) > 0 || rng.IntN(2) == 0 {
				l.Params["rel"] = strings.Join(l.Rel, " ")
			}
			for range rng.IntN(3) {
				l.Params["p"+text("abcxyz*", 3)] = text(`ab ,;="\<>rel=next`, 10)
			}
			links = append(links, l)
			header += []string{"", " ", ", ,"}[rng.IntN(3)] + l.written(rng) + []string{"", " ", ","}[rng.IntN(3)] + ","
		}
		want, headers = append(want, links), append(headers, header)
	}
	var got [][]link
	read(t, `return input.map(parseLink)`, headers, &got)
	for i := range want {
		if d := cmp.Diff(want[i], got[i]); d != "" {
			t.Fatalf("%s\n-written +read\n%s", headers[i], d)
		}
	}
}

func TestLinkHeadersThatAreBroken(t *testing.T) {
	// What can not be read ends the list; what was read before it stays.
	var got [][]link
	read(t, `return [undefined, null, ...input].map((h) => parseLink(h))`,
		[]string{"", "x", "<", "<a", "<a>", `<a>; rel="next`, `<a>; rel=next; x="\`, "<a>; rel=next, b", "<a> junk; x=1, <b>; rel=next", "<a>;;=x;rel = next;,", `<a>; __proto__=x; constructor=y`}, &got)
	var seen []string
	for _, links := range got {
		line := ""
		for _, l := range links {
			line += fmt.Sprintf("%s %v %v|", l.URL, l.Rel, l.Params)
		}
		seen = append(seen, line)
	}
	want := []string{
		"", "", "", "", "", "", "a [] map[]|", "a [next] map[rel:next]|", `a [next] map[rel:next x:\]|`, "a [next] map[rel:next]|",
		"a [] map[]|b [next] map[rel:next]|", "a [next] map[rel:next]|", "a [] map[constructor:y]|",
	}
	if d := cmp.Diff(want, seen); d != "" {
		t.Error(d)
	}
}

// read runs a script with an input and reads its result.
func read(t *testing.T, body string, input, into any) {
	t.Helper()
	b, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	p := begin(t, imports+"export default async function (input, env) {\n"+body+"\n}", vm.Start{Input: b})
	if !p.turn.Done || p.turn.Err != nil {
		t.Fatalf("done %v, %v", p.turn.Done, p.turn.Err)
	}
	if err := json.Unmarshal(p.turn.Value, into); err != nil {
		t.Fatal(err)
	}
}
