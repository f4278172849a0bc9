package studio

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strconv"
	"strings"
)

const indexFile = "index.html"

// Names under this folder carry a hash of their content, so a name never gets
// a second content and may be kept for ever.
const hashedFolder = "assets/"

const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheCheck   = "no-cache" // keep it, but ask (the ETag answers) before use
)

// assets maps a path without its leading slash to the file.
type assets map[string]*asset

// asset is one file, in every encoding that the build has made of it.
type asset struct {
	contentType string
	cache       string
	bodies      []body // best first; the last one is plain
}

type body struct {
	encoding string // "" is plain
	bytes    []byte
	etag     string
}

// encodings lists what the build may have made beside a file, best first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// load reads a build.
func load(files fs.FS) (assets, error) {
	out := assets{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("studio: reading the build: %w", err)
		}
		if d.IsDir() || hidden(name) || encoded(name) {
			return nil
		}
		a, err := read(files, name)
		if err != nil {
			return err
		}
		out[name] = a
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func read(files fs.FS, name string) (*asset, error) {
	plain, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("studio: reading %s of the build: %w", name, err)
	}
	a := &asset{contentType: contentType(name), cache: cacheCheck}
	if strings.HasPrefix(name, hashedFolder) {
		a.cache = cacheForever
	}
	for _, e := range encodings {
		// No such file means only that the build did not find it worth while.
		if b, err := fs.ReadFile(files, name+e.suffix); err == nil && len(b) < len(plain) {
			a.bodies = append(a.bodies, newBody(e.name, b))
		}
	}
	a.bodies = append(a.bodies, newBody("", plain))
	return a, nil
}

func newBody(encoding string, b []byte) body {
	sum := sha256.Sum256(b)
	return body{encoding, b, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func hidden(name string) bool { return strings.HasPrefix(path.Base(name), ".") }

func encoded(name string) bool {
	for _, e := range encodings {
		if strings.HasSuffix(name, e.suffix) {
			return true
		}
	}
	return false
}

// contentType does not leave the common ones to the machine's own table, which
// on some systems says text/plain for JavaScript.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map":
		return "application/json"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

// pick returns the best body that the reader accepts.
func (a *asset) pick(accept []string) body {
	quality := parseAccept(accept)
	for _, b := range a.bodies {
		if b.encoding == "" || quality[b.encoding] > 0 {
			return b
		}
	}
	return a.bodies[len(a.bodies)-1]
}

// parseAccept reads Accept-Encoding. What is not named is not accepted; "*" is
// not taken up, because plain is always right.
func parseAccept(header []string) map[string]float64 {
	out := map[string]float64{}
	for part := range strings.SplitSeq(strings.Join(header, ","), ",") {
		name, params, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "x-gzip" {
			name = "gzip"
		}
		q := 1.0
		if k, v, ok := strings.Cut(strings.TrimSpace(params), "="); ok && strings.EqualFold(strings.TrimSpace(k), "q") {
			f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err != nil {
				f = 0 // a quality that is no number asks for nothing
			}
			q = f
		}
		out[name] = q
	}
	return out
}
