package connections_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reprise/connections"
	"reprise/runtime/call"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var key = []byte("run key")

func secretsOf(t testing.TB, values map[string]string, hosts map[string][]string) *connections.Secrets {
	t.Helper()
	s, err := connections.NewSecrets(values, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestToken(t *testing.T) {
	token := connections.Token(key, "CRM_TOKEN")
	if !strings.HasPrefix(token, "rps_CRM_TOKEN_") || len(token) != len("rps_CRM_TOKEN_")+32 {
		t.Fatalf("token = %s", token)
	}
	if token != connections.Token(key, "CRM_TOKEN") || token == connections.Token([]byte("another"), "CRM_TOKEN") || token == connections.Token(key, "CRM_TOKENS") {
		t.Error("tokens depend on the key and on the name, and on nothing else")
	}
	if name, ok := connections.IsToken(token); !ok || name != "CRM_TOKEN" {
		t.Errorf("IsToken = %q, %v", name, ok)
	}
	for _, text := range []string{"", "rps_", "x" + token, token + "0", token[:len(token)-1], strings.ToUpper(token), "rps__" + token[len(token)-32:]} {
		if name, ok := connections.IsToken(text); ok {
			t.Errorf("IsToken(%q) = %s", text, name)
		}
	}
}

func TestRedact(t *testing.T) {
	a, b := connections.Token(key, "A_1"), connections.Token(key, "B")
	for in, want := range map[string]string{
		"":                            "",
		"GET /x?k=" + a:               "GET /x?k=secret:A_1",
		a + b + "/" + a:               "secret:A_1secret:B/secret:A_1",
		"rps_A_1_ " + a + " rps_" + a: "rps_A_1_ secret:A_1 rps_secret:A_1",
	} {
		if got := connections.Redact(in); got != want {
			// rps_rps_A_1_… may be read as the name rps_A_1, too.
			if !strings.HasSuffix(got, "secret:rps_A_1") {
				t.Errorf("Redact(%q) = %q, want %q", in, got, want)
			}
		}
	}
}

func TestNewSecrets(t *testing.T) {
	for name, tc := range map[string]struct {
		values map[string]string
		hosts  map[string][]string
	}{
		"bad name":   {values: map[string]string{"a b": "value"}},
		"no name":    {values: map[string]string{"": "value"}},
		"empty":      {values: map[string]string{"A": ""}},
		"a URL":      {values: map[string]string{"A": "value"}, hosts: map[string][]string{"A": {"https://a.example.com"}}},
		"two stars":  {hosts: map[string][]string{"A": {"*.*.example.com"}}},
		"bare star":  {hosts: map[string][]string{"A": {"*"}}},
		"no port":    {hosts: map[string][]string{"A": {"a.example.com:"}}},
		"empty list": {values: map[string]string{"A": "value"}, hosts: map[string][]string{"A": {}}},
	} {
		if _, err := connections.NewSecrets(tc.values, tc.hosts); err == nil || strings.Contains(err.Error(), "value") {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	s := secretsOf(t, connections.SecretsIn([]string{"PATH=/bin", "REPRISE_SECRET_B=2=2", "REPRISE_SECRET_A=1", "REPRISE_SECRET_=x", "REPRISE_SECRET_EMPTY="}), nil)
	if d := cmp.Diff([]string{"A", "B"}, s.Names()); d != "" {
		t.Error(d)
	}
}

func TestHosts(t *testing.T) {
	for _, tc := range []struct {
		hosts []string
		url   string
		ok    bool
	}{
		{nil, "http://anywhere.example.com/", true},
		{[]string{"api.example.com"}, "https://api.example.com/x", true},
		{[]string{"api.example.com"}, "https://API.Example.Com:8443/x", true},
		{[]string{"api.example.com"}, "https://api.example.com.evil.com/", false},
		{[]string{"api.example.com"}, "https://evil.com/api.example.com", false},
		{[]string{"*.example.com"}, "https://a.b.example.com/", true},
		{[]string{"*.example.com"}, "https://example.com/", false},
		{[]string{"*.example.com"}, "https://evilexample.com/", false},
		{[]string{"api.example.com:443"}, "https://api.example.com/", true},
		{[]string{"api.example.com:443"}, "http://api.example.com/", false},
		{[]string{"a.example.com", "127.0.0.1:8080"}, "http://127.0.0.1:8080/", true},
		{[]string{"[::1]:80"}, "http://[::1]/", true},
	} {
		u, err := url.Parse(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		hosts := map[string][]string{}
		if tc.hosts != nil {
			hosts["A"] = tc.hosts
		}
		use := secretsOf(t, map[string]string{"A": "the value of A"}, hosts).Use(key)
		if _, err := use.Text(connections.Token(key, "A")); err != nil {
			t.Fatal(err)
		}
		err = use.Check(u)
		if (err == nil) != tc.ok || err != nil && (call.CodeOf(err) != call.CodeSecretNotAllowed || !strings.Contains(err.Error(), u.Host) || strings.Contains(err.Error(), "the value")) {
			t.Errorf("%v, %s: %v", tc.hosts, tc.url, err)
		}
	}
}

func TestUse(t *testing.T) {
	use := secretsOf(t, map[string]string{"A": "value of A", "A_B": "value of A_B"}, nil).Use(key)
	if use.Active() {
		t.Error("active before any token")
	}
	a, ab := connections.Token(key, "A"), connections.Token(key, "A_B")
	got, err := use.Text("<" + a + ab + ">")
	if err != nil || got != "<value of Avalue of A_B>" || !use.Active() {
		t.Fatalf("Text = %q, %v", got, err)
	}
	if got := use.ScrubText(got); got != "<"+a+ab+">" {
		t.Errorf("scrubbed = %s", got)
	}
	e := use.ScrubError(&call.Error{Name: "X", Message: "value of A", Data: []byte(`{"x":"value of A"}`), Cause: &call.Error{Message: "value of A_B"}})
	if e.Message != a || string(e.Data) != `{"x":"`+a+`"}` || e.Cause.Message != ab {
		t.Errorf("error = %+v", e)
	}
	nobody := secretsOf(t, map[string]string{"A": "value of A"}, nil).Use(nil)
	if got, err := nobody.Text(connections.Token(nil, "A")); err != nil || got == "value of A" {
		t.Errorf("a use without a key resolved %q, %v", got, err)
	}
	var none *connections.Secrets
	unset := none.Use(key)
	if _, err := unset.Text(a); call.CodeOf(err) != call.CodeSecretMissing {
		t.Errorf("err = %v", err)
	}
}

func FuzzTokens(f *testing.F) {
	// Whatever stands around them, the tokens of known secrets are found, and
	// scrubbing what came out gives the text back.
	f.Add("a", "b", "value-of-secret")
	f.Add("rps_A_", "0123456789abcdef0123456789abcdef", "value-of-secret")
	f.Add("rps_", "_", "rps_A_rps_A_")
	f.Fuzz(func(t *testing.T, before, after, value string) {
		token := connections.Token(key, "A")
		if len(value) < 8 || strings.Contains(before+token+after, value) || strings.Contains(before+"\x00"+after, token) {
			return // not an input of this test
		}
		use := secretsOf(t, map[string]string{"A": value}, nil).Use(key)
		got, err := use.Text(before + token + after)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got, value) {
			t.Fatalf("%q holds no value", got)
		}
		if back := use.ScrubText(got); strings.Contains(back, value) {
			t.Fatalf("%q is in %q", value, back)
		}
	})
}

func TestBackoff(t *testing.T) {
	b := connections.Backoff{Delay: 100 * time.Millisecond, Factor: 2, MaxDelay: time.Second}
	var got []time.Duration
	for n := range 6 {
		got = append(got, b.After(n+1, nil))
	}
	if d := cmp.Diff([]time.Duration{100e6, 200e6, 400e6, 800e6, 1e9, 1e9}, got); d != "" {
		t.Error(d)
	}
	b.Jitter = true
	if d := b.After(3, func() float64 { return 0.25 }); d != 100*time.Millisecond {
		t.Errorf("with jitter: %v", d)
	}
	if d := b.After(100000, func() float64 { return 1 }); d != time.Second {
		t.Errorf("after very many: %v", d)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"0": 0, " 120 ": 2 * time.Minute, "Sun, 22 Nov 2026 10:00:05 GMT": 5 * time.Second,
		"Sunday, 22-Nov-26 10:00:05 GMT": 5 * time.Second, "Sun, 22 Nov 2026 09:00:00 GMT": 0,
		"99999999999999999999999": 366 * 24 * time.Hour, "": -1, "-1": -1, "1.5": -1, "soon": -1,
	} {
		got, ok := connections.RetryAfter(text, now)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestSet(t *testing.T) {
	for _, base := range []string{"", "/a", "ftp://a/", "http://u:p@a/", "http://a/?b", "http://a/#b", "http://"} {
		if _, err := connections.NewSet(connections.Upstream{Name: "x", BaseURL: base}); err == nil {
			t.Errorf("the base URL %q is accepted", base)
		}
	}
	if _, err := connections.NewSet(connections.Upstream{Name: "self", BaseURL: "http://a/"}); err == nil {
		t.Error("self is taken")
	}
	s, err := connections.NewSet(connections.Upstream{Name: "x", BaseURL: "http://a/b/"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"self", "x"}, s.Names()); d != "" {
		t.Error(d)
	}
}

func TestPathsStayBelowTheBase(t *testing.T) {
	s, err := connections.NewSet(connections.Upstream{Name: "x", BaseURL: "http://a/b"})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"..", "/..", "/..?x", "/..#x", "/c/../..#?", "http://a/b/..#x", "http://a/b/%2e%2e#x", `\..#x`} {
		if got, err := s.Resolve("x", path); call.CodeOf(err) != call.CodeInvalidArgument {
			t.Errorf("%s is %q, %v", path, got, err)
		}
	}
	for path, want := range map[string]string{
		"/c?up=/../": "http://a/b/c?up=/../", "/c#/../": "http://a/b/c#/../", "/..c": "http://a/b/..c",
		"http://a/b#x": "http://a/b#x", "http://a/b?x": "http://a/b?x",
	} {
		if got, err := s.Resolve("x", path); got != want || err != nil {
			t.Errorf("%s is %q, %v, want %q", path, got, err, want)
		}
	}
}

func TestScrubbingLooksIntoQuotedJSON(t *testing.T) {
	// An echo service quotes the JSON it got in a JSON string, and so on.
	value := `passw0rd&"<>é\x/`
	use := secretsOf(t, map[string]string{"PW": value}, nil).Use(key)
	if _, err := use.Text(connections.Token(key, "PW")); err != nil {
		t.Fatal(err)
	}
	text := []byte(value)
	for level := range 3 {
		var err error
		if text, err = json.Marshal(string(text)); err != nil {
			t.Fatal(err)
		}
		got := string(use.Scrub(text))
		if strings.Contains(got, "passw0rd") || !strings.Contains(got, connections.Token(key, "PW")) {
			t.Errorf("level %d: %s", level+1, got)
		}
	}
	python := `{"data": "{\"p\": \"passw0rd&\\\"<>\\u00e9\\\\x/\"}"}`
	if got := string(use.Scrub([]byte(python))); strings.Contains(got, "passw0rd") {
		t.Errorf("escaped to ASCII: %s", got)
	}
}

func TestSecretsAreLive(t *testing.T) {
	// What the store keeps comes and goes; what was given stays, and wins; rules
	// for hosts wait for their secret.
	s := secretsOf(t, map[string]string{"GIVEN": "given value"}, map[string][]string{"LATER": {"api.example.com"}})
	use := s.Use(key)
	text := func(name string) string {
		got, err := use.Text(connections.Token(key, name))
		if err != nil {
			return string(call.CodeOf(err))
		}
		return got
	}
	want := func(names []string, given, later string) {
		t.Helper()
		if d := cmp.Diff(names, s.Names()); d != "" || text("GIVEN") != given || text("LATER") != later {
			t.Errorf("names %v, GIVEN is %s, LATER is %s", s.Names(), text("GIVEN"), text("LATER"))
		}
	}
	want([]string{"GIVEN"}, "given value", "SECRET_MISSING_ERROR")
	for _, name := range []string{"GIVEN", "LATER"} {
		if err := s.Put(name, "kept value"); err != nil {
			t.Fatal(err)
		}
	}
	want([]string{"GIVEN", "LATER"}, "given value", "kept value")
	elsewhere, err := url.Parse("https://evil.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	if err := use.Check(elsewhere); call.CodeOf(err) != call.CodeSecretNotAllowed {
		t.Errorf("it may go anywhere: %v", err)
	}
	// A request that used a value scrubs it, also when it is another one by now.
	if err := s.Put("LATER", "newer value"); err != nil {
		t.Fatal(err)
	}
	if got := use.ScrubText("<kept value>"); got != "<"+connections.Token(key, "LATER")+">" {
		t.Errorf("scrubbed: %s", got)
	}
	want([]string{"GIVEN", "LATER"}, "given value", "newer value")
	for _, bad := range []map[string]string{{"LATER": ""}, {"a b": "value"}} {
		if err := s.Replace(bad); err == nil || strings.Contains(err.Error(), "value of") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	want([]string{"GIVEN", "LATER"}, "given value", "newer value")
	s.Remove("GIVEN")
	s.Remove("LATER")
	want([]string{"GIVEN"}, "given value", "SECRET_MISSING_ERROR")
	if err := s.Replace(map[string]string{"LATER": "third value"}); err != nil {
		t.Fatal(err)
	}
	want([]string{"GIVEN", "LATER"}, "given value", "third value")
}
