package httpbind_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// echoCredentials answers with what credentials came, and where.
func echoCredentials(w http.ResponseWriter, r *http.Request) {
	if to := r.URL.Query().Get("to"); to != "" {
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		return
	}
	fmt.Fprintf(w, "%s auth=%q cookie=%q key=%q sign=%q", r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("X-Key"), r.Header.Get("X-Sign"))
}

func TestHostsThatAConnectionAllows(t *testing.T) {
	// Absolute URLs at hosts that the connection allows are called with its
	// credentials; redirects keep these among them, and nowhere else.
	api, upload, stranger := serve(t, echoCredentials), serve(t, echoCredentials), serve(t, echoCredentials)
	token := connections.Token(runKey, "KEY")
	all := func(path string) string {
		return fmt.Sprintf("%s auth=%q cookie=%q key=%q sign=%q", path, "Bearer "+token, "a=b", token, "")
	}
	none := func(path string) string {
		return fmt.Sprintf("%s auth=%q cookie=%q key=%q sign=%q", path, "", "", "", "")
	}
	u := connections.Upstream{
		BaseURL: api.URL + "/v2", Allow: []string{strings.TrimPrefix(upload.URL, "http://")}, Headers: map[string]string{"X-Key": "${secret:KEY}"},
		Auth: &connections.Auth{Type: "bearer", Token: "${secret:KEY}"},
	}
	for name, tc := range map[string]struct{ url, want string }{
		"the API":            {"/a", all("/v2/a")},
		"an upload":          {upload.URL + "/u", all("/u")},
		"redirect to it":     {"/a?to=" + upload.URL + "/u", all("/u")},
		"and back":           {"/a?to=" + upload.URL + "/u%3Fto%3D" + api.URL + "/end", all("/end")},
		"from it":            {upload.URL + "/u?to=" + api.URL + "/end", all("/end")},
		"to a stranger":      {"/a?to=" + stranger.URL + "/s", none("/s")},
		"by the upload":      {upload.URL + "/u?to=" + stranger.URL + "/s", none("/s")},
		"a stranger, and on": {"/a?to=" + stranger.URL + "/s%3Fto%3D" + upload.URL + "/u", none("/u")},
	} {
		t.Run(name, func(t *testing.T) {
			o := upstreamHost(t, u).at(web.HTTPRequest{URL: tc.url, Headers: [][2]string{{"Cookie", "a=b"}}})
			if got := string(o.Body.Inline); o.Err != nil || got != tc.want {
				t.Errorf("got  %s\nwant %s\n%v", got, tc.want, o.Err)
			}
		})
	}
	for name, url := range map[string]string{
		"a stranger": stranger.URL + "/s", "another port": "http://127.0.0.1:1/", "the API, above": api.URL + "/v1", "climbing": upload.URL + "/a/../b", "credentials": strings.Replace(upload.URL, "//", "//me:you@", 1),
	} {
		if o := upstreamHost(t, u).at(web.HTTPRequest{URL: url}); call.CodeOf(o.Err) != call.CodeInvalidArgument {
			t.Errorf("%s: %s, %v", name, o.Body.Inline, o.Err)
		}
	}
}

func TestAllowedHostsAndSecrets(t *testing.T) {
	// A secret's own list of hosts holds there, too.
	api, upload := serve(t, echoCredentials), serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the secret was sent") })
	u := connections.Upstream{
		BaseURL: api.URL, Allow: []string{strings.TrimPrefix(upload.URL, "http://")}, Auth: &connections.Auth{Type: "bearer", Token: "${secret:OWN}"},
	}
	h, _ := secretHost(t, u, map[string]string{"OWN": "the value of OWN"}, map[string][]string{"OWN": {strings.TrimPrefix(api.URL, "http://")}})
	for _, url := range []string{upload.URL, "/?to=" + upload.URL} {
		if o := h.at(web.HTTPRequest{URL: url}); call.CodeOf(o.Err) != call.CodeSecretNotAllowed {
			t.Errorf("%s: %v", url, o.Err)
		}
	}
}

func TestARedirectIsSignedAnew(t *testing.T) {
	api, upload := serve(t, echoCredentials), serve(t, echoCredentials)
	u := connections.Upstream{
		BaseURL: api.URL, Allow: []string{strings.TrimPrefix(upload.URL, "http://")},
		Auth: &connections.Auth{Type: "hmac", HMAC: &connections.HMAC{Secret: "${secret:KEY}", Message: "{path}", Set: map[string]string{"x-sign": "{path} {signature}"}}},
	}
	for _, to := range []string{upload.URL, api.URL} {
		o := upstreamHost(t, u).at(web.HTTPRequest{URL: "/a?to=" + to + "/end"})
		if got := string(o.Body.Inline); o.Err != nil || !strings.Contains(got, `sign="/end `) {
			t.Errorf("%s: %s, %v", to, got, o.Err)
		}
	}
}

func TestHostsThatCanNotBeAllowed(t *testing.T) {
	for _, host := range []string{"", "https://a.example.com", "*.example.com", "a.example.com/x", "a b", "a:b"} {
		if _, err := connections.NewSet(connections.Upstream{Name: "x", BaseURL: "http://a", Allow: []string{host}}); err == nil {
			t.Errorf("%q was taken", host)
		}
	}
	// What begins encrypted stays so.
	s, err := connections.NewSet(connections.Upstream{Name: "x", BaseURL: "https://a", Allow: []string{"b"}}, connections.Upstream{Name: "y", BaseURL: "http://a", Allow: []string{"b"}})
	if err != nil {
		t.Fatal(err)
	}
	for url, ok := range map[string][2]bool{"https://b/": {true, true}, "http://b/": {false, true}} {
		for i, name := range []string{"x", "y"} {
			if _, err := s.Resolve(name, url); (err == nil) != ok[i] {
				t.Errorf("%s at %s: %v", url, name, err)
			}
		}
	}
}

func TestAllowedHostsOfOtherNames(t *testing.T) {
	// net/http takes off what it knows of credentials as soon as the name is another.
	set, err := connections.NewSet(connections.Upstream{
		Name: "shop", BaseURL: "https://api.example.com", Allow: []string{"upload.example.net"}, Auth: &connections.Auth{Type: "basic", Username: "ada", Password: "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, httpbind.Options{Connections: set, Transport: inMemory(echoCredentials)})
	for to, want := range map[string]string{
		"https://upload.example.net/u": `/u auth="Basic YWRhOng=" cookie="a=b" key="mine" sign=""`,
		"http://upload.example.net/u":  `/u auth="" cookie="" key="mine" sign=""`,
		"https://other.example.net/u":  `/u auth="" cookie="" key="mine" sign=""`,
		"https://upload.example.net/u?to=https://other.example.net/u%3Fto=https://api.example.com/end": `/end auth="" cookie="" key="mine" sign=""`,
		"https://upload.example.net/u?to=https://api.example.com/end":                                  `/end auth="Basic YWRhOng=" cookie="a=b" key="mine" sign=""`,
	} {
		o := h.at(web.HTTPRequest{URL: "/?to=" + url.QueryEscape(to), Headers: [][2]string{{"Cookie", "a=b"}, {"X-Key", "mine"}}})
		if got := string(o.Body.Inline); o.Err != nil || got != want {
			t.Errorf("%s:\ngot  %s\nwant %s\n%v", to, got, want, o.Err)
		}
	}
}
