package openapi

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/goccy/go-yaml"
)

// MaxBytes is how long a description may be. GitHub's, of the largest there
// are, has 12 MiB.
const MaxBytes = 32 << 20

// API is a description that has been read.
type API struct{ doc *openapi3.T }

// Parse reads a description in JSON or YAML. References within it are resolved;
// one that leads out of it is an error, as is another format.
func Parse(text []byte) (*API, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("the description has %d bytes, and the limit is %d", len(text), MaxBytes)
	}
	var head struct {
		OpenAPI string `yaml:"openapi"`
		Swagger any    `yaml:"swagger"`
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if doc != nil {
		head.OpenAPI = doc.OpenAPI
	}
	if head.OpenAPI == "" && yaml.Unmarshal(text, &head) == nil && head.Swagger != nil {
		return nil, fmt.Errorf("this is Swagger %v; convert it to OpenAPI 3 first, for example with swagger2openapi", head.Swagger)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("this is no description that can be read: %w", err)
	case !strings.HasPrefix(head.OpenAPI, "3."):
		return nil, errors.New("this is no OpenAPI 3 description: it does not begin with openapi: 3.0 or 3.1")
	case doc.Paths.Len() == 0:
		return nil, errors.New("the description has no paths, and so nothing to call")
	}
	return &API{doc}, nil
}

// Title is what the API calls itself, with its version; it may be empty.
func (a *API) Title() string {
	if a.doc.Info == nil {
		return ""
	}
	return strings.Join(strings.Fields(a.doc.Info.Title+" "+a.doc.Info.Version), " ")
}

// BaseURL is the first server of the description, with the defaults of its
// variables in, and found from source, the URL of the description, where it is
// relative. It is empty if that does not make an absolute URL.
func (a *API) BaseURL(source string) string {
	if len(a.doc.Servers) == 0 {
		return ""
	}
	server := a.doc.Servers[0]
	text := server.URL
	for name, v := range server.Variables {
		if v != nil {
			text = strings.ReplaceAll(text, "{"+name+"}", v.Default)
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	if base, err := url.Parse(source); err == nil && base.Host != "" {
		u = base.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(u.String(), "{}") {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return strings.TrimRight(u.String(), "/")
}

// Scheme is how requests are authorized.
type Scheme struct {
	Type string // "bearer", "basic", "apiKey" or "oauth2"

	In, Name string // of apiKey: "header", "query" or "cookie", and the name there

	TokenURL, AuthorizationURL string   // of oauth2; without the second, client credentials
	Scopes                     []string // sorted
}

// Scheme is the first of the description's security schemes that a connection can
// have: of those that all calls need, or else by name. Nil if there is none.
func (a *API) Scheme() *Scheme {
	if a.doc.Components == nil {
		return nil
	}
	schemes := a.doc.Components.SecuritySchemes
	var names []string
	for _, needed := range a.doc.Security {
		names = append(names, slices.Sorted(maps.Keys(needed))...)
	}
	for _, name := range append(names, slices.Sorted(maps.Keys(schemes))...) {
		if ref := schemes[name]; ref != nil && ref.Value != nil {
			if s := schemeOf(ref.Value); s != nil {
				return s
			}
		}
	}
	return nil
}

func schemeOf(s *openapi3.SecurityScheme) *Scheme {
	switch {
	case s.Type == "http" && strings.EqualFold(s.Scheme, "basic"):
		return &Scheme{Type: "basic"}
	case s.Type == "http" && strings.EqualFold(s.Scheme, "bearer"), s.Type == "openIdConnect":
		return &Scheme{Type: "bearer"}
	case s.Type == "apiKey" && s.Name != "" && slices.Contains([]string{"header", "query", "cookie"}, s.In):
		return &Scheme{Type: "apiKey", In: s.In, Name: s.Name}
	case s.Type == "oauth2" && s.Flows != nil:
		return flowOf(s.Flows)
	}
	return nil
}

// flowOf prefers the flow that needs no person. The other two are not for
// servers: their tokens can be had as bearer tokens. So is one whose URL has
// braces, which would stand for variables in reprise.yaml.
func flowOf(flows *openapi3.OAuthFlows) *Scheme {
	flow := cmp.Or(flows.ClientCredentials, flows.AuthorizationCode)
	if flow == nil || flow.TokenURL == "" || strings.ContainsAny(flow.TokenURL+flow.AuthorizationURL, "{}") {
		return &Scheme{Type: "bearer"}
	}
	out := &Scheme{Type: "oauth2", TokenURL: flow.TokenURL, Scopes: slices.Sorted(maps.Keys(flow.Scopes))}
	if flow == flows.AuthorizationCode {
		out.AuthorizationURL = flow.AuthorizationURL
	}
	return out
}
