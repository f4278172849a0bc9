package studio

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func build() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		".gitkeep":               file(""),
		"index.html":             file("<!doctype html>" + strings.Repeat(" ", 100)),
		"index.html.gz":          file("gz of index"),
		"theme.js":               file("theme"),
		"assets/main-a1.js":      file(strings.Repeat("x", 200)),
		"assets/main-a1.js.br":   file("br of main"),
		"assets/main-a1.js.gz":   file("gz of main"),
		"assets/small-b2.css":    file("a{}"),
		"assets/small-b2.css.gz": file("larger than the plain one"),
	}
}

func get(t *testing.T, h http.Handler, path string, header ...string) *http.Response {
	t.Helper()
	return do(t, h, http.MethodGet, path, header...)
}

func do(t *testing.T, h http.Handler, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each file is served with its type, the right cache rule and the best encoding.
func TestServe(t *testing.T) {
	h := Handler(Options{Assets: build()})
	for _, c := range []struct {
		path, accept                       string
		status                             int
		body, encoding, cache, contentType string
	}{
		{"/", "", 200, "<!doctype", "", cacheCheck, "text/html; charset=utf-8"},
		{"/", "br", 200, "<!doctype", "", cacheCheck, "text/html; charset=utf-8"},
		{"/", "gzip, deflate, br", 200, "gz of index", "gzip", cacheCheck, "text/html; charset=utf-8"},
		{"/theme.js", "br", 200, "theme", "", cacheCheck, "text/javascript; charset=utf-8"},
		{"/assets/main-a1.js", "gzip, br;q=0.5", 200, "br of main", "br", cacheForever, "text/javascript; charset=utf-8"},
		{"/assets/main-a1.js", "gzip, br;q=0", 200, "gz of main", "gzip", cacheForever, "text/javascript; charset=utf-8"},
		{"/assets/main-a1.js", "x-gzip", 200, "gz of main", "gzip", cacheForever, "text/javascript; charset=utf-8"},
		{"/assets/main-a1.js", "br;q=nonsense", 200, "xxx", "", cacheForever, "text/javascript; charset=utf-8"},
		{"/assets/main-a1.js", "*", 200, "xxx", "", cacheForever, "text/javascript; charset=utf-8"},
		{"/assets/small-b2.css", "gzip", 200, "a{}", "", cacheForever, "text/css; charset=utf-8"},
		{"/index.html", "", 404, "no such page", "", "", "text/plain; charset=utf-8"},
		{"/assets/main-a1.js.br", "", 404, "no such page", "", "", "text/plain; charset=utf-8"},
		{"/.gitkeep", "", 404, "no such page", "", "", "text/plain; charset=utf-8"},
		{"/assets/", "", 404, "no such page", "", "", "text/plain; charset=utf-8"},
		{"/assets/../index.html", "", 404, "no such page", "", "", "text/plain; charset=utf-8"},
	} {
		t.Run(c.path+" "+c.accept, func(t *testing.T) {
			r := get(t, h, c.path, "Accept-Encoding", c.accept)
			got := text(t, r)
			if r.StatusCode != c.status || !strings.Contains(got, c.body) {
				t.Fatalf("%d %q, want %d with %q", r.StatusCode, got, c.status, c.body)
			}
			for name, want := range map[string]string{
				"Content-Encoding": c.encoding, "Cache-Control": c.cache, "Content-Type": c.contentType,
			} {
				if r.Header.Get(name) != want {
					t.Errorf("%s is %q, want %q", name, r.Header.Get(name), want)
				}
			}
		})
	}
}

// A reader that has the file is told so, and each encoding has its own tag.
func TestETag(t *testing.T) {
	h := Handler(Options{Assets: build()})
	br := get(t, h, "/assets/main-a1.js", "Accept-Encoding", "br").Header.Get("ETag")
	plain := get(t, h, "/assets/main-a1.js").Header.Get("ETag")
	if br == plain || br == "" {
		t.Fatalf("tags: br %q, plain %q", br, plain)
	}
	for _, match := range []string{plain, `"other", W/` + plain, "*"} {
		r := get(t, h, "/assets/main-a1.js", "If-None-Match", match)
		if r.StatusCode != http.StatusNotModified || text(t, r) != "" {
			t.Errorf("If-None-Match %s: %d", match, r.StatusCode)
		}
	}
	if r := get(t, h, "/assets/main-a1.js", "If-None-Match", br); r.StatusCode != http.StatusOK {
		t.Errorf("the tag of another encoding: %d", r.StatusCode)
	}
	if r := get(t, h, "/assets/main-a1.js"); r.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("Vary is %q", r.Header.Get("Vary"))
	}
}

// Every answer, good or bad, carries the policy.
func TestHeaders(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"built": Handler(Options{Assets: build()}),
		"not":   Handler(Options{Assets: fstest.MapFS{}}),
	} {
		for _, path := range []string{"/", "/nope"} {
			r := get(t, h, path)
			csp := r.Header.Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") {
				t.Errorf("%s %s: policy %q", name, path, csp)
			}
			if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s %s: %v", name, path, r.Header)
			}
		}
	}
}

// HEAD answers like GET without the body; nothing else is allowed.
func TestMethods(t *testing.T) {
	h := Handler(Options{Assets: build()})
	r := do(t, h, http.MethodHead, "/theme.js")
	if r.StatusCode != 200 || r.Header.Get("Content-Length") != "5" || text(t, r) != "" {
		t.Errorf("HEAD: %d, length %s", r.StatusCode, r.Header.Get("Content-Length"))
	}
	r = do(t, h, http.MethodPost, "/")
	if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", r.StatusCode, r.Header.Get("Allow"))
	}
}

// A tree without a build serves a page that says how to make one.
func TestNotBuilt(t *testing.T) {
	files := fstest.MapFS{".gitkeep": &fstest.MapFile{}}
	if built(files) {
		t.Fatal("an empty folder counts as a build")
	}
	h := Handler(Options{Assets: files})
	r := get(t, h, "/")
	if body := text(t, r); r.StatusCode != 200 || !strings.Contains(body, "make build") {
		t.Fatalf("%d %s", r.StatusCode, body)
	}
	if r := get(t, h, "/placeholder.css"); r.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Fatalf("style: %v", r.Header)
	}
}

// A build that cannot be read is said, not served half.
func TestDamaged(t *testing.T) {
	r := get(t, Handler(Options{Assets: failing{build()}}), "/")
	if body := text(t, r); r.StatusCode != 500 || !strings.Contains(body, "disk on fire") {
		t.Fatalf("%d %s", r.StatusCode, body)
	}
}

type failing struct{ fstest.MapFS }

func (f failing) Open(name string) (fs.File, error) {
	if name == "theme.js" {
		return nil, errors.New("disk on fire")
	}
	return f.MapFS.Open(name)
}

func (f failing) ReadFile(name string) ([]byte, error) {
	if name == "theme.js" {
		return nil, errors.New("disk on fire")
	}
	return f.MapFS.ReadFile(name)
}

// Whatever this tree was built with, the embedded handler answers at "/".
func TestEmbedded(t *testing.T) {
	r := get(t, Handler(Options{}), "/")
	body := text(t, r)
	if r.StatusCode != 200 || !strings.Contains(body, "Reprise") {
		t.Fatalf("%d %s", r.StatusCode, body)
	}
	if Built() == strings.Contains(body, "not in this build") {
		t.Fatalf("Built() is %v, the page says otherwise", Built())
	}
}
