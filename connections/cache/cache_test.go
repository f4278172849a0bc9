package cache_test

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reprise/connections/cache"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func request(url string) cache.Request {
	return cache.Request{Key: cache.KeyOf("GET", url, nil, ""), URL: url, Wish: cache.Wish{MaxAge: -1}}
}

// headerOf reads "Name: value" lines; Date is what "now" and "now-5s" are.
func headerOf(t *testing.T, text string) http.Header {
	t.Helper()
	h := http.Header{}
	for line := range strings.SplitSeq(text, "\n") {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			continue
		}
		if rest, ok := strings.CutPrefix(value, "now"); ok {
			d := time.Duration(0)
			if rest != "" {
				var err error
				if d, err = time.ParseDuration(rest); err != nil {
					t.Fatal(err)
				}
			}
			value = began.Add(d).Format(http.TimeFormat)
		}
		h.Add(name, value)
	}
	return h
}

// put has an answer kept as a leader would.
func put(c *cache.Cache, r cache.Request, a cache.Answer, now time.Time) (bool, string) {
	f, _ := c.Join(r)
	defer c.Land(f, nil)
	return c.Put(f, a, now, now)
}

func TestWhatIsKept(t *testing.T) {
	// By what an answer says, and when it is looked for: f fresh, u usable while it
	// is asked for anew, o old, - none; and e where it may be used on an error.
	for name, tc := range map[string]struct {
		header string
		status int
		rules  cache.Rules
		at     string // at 0 s, 30 s, 90 s, 200 s
	}{
		"nothing said":              {header: "", at: "----"},
		"ttl":                       {rules: cache.Rules{TTL: time.Minute}, at: "ffoo"},
		"ttl of a 404":              {status: 404, rules: cache.Rules{TTL: time.Minute}, at: "----"},
		"max-age":                   {header: "Cache-Control: max-age=60", at: "ffoo"},
		"max-age over ttl":          {header: "Cache-Control: max-age=10", rules: cache.Rules{TTL: time.Minute}, at: "fooo"},
		"max-age of a 404":          {status: 404, header: "Cache-Control: max-age=60", at: "ffoo"},
		"of a 302":                  {status: 302, header: "Cache-Control: max-age=60", at: "----"},
		"of a 206":                  {status: 206, header: "Cache-Control: max-age=60", at: "----"},
		"of a 500":                  {status: 500, header: "Cache-Control: max-age=60", at: "----"},
		"s-maxage":                  {header: "Cache-Control: max-age=10, s-maxage=60", at: "ffoo"},
		"s-maxage is not for one":   {header: "Cache-Control: max-age=10, s-maxage=60", rules: cache.Rules{Private: true}, at: "fooo"},
		"two lines":                 {header: "Cache-Control: public\nCache-Control: max-age=60", at: "ffoo"},
		"no-store":                  {header: "Cache-Control: no-store, max-age=60", rules: cache.Rules{TTL: time.Minute}, at: "----"},
		"private":                   {header: "Cache-Control: private, max-age=60", at: "----"},
		"private, and we are":       {header: "Cache-Control: private, max-age=60", rules: cache.Rules{Private: true}, at: "ffoo"},
		"private fields":            {header: `Cache-Control: private="x-a", max-age=60`, at: "----"},
		"no-cache":                  {header: "Cache-Control: no-cache, max-age=60\nETag: \"1\"", at: "oooo"},
		"no-cache, no way to ask":   {header: "Cache-Control: no-cache", rules: cache.Rules{TTL: time.Minute}, at: "----"},
		"unreadable":                {header: "Cache-Control: max-age=soon", rules: cache.Rules{TTL: time.Minute}, at: "----"},
		"pragma":                    {header: "Pragma: no-cache\nETag: \"1\"", rules: cache.Rules{TTL: time.Minute}, at: "oooo"},
		"Expires":                   {header: "Date: now\nExpires: now60s", at: "ffoo"},
		"Expires, another clock":    {header: "Date: now-1h\nExpires: now-59m\nLast-Modified: now-2h", at: "oooo"},
		"Expires: 0":                {header: "Expires: 0\nETag: \"1\"", rules: cache.Rules{TTL: time.Minute}, at: "oooo"},
		"max-age over Expires":      {header: "Cache-Control: max-age=60\nExpires: now-1h", at: "ffoo"},
		"Age":                       {header: "Cache-Control: max-age=60\nAge: 40", at: "fooo"},
		"Date":                      {header: "Cache-Control: max-age=60\nDate: now-40s", at: "fooo"},
		"Vary":                      {header: "Cache-Control: max-age=60\nVary: Accept", at: "ffoo"},
		"Vary: *":                   {header: "Cache-Control: max-age=60\nVary: Accept, *", at: "----"},
		"a tag":                     {header: "ETag: \"1\"", at: "oooo"},
		"a date":                    {header: "Last-Modified: now-1h", at: "oooo"},
		"stale-while-revalidate":    {header: "Cache-Control: max-age=20, stale-while-revalidate=100", at: "fuuo"},
		"ours":                      {header: "Cache-Control: max-age=20", rules: cache.Rules{StaleWhileRevalidate: 100 * time.Second}, at: "fuuo"},
		"theirs over ours":          {header: "Cache-Control: max-age=20, stale-while-revalidate=0", rules: cache.Rules{StaleWhileRevalidate: 100 * time.Second}, at: "fooo"},
		"must-revalidate":           {header: "Cache-Control: max-age=20, must-revalidate, stale-while-revalidate=100, stale-if-error=100", at: "fooo"},
		"stale-if-error":            {header: "Cache-Control: max-age=20, stale-if-error=100", at: "feeo"},
		"more than there are years": {header: "Cache-Control: max-age=99999999999999999999", at: "ffff"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.rules.MaxEntries, tc.rules.MaxBytes = 10, 1<<20
			c := cache.New(tc.rules)
			r := request("http://a/")
			kept, why := put(c, r, cache.Answer{Status: max(tc.status, 200), Header: headerOf(t, tc.header)}, began)
			got := ""
			for _, s := range []int{0, 30, 90, 200} {
				now := began.Add(time.Duration(s) * time.Second)
				f := c.Find(r, now)
				mark := string("-ouf"[f.State])
				if f.State == cache.Old && f.OnError(now) {
					mark = "e"
				}
				got += mark
			}
			if got != tc.at || kept != (got != "----") || why == "" {
				t.Errorf("got %s, want %s; kept %v: %s", got, tc.at, kept, why)
			}
		})
	}
}

func TestWishes(t *testing.T) {
	for text, want := range map[string]cache.Wish{
		"":                                      {MaxAge: -1},
		"Cache-Control: no-cache":               {},
		"Cache-Control: no-store":               {None: true},
		"Cache-Control: max-age=":               {None: true}, // who knows what it means
		"Cache-Control: max-age=5, min-fresh=2": {MaxAge: 5 * time.Second},
		"Pragma: no-cache":                      {},
	} {
		if got := cache.WishOf(headerOf(t, text)); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	c := cache.New(cache.Rules{TTL: time.Hour, MaxEntries: 1, MaxBytes: 1 << 20})
	r := request("http://a/")
	put(c, r, cache.Answer{Status: 200}, began)
	r.Wish.MaxAge = 10 * time.Second
	if a, b := c.Find(r, began.Add(9*time.Second)).State, c.Find(r, began.Add(10*time.Second)).State; a != cache.Fresh || b != cache.Old {
		t.Errorf("after 9 s %v, after 10 s %v", a, b)
	}
}

func TestKeys(t *testing.T) {
	// All that a request has tells keys apart, but for what it wishes.
	h := func(pairs ...string) http.Header {
		out := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			out.Add(pairs[i], pairs[i+1])
		}
		return out
	}
	seen := map[cache.Key]string{}
	for name, k := range map[string]cache.Key{
		"plain": cache.KeyOf("GET", "http://a/", h("A", "b"), ""), "method": cache.KeyOf("HEAD", "http://a/", h("A", "b"), ""),
		"url": cache.KeyOf("GET", "http://a/?", h("A", "b"), ""), "variant": cache.KeyOf("GET", "http://a/", h("A", "b"), "manual"),
		"value": cache.KeyOf("GET", "http://a/", h("A", "c"), ""), "name": cache.KeyOf("GET", "http://a/", h("B", "b"), ""),
		"twice": cache.KeyOf("GET", "http://a/", h("A", "b", "A", "b"), ""), "moved": cache.KeyOf("GET", "http://a/", h("A", "b", "B", ""), ""),
		"none": cache.KeyOf("GET", "http://a/", nil, ""),
	} {
		if other, ok := seen[k]; ok {
			t.Errorf("%s is %s", name, other)
		}
		seen[k] = name
	}
	if cache.KeyOf("GET", "http://a/", h("A", "b", "Cache-Control", "no-cache", "Pragma", "no-cache"), "") != cache.KeyOf("GET", "http://a/", h("A", "b"), "") {
		t.Error("a wish makes another key")
	}
}

func TestConfirmed(t *testing.T) {
	// A 304 makes the answer fresh again, with its headers in the place of the old.
	c := cache.New(cache.Rules{MaxEntries: 10, MaxBytes: 1 << 20})
	r := request("http://a/")
	put(c, r, cache.Answer{Status: 200, Header: headerOf(t, "ETag: \"1\"\nLast-Modified: now-1h\nX-Old: 1\nContent-Type: text/plain\nAge: 3"), Body: []byte("hello")}, began)
	f := c.Find(r, began)
	if got := fmt.Sprint(f.Conditions()); got != `map[If-Modified-Since:[Sun, 01 Mar 2026 11:00:00 GMT] If-None-Match:["1"]]` {
		t.Errorf("conditions %s", got)
	}
	a := f.Confirmed(headerOf(t, "Cache-Control: max-age=60\nETag: \"2\"\nContent-Type: none\nContent-Length: 0"))
	want := http.Header{"Etag": {`"2"`}, "Last-Modified": {"Sun, 01 Mar 2026 11:00:00 GMT"}, "X-Old": {"1"}, "Content-Type": {"text/plain"}, "Cache-Control": {"max-age=60"}}
	if !maps.EqualFunc(a.Header, want, func(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) || string(a.Body) != "hello" {
		t.Errorf("answer %v", a)
	}
	if f.Answer().Header.Get("ETag") != `"1"` {
		t.Error("the old answer was changed")
	}
}

func TestForget(t *testing.T) {
	// A write to a URL takes all that was kept of it, whatever the query, and what
	// is under way.
	c := cache.New(cache.Rules{TTL: time.Hour, MaxEntries: 10, MaxBytes: 1 << 20})
	for _, url := range []string{"http://a/x", "http://a/x?q=1", "http://a/y"} {
		put(c, request(url), cache.Answer{Status: 200}, began)
	}
	late := request("http://a/x?late")
	f, _ := c.Join(late)
	c.Forget("http://a/x?any")
	if again, leads := c.Join(late); !leads || again == f {
		t.Error("what began before the write is joined")
	}
	if kept, why := c.Put(f, cache.Answer{Status: 200}, began, began); kept {
		t.Errorf("what began before the write is kept: %s", why)
	}
	n, _ := c.Len()
	if n != 1 || c.Find(request("http://a/y"), began).State != cache.Fresh {
		t.Errorf("%d are left", n)
	}
}

func TestBounds(t *testing.T) {
	// Whatever comes, both bounds hold, and what was used last is there.
	rapid.Check(t, func(r *rapid.T) {
		rules := cache.Rules{TTL: time.Hour, MaxEntries: rapid.IntRange(1, 5).Draw(r, "entries"), MaxBytes: int64(rapid.IntRange(600, 4000).Draw(r, "bytes"))}
		c := cache.New(rules)
		for range 40 {
			q := request("http://a/" + strconv.Itoa(rapid.IntRange(0, 8).Draw(r, "url")) + "?" + strconv.Itoa(rapid.IntRange(0, 1).Draw(r, "query")))
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0:
				c.Forget(q.URL)
				if c.Find(q, began).State != cache.None {
					r.Fatal("found after a write")
				}
			case 1:
				c.Find(q, began)
			default:
				body := make([]byte, rapid.IntRange(0, 2000).Draw(r, "size"))
				kept, _ := put(c, q, cache.Answer{Status: 200, Header: http.Header{"X": {"y"}}, Body: body}, began)
				if found := c.Find(q, began); kept != (found.State == cache.Fresh) || kept && len(found.Answer().Body) != len(body) {
					r.Fatalf("kept %v, found %v", kept, found.State)
				}
			}
			if n, bytes := c.Len(); n > rules.MaxEntries || bytes > rules.MaxBytes || n == 0 && bytes != 0 {
				r.Fatalf("%d entries, %d bytes: %+v", n, bytes, rules)
			}
		}
		for i := range 9 {
			c.Forget("http://a/" + strconv.Itoa(i))
		}
		if n, bytes := c.Len(); n != 0 || bytes != 0 {
			r.Fatalf("%d entries, %d bytes are left of nothing", n, bytes)
		}
	})
}
