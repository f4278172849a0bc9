package studio

import (
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

// Options says what Handler serves. The zero value is right for the program.
type Options struct {
	// Assets is the build to serve, rooted at its index.html. Nil is the one
	// embedded in this program.
	Assets fs.FS
}

// Handler serves the studio: index.html at "/", the build's files by their
// names, 404 for everything else. Answers carry a strict content security
// policy, so a log line that is full of HTML stays text.
//
// The files are read once, here; the handler itself touches no file.
func Handler(opts Options) http.Handler {
	files := opts.Assets
	if files == nil {
		files = embedded()
	}
	if !built(files) {
		return headers(placeholder())
	}
	assets, err := load(files)
	if err != nil {
		return headers(damaged(err))
	}
	return headers(assets)
}

// policy allows the page its own files and its own origin's API, and nothing
// else: no inline script or style, no other host, no frame around it. The one
// trusted type is the template factory of the page's own framework.
const policy = "default-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types svelte-trusted-html"

// headers sets what every answer carries, errors included.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "The studio's files can only be read (GET, HEAD).", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ServeHTTP implements http.Handler.
func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = indexFile
	}
	// index.html has one address, "/": two would be two cache entries.
	f, ok := a[name]
	if !ok || r.URL.Path == "/"+indexFile {
		http.Error(w, "There is no such page here. The studio is at /.", http.StatusNotFound)
		return
	}
	f.serve(w, r)
}

func (f *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	body := f.pick(r.Header.Values("Accept-Encoding"))
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.cache)
	h.Set("ETag", body.etag)
	if len(f.bodies) > 1 {
		h.Set("Vary", "Accept-Encoding")
	}
	if matches(r.Header.Values("If-None-Match"), body.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if body.encoding != "" {
		h.Set("Content-Encoding", body.encoding)
	}
	h.Set("Content-Length", strconv.Itoa(len(body.bytes)))
	if r.Method == http.MethodHead {
		return
	}
	// A write that fails is a reader that left; there is nobody to tell.
	_, _ = w.Write(body.bytes)
}

// matches says whether an If-None-Match header names the tag. The comparison
// is the weak one, as RFC 9110 §13.1.2 wants it here.
func matches(header []string, etag string) bool {
	for part := range strings.SplitSeq(strings.Join(header, ","), ",") {
		tag := strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}
