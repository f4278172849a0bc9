package httpbind_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// values are secrets that every way of escaping changes.
var values = map[string]string{
	"API":   "s3cr3t/+&=value?",
	"QUERY": `q"uo\te <b> d%41`,
	"PASS":  "pässwörd:with:colons",
}

func tokenOf(name string) string { return connections.Token(runKey, name) }

func mustSecrets(t testing.TB, hosts map[string][]string) *connections.Secrets {
	t.Helper()
	s, err := connections.NewSecrets(values, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSecretsGoOut(t *testing.T) {
	// Each place gets the value, escaped as that place wants it.
	got := make(chan *http.Request, 1)
	var body []byte
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		got <- r
	})
	h := newHost(t, httpbind.Options{Secrets: mustSecrets(t, nil)})
	send := func(kind, text string) *http.Request {
		h.ok(web.HTTPRequest{
			Method: "POST", URL: s.URL + "/v1/" + tokenOf("API") + "/x?k=" + tokenOf("QUERY") + "&z=1",
			Headers: [][2]string{{"X-Key", "Key " + tokenOf("API")}, {"Content-Type", kind}},
			Auth:    &web.HTTPAuth{Type: "basic", Username: "me", Password: tokenOf("PASS")},
		}, text)
		return <-got
	}
	r := send("application/json; charset=utf-8", `{"a":"`+tokenOf("QUERY")+`"}`)
	if r.URL.Path != "/v1/"+values["API"]+"/x" || r.URL.Query().Get("k") != values["QUERY"] || r.Header.Get("X-Key") != "Key "+values["API"] {
		t.Errorf("url %s, headers %v", r.URL, r.Header)
	}
	if user, pass, _ := r.BasicAuth(); user != "me" || pass != values["PASS"] {
		t.Errorf("basic = %s %s", user, pass)
	}
	var doc struct{ A string }
	if err := json.Unmarshal(body, &doc); err != nil || doc.A != values["QUERY"] {
		t.Errorf("json = %s: %v", body, err)
	}
	send("application/x-www-form-urlencoded", "a="+tokenOf("API")+"&b=1")
	if form, err := url.ParseQuery(string(body)); err != nil || form.Get("a") != values["API"] {
		t.Errorf("form = %s", body)
	}
	send("text/plain", "it is "+tokenOf("API")+".")
	if string(body) != "it is "+values["API"]+"." {
		t.Errorf("text = %s", body)
	}
}

func TestForeignTokensStay(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("X-Key")) })
	h := newHost(t, httpbind.Options{Secrets: mustSecrets(t, nil)})
	for _, token := range []string{
		connections.Token([]byte("another run"), "API"), "rps_API_" + strings.Repeat("0", 32), "rps_API_", tokenOf("API")[:20],
	} {
		req := get(s.URL)
		req.Headers = [][2]string{{"X-Key", token}}
		if _, body := h.ok(req, ""); body != token {
			t.Errorf("%s became %s", token, body)
		}
	}
	req := get(s.URL)
	req.Headers = [][2]string{{"X-Key", tokenOf("GONE")}}
	h.fails(req, "", call.CodeSecretMissing, "REPRISE_SECRET_GONE")
}

func TestAllowedHosts(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/echo-away" {
			http.Redirect(w, r, "http://elsewhere.invalid/?"+r.URL.RawQuery, http.StatusFound)
		}
	})
	u, _ := url.Parse(s.URL)
	h := newHost(t, httpbind.Options{Secrets: mustSecrets(t, map[string][]string{"API": {u.Host}, "PASS": {"*.example.com"}})})
	h.ok(get(s.URL+"/?k="+tokenOf("API")), "")
	err := h.fails(get(s.URL+"/?k="+tokenOf("PASS")), "", call.CodeSecretNotAllowed, u.Host)
	if !strings.Contains(err.Message, "*.example.com") || len(h.attempts) != 1 {
		t.Errorf("%v; attempts %+v", err, h.attempts)
	}
	h.fails(get(s.URL+"/echo-away?k="+tokenOf("API")), "", call.CodeSecretNotAllowed, "elsewhere.invalid")
}

// everywhere is an upstream that says all it heard, in every form it knows.
func everywhere(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var heard []string
	for _, list := range r.Header {
		heard = append(heard, list...)
	}
	heard = append(heard, r.URL.Path, r.URL.RawQuery, string(body))
	if user, pass, ok := r.BasicAuth(); ok {
		heard = append(heard, user+":"+pass, pass)
	}
	for _, list := range r.URL.Query() {
		heard = append(heard, list...)
	}
	var out bytes.Buffer
	for i, text := range heard {
		quoted, _ := json.Marshal(text)
		fmt.Fprintf(&out, "%s\n%s\n%s\n%s\n", text, quoted, url.QueryEscape(text), url.PathEscape(text))
		for shift := range 3 {
			out.WriteString(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift)+text)) + "\n")
		}
		w.Header().Add("X-Heard", strings.Map(func(r rune) rune {
			if r < ' ' {
				return ' '
			}
			return r
		}, text))
		_ = i
	}
	_, _ = w.Write(out.Bytes())
}

// leaks looks for a value in everything of an outcome.
func leaks(o call.Outcome, value string) string {
	b, err := json.Marshal(o.Err)
	if err != nil {
		return err.Error()
	}
	quoted, _ := json.Marshal(value)
	inner := string(quoted[1 : len(quoted)-1])
	for _, text := range []string{string(b), string(o.Value), string(o.Body.Inline)} {
		for _, form := range []string{value, inner, url.QueryEscape(value), base64.StdEncoding.EncodeToString([]byte(value))} {
			if i := strings.Index(text, form); i >= 0 {
				return text[max(0, i-40):min(len(text), i+40+len(form))]
			}
		}
	}
	return ""
}

func FuzzNoSecretInOutcome(f *testing.F) {
	f.Add("s3cr3t/+&=value?", `{"a":"%s"}`, "application/json")
	f.Add(`q"uo\te <b> d%41`, "a=%s&b", "application/x-www-form-urlencoded")
	f.Add("pässwörd:with:colons", "%s%s", "text/plain")
	f.Fuzz(func(t *testing.T, value, format, kind string) {
		if len(value) < 8 || strings.Contains(tokenOf("X"), value) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f || r > 0xff }) {
			return // not an input of this test
		}
		secrets, err := connections.NewSecrets(map[string]string{"X": value}, nil)
		if err != nil {
			return // not an input of this test
		}
		s := serve(t, everywhere)
		h := newHost(t, httpbind.Options{Secrets: secrets})
		x := tokenOf("X")
		req := web.HTTPRequest{
			Method: "POST", URL: s.URL + "/" + x + "?k=" + x, Headers: [][2]string{{"X-Key", x}}, Retry: once,
			Auth: &web.HTTPAuth{Type: "basic", Username: "me", Password: x},
		}
		if httpHeader := strings.TrimSpace(kind); httpHeader != "" && !strings.ContainsAny(kind, "\r\n\x00") {
			req.Headers = append(req.Headers, [2]string{"Content-Type", kind})
		}
		o := h.do(req, strings.ReplaceAll(format, "%s", x))
		if text := leaks(o, value); text != "" {
			t.Fatalf("%q is in the outcome: …%q…", value, text)
		}
	})
}

func TestScrubbing(t *testing.T) {
	// Upstreams that echo what they got give the script its tokens back.
	s := serve(t, everywhere)
	h := newHost(t, httpbind.Options{Secrets: mustSecrets(t, nil)})
	o := h.do(web.HTTPRequest{
		Method: "POST", URL: s.URL + "/?k=" + tokenOf("API"), Headers: [][2]string{{"X-Key", tokenOf("QUERY")}},
		Auth: &web.HTTPAuth{Type: "basic", Username: "me", Password: tokenOf("PASS")},
	}, "body")
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	for name, value := range values {
		if text := leaks(o, value); text != "" {
			t.Errorf("%s: …%q…", name, text)
		}
		if !bytes.Contains(o.Body.Inline, []byte(tokenOf(name))) {
			t.Errorf("%s: no token in its place", name)
		}
	}
	if !bytes.Contains(o.Value, []byte(tokenOf("QUERY"))) {
		t.Errorf("headers: %s", o.Value)
	}
}

func TestStandardWebhooksAreSignedHere(t *testing.T) {
	// Each attempt anew, with a secret that goes nowhere.
	var got []http.Header
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, r.Header.Get("Webhook-Signature"))
	})
	const hook = "whsec_plJ3nmyCDGBKInavdOK15jsl"
	secrets, err := connections.NewSecrets(map[string]string{"HOOK": hook, "BOUND": hook}, map[string][]string{"BOUND": {"api.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, httpbind.Options{Secrets: secrets})
	req := web.HTTPRequest{
		Method: "POST", URL: s.URL, Headers: [][2]string{{"webhook-id", "msg_1"}}, IdempotencyKey: "msg_1",
		Auth: &web.HTTPAuth{Type: "standardWebhooks", Token: tokenOf("HOOK")}, Retry: &web.HTTPRetry{Attempts: 2},
	}
	h.ok(req, `{"a":1}`)
	key, err := base64.StdEncoding.DecodeString("plJ3nmyCDGBKInavdOK15jsl")
	if err != nil || len(got) != 2 {
		t.Fatal(err, len(got))
	}
	for _, header := range got {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("msg_1." + header.Get("webhook-timestamp") + `.{"a":1}`))
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); header.Get("webhook-signature") != want || header.Get("webhook-id") != "msg_1" {
			t.Errorf("signed %q, want %s", header, want)
		}
		for name, values := range header {
			if strings.Contains(strings.Join(values, " "), "plJ3nmyCDGBKInavdOK15jsl") {
				t.Errorf("the header %s has the secret", name)
			}
		}
	}
	nameless := req
	nameless.Headers = nil
	h.fails(nameless, "{}", call.CodeInvalidArgument, "needs the header webhook-id")
	bound := req
	bound.Auth = &web.HTTPAuth{Type: "standardWebhooks", Token: tokenOf("BOUND")}
	h.fails(bound, "{}", call.CodeSecretNotAllowed, "the secret BOUND")
}
