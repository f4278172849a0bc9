package studio

import (
	_ "embed" // for the two files of the page below
	"net/http"
	"strconv"
)

// The page of a program that was built without the front end: its own small
// files, under the same policy as the real one.
var (
	//go:embed placeholder.html
	placeholderHTML string
	//go:embed placeholder.css
	placeholderCSS string
)

func placeholder() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			write(w, "text/html; charset=utf-8", placeholderHTML)
		case "/placeholder.css":
			write(w, "text/css; charset=utf-8", placeholderCSS)
		default:
			http.Error(w, "There is no such page here. The studio is not in this build; see /.", http.StatusNotFound)
		}
	})
}

func write(w http.ResponseWriter, contentType, text string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store") // the next build is another page
	h.Set("Content-Length", strconv.Itoa(len(text)))
	// A write that fails is a reader that left; net/http drops the body of HEAD.
	_, _ = w.Write([]byte(text))
}

// damaged answers for a build that could not be read.
func damaged(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "The studio's files could not be read: "+err.Error(), http.StatusInternalServerError)
	})
}
