package httpbind_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/connections/egress"
	"reprise/runtime/call"
	"reprise/runtime/call/hosts"
	"reprise/runtime/vm/web"
)

// names is a name server: what each name leads to, one after another. The last
// address stays.
type names struct {
	leads map[string][]string

	mu    sync.Mutex
	asked map[dnsmessage.Question]int
}

// resolver asks n and nobody else.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			for n.answer(server) == nil {
			}
		}()
		return client, nil
	}}
}

// answer answers one question, as over TCP.
func (n *names) answer(c net.Conn) error {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil {
		return err
	}
	m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
	q := m.Questions[0]
	addr, found := n.lead(q)
	header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
	switch {
	case q.Name.String() == "ill.example.":
		m.RCode = dnsmessage.RCodeServerFailure
	case !found:
		m.RCode = dnsmessage.RCodeNameError
	case addr.Is4() && q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}}}
	case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}}
	}
	b, err := m.Pack()
	if err != nil {
		return err
	}
	_, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}

// lead returns where a name leads to now. IPv4 and IPv6 are asked for at the
// same time, so each has its own count of the look-ups.
func (n *names) lead(q dnsmessage.Question) (netip.Addr, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asked == nil {
		n.asked = map[dnsmessage.Question]int{}
	}
	n.asked[q]++
	leads := n.leads[strings.TrimSuffix(q.Name.String(), ".")]
	if len(leads) == 0 {
		return netip.Addr{}, false
	}
	return netip.MustParseAddr(leads[min(n.asked[q], len(leads))-1]), true
}

// denied checks that a call is refused by the rule, at once, with one attempt
// at most.
func (h *host) denied(req web.HTTPRequest, rule egress.Rule, text string) {
	h.t.Helper()
	h.attempts = nil
	e := h.fails(req, "", call.CodeEgressDenied, text)
	var data struct{ Host, Address, Rule string }
	if err := json.Unmarshal(e.Data, &data); err != nil || data.Rule != string(rule) || data.Host == "" {
		h.t.Errorf("%s: data = %s, want the rule %s", req.URL, e.Data, rule)
	}
	if e.Name != "EgressDeniedError" || len(h.attempts) > 1 || len(h.waits) > 0 {
		h.t.Errorf("%s: %s, attempts %+v, waits %v", req.URL, e.Name, h.attempts, h.waits)
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	// In whatever form they are written, with nothing looked up and nothing sent.
	n := &names{}
	h := newHost(t, httpbind.Options{Egress: egress.Strict(), Resolver: n.resolver()})
	for _, tc := range []struct {
		host string
		rule egress.Rule
	}{
		{"127.0.0.1", "loopback"},
		{"127.255.255.254", "loopback"},
		{"[::1]", "loopback"},
		{"localhost", "loopback"},
		{"LOCALHOST.", "loopback"},
		{"db.localhost", "loopback"},
		{"2130706433", "loopback"},
		{"0x7f000001", "loopback"},
		{"017700000001", "loopback"},
		{"0177.0.0.1", "loopback"},
		{"0x7f.1", "loopback"},
		{"127.1", "loopback"},
		{"127.0.1", "loopback"},
		{"127.0.0.1.", "loopback"},
		{"[::ffff:127.0.0.1]", "loopback"},
		{"[::ffff:7f00:1]", "loopback"},
		{"[::1%25lo]", "loopback"},
		{"\uff11\uff12\uff17.0.0.1", "loopback"},
		{"127\u30020\u30020\u30021", "loopback"},
		{"\u2460\u2461\u2466.0.0.1", "loopback"},
		{"10.0.0.1", "private"},
		{"172.31.255.255", "private"},
		{"192.168.0.1", "private"},
		{"100.64.0.1", "private"},
		{"[fd00::1]", "private"},
		{"[fc00::1]", "private"},
		{"3232235521", "private"},
		{"100.100.100.200", "private"}, // metadata, too
		{"169.254.0.1", "link-local"},
		{"[fe80::1]", "link-local"},
		{"[fe80::1%25eth0]", "link-local"},
		{"169.254.169.254", "cloud metadata"},
		{"2852039166", "cloud metadata"},
		{"[::ffff:169.254.169.254]", "cloud metadata"},
		{"[fd00:ec2::254]", "cloud metadata"},
		{"168.63.129.16", "cloud metadata"},
		{"0.0.0.0", "unspecified"},
		{"0", "unspecified"},
		{"[::]", "unspecified"},
		{"0.1.2.3", "reserved"},
		{"224.0.0.1", "multicast"},
		{"[ff02::1]", "multicast"},
		{"255.255.255.255", "broadcast"},
		{"192.0.2.1", "reserved"},
		{"198.18.0.1", "reserved"},
		{"198.51.100.1", "reserved"},
		{"203.0.113.1", "reserved"},
		{"192.0.0.192", "reserved"},
		{"240.0.0.1", "reserved"},
		{"[2001:db8::1]", "reserved"},
		{"[64:ff9b::7f00:1]", "reserved"},
		{"[64:ff9b::169.254.169.254]", "reserved"},
		{"[2002:7f00:1::]", "reserved"},
		{"[2001:0:7f00:1::]", "reserved"},
		{"[::127.0.0.1]", "reserved"},
	} {
		for _, url := range []string{"http://" + tc.host + "/", "https://" + tc.host + ":8443/x?y"} {
			h.denied(get(url), tc.rule, "and not for scripts; to allow it, set egress.allow: [public, ")
		}
	}
	// What is no address and no name is an argument that can not be taken.
	for _, url := range []string{"http://:8081/", "http://1.2.3.256/", "http://1.2.3.4.5/", "http://127.0.0.08/", "http://a..b/", `http://good.example\@127.0.0.1/`, "http://good.example@127.0.0.1/", "http://127.0.0.1#@good.example/"} {
		o := h.do(get(url), "")
		if code := call.CodeOf(o.Err); code != call.CodeInvalidArgument && code != call.CodeEgressDenied {
			t.Errorf("%s: %v", url, o.Err)
		}
	}
	if len(n.asked) > 0 {
		t.Errorf("looked up: %v", n.asked)
	}
}

func TestWhereANameLeadsIsWhatCounts(t *testing.T) {
	// A name that led to an allowed address leads elsewhere the next time: the
	// address of the socket is looked at, so there is no time in between.
	reached := 0
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		reached++
		w.Header().Set("Connection", "close")
	})
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	n := &names{leads: map[string][]string{
		"rebound.example": {"127.0.0.1", "127.0.0.2", "10.0.0.1", "::1", "169.254.169.254"},
		"inside.example":  {"192.168.1.1"},
	}}
	h := newHost(t, httpbind.Options{Egress: egressOf(t, "public", "127.0.0.1"), Resolver: n.resolver()})
	rebound := "http://rebound.example:" + at.Port() + "/"
	h.ok(get(rebound), "")
	for _, want := range []struct{ addr, kind string }{{"127.0.0.2", "loopback"}, {"10.0.0.1", "private"}, {"::1", "loopback"}, {"169.254.169.254", "cloud metadata"}} {
		h.denied(get(rebound), egress.Rule(want.kind), "rebound.example leads to the address "+want.addr+", which is "+want.kind)
	}
	h.denied(get("http://inside.example/"), "private", "inside.example leads to the address 192.168.1.1, which is private (192.168.0.0/16) and not for scripts; to allow it, add 192.168.1.1 to egress.allow")
	if reached != 1 {
		t.Errorf("reached %d times", reached)
	}
}

func TestAPublicNameThatIsReboundToALoopbackAddress(t *testing.T) {
	// The look-up before the dial says public, the one of the dial does not.
	n := &names{leads: map[string][]string{"rebound.example": {"93.184.216.34", "127.0.0.1"}}}
	found, err := n.resolver().LookupNetIP(t.Context(), "ip4", "rebound.example")
	if err != nil || len(found) != 1 || egress.Strict().CheckAddr(hosts.Target{Name: "rebound.example", Port: 80}, found[0]) != nil {
		t.Fatalf("%v, %v", found, err)
	}
	h := newHost(t, httpbind.Options{Egress: egress.Strict(), Resolver: n.resolver()})
	h.denied(get("http://rebound.example/"), "loopback", "leads to the address 127.0.0.1")
}

func TestRedirectsAreChecked(t *testing.T) {
	// An allowed host may not send a call where the script could not have.
	var hops []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hops = append(hops, r.URL.Path)
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	n := &names{leads: map[string][]string{"inside.example": {"10.0.0.1"}}}
	at := strings.TrimPrefix(s.URL, "http://")
	h := newHost(t, httpbind.Options{Egress: egressOf(t, "public", at), Resolver: n.resolver()})
	for to, rule := range map[string]egress.Rule{
		"http://169.254.169.254/latest/meta-data/": "cloud metadata",
		"http://2130706433/":                       "loopback",
		"http://0x7f.1/":                           "loopback",
		"http://localhost/":                        "loopback",
		"//10.0.0.1/":                              "private",
		"http://" + at + "@10.0.0.1/":              "private",
		"http://inside.example/":                   "private",
		"http://[::ffff:7f00:1]/":                  "loopback",
		"http://0.0.0.0/":                          "unspecified",
		s.URL + "/again?to=http%3A%2F%2F127.1%2F":  "loopback",
	} {
		hops = nil
		h.denied(get(s.URL+"/first?to="+url.QueryEscape(to)), rule, "not for scripts")
		if len(hops) == 0 || len(hops) > 2 {
			t.Errorf("%s: %v", to, hops)
		}
	}
	// Nobody follows a redirect that is only shown.
	manual := get(s.URL + "/?to=" + url.QueryEscape("http://127.0.0.1/"))
	manual.Redirect = "manual"
	if res, _ := h.ok(manual, ""); res.Status != http.StatusTemporaryRedirect {
		t.Errorf("status = %d", res.Status)
	}
}

func TestConnectionsAreTrusted(t *testing.T) {
	// The operator wrote the base URL, so it may be anywhere; a redirect to
	// elsewhere is the word of a stranger, also when that leads back.
	var first, second string
	seen := []string{}
	answer := func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path)
		switch r.URL.Path {
		case "/api/stay":
			http.Redirect(w, r, "/api/end", http.StatusFound)
		case "/api/leave":
			http.Redirect(w, r, second+"/end", http.StatusFound)
		case "/api/away":
			http.Redirect(w, r, strings.Replace(second, "127.0.0.1", "away.example", 1)+"/back", http.StatusFound)
		case "/back":
			http.Redirect(w, r, first+"/api/end", http.StatusFound)
		}
	}
	first, second = serve(t, answer).URL, serve(t, answer).URL
	set, err := connections.NewSet(connections.Upstream{Name: "api", BaseURL: first + "/api"})
	if err != nil {
		t.Fatal(err)
	}
	n := &names{leads: map[string][]string{"away.example": {"127.0.0.1"}}}
	at, err := url.Parse(second)
	if err != nil {
		t.Fatal(err)
	}
	// The other server is allowed for the stranger, by its port.
	h := newHost(t, httpbind.Options{Connections: set, Egress: egressOf(t, "public", "127.0.0.1:"+at.Port()), Resolver: n.resolver()})
	strict := newHost(t, httpbind.Options{Connections: set, Egress: egress.Strict()})
	by := func(path string) web.HTTPRequest { return web.HTTPRequest{Method: "GET", Connection: "api", URL: path} }
	h.ok(by("/end"), "")
	h.ok(by("/stay"), "")
	h.ok(by(first+"/api/end"), "")
	h.ok(by("/leave"), "")
	strict.denied(by("/leave"), "loopback", "the address 127.0.0.1 is loopback")
	seen = nil
	h.denied(by("/away"), "loopback", "the address 127.0.0.1 is loopback")
	if got := strings.Join(seen, " "); got != "/api/away /back" {
		t.Errorf("seen: %s", got)
	}
	// Its idle connections are no way in for URLs that scripts choose.
	strict.ok(by("/end"), "")
	strict.denied(get(first+"/api/end"), "loopback", "the address 127.0.0.1 is loopback")
}

func TestIdleConnectionsAreNoWayIn(t *testing.T) {
	// By name, so that only what is dialled tells: the connection of the base URL
	// is idle, and another request for the same host does not get it.
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	n := &names{leads: map[string][]string{"inside.example": {"127.0.0.1"}}}
	base := "http://inside.example:" + at.Port()
	set, err := connections.NewSet(connections.Upstream{Name: "api", BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, httpbind.Options{Connections: set, Egress: egress.Strict(), Resolver: n.resolver()})
	for range 2 {
		h.ok(web.HTTPRequest{Method: "GET", Connection: "api", URL: "/"}, "")
		h.denied(get(base+"/"), "loopback", "inside.example leads to the address 127.0.0.1")
	}
}

func TestTheScriptsOwnList(t *testing.T) {
	// It narrows what the server allows, and never widens it; connections are
	// the operator's.
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	})
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	set, err := connections.NewSet(connections.Upstream{Name: "api", BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	n := &names{leads: map[string][]string{"a.example": {"127.0.0.1"}, "b.example": {"127.0.0.1"}}}
	h := newHost(t, httpbind.Options{Connections: set, Egress: egressOf(t, "loopback"), Resolver: n.resolver()})
	do := func(req web.HTTPRequest, allow ...string) call.Outcome {
		p := h.performance(req, "")
		if p.Egress, err = hosts.Parse(allow); err != nil {
			t.Fatal(err)
		}
		return h.b.Do(t.Context(), p)
	}
	a, b := "http://a.example:"+at.Port()+"/", "http://b.example:"+at.Port()+"/"
	oauth := get(a)
	oauth.Auth = &web.HTTPAuth{Type: "oauth2", TokenURL: b, ClientID: "x", ClientSecret: "y"}
	for _, tc := range []struct {
		name  string
		req   web.HTTPRequest
		allow []string
		want  string
	}{
		{"listed", get(a), []string{"a.example"}, ""},
		{"with its port", get(a), []string{"*.example:" + at.Port()}, ""},
		{"not listed, while a connection to it is idle", get(b), []string{"a.example"}, "config.egress.allow of this script does not have b.example; add it there"},
		{"an address", get(s.URL), []string{"127.0.0.0/8"}, ""},
		{"an address, not listed", get(s.URL), []string{"a.example"}, "does not have 127.0.0.1"},
		{"a name is not its address", get(a), []string{"127.0.0.1"}, "does not have a.example"},
		{"nothing", get(a), nil, "does not have a.example"},
		{"wider than the server's", get("http://10.0.0.1/"), []string{"10.0.0.1"}, "the address 10.0.0.1 is private"},
		{"a redirect", get(a + "?to=" + url.QueryEscape(b)), []string{"a.example"}, "does not have b.example"},
		{"a connection", web.HTTPRequest{Method: "GET", Connection: "api", URL: "/"}, nil, ""},
		{"a redirect of a connection", web.HTTPRequest{Method: "GET", Connection: "api", URL: "/?to=" + url.QueryEscape(b)}, nil, "does not have b.example"},
		{"a token endpoint", oauth, []string{"a.example"}, "does not have b.example"},
	} {
		o := do(tc.req, tc.allow...)
		if (o.Err == nil) != (tc.want == "") || o.Err != nil && (call.CodeOf(o.Err) != call.CodeEgressDenied || !strings.Contains(o.Err.Message, tc.want)) {
			t.Errorf("%s: %v", tc.name, o.Err)
		}
	}
}

func TestTokenEndpointsAreChecked(t *testing.T) {
	// The script chose the URL of the token endpoint, also when the call is to a
	// connection.
	asked := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			asked++
			_, _ = io.WriteString(w, `{"access_token":"t","token_type":"Bearer"}`)
		}
	})
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	set, err := connections.NewSet(connections.Upstream{Name: "api", BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	n := &names{leads: map[string][]string{"inside.example": {"127.0.0.1"}}}
	h := newHost(t, httpbind.Options{Connections: set, Egress: egress.Strict(), Resolver: n.resolver()})
	for _, endpoint := range []string{s.URL, "http://inside.example:" + at.Port()} {
		h.denied(web.HTTPRequest{
			Method: "GET", Connection: "api", URL: "/", Auth: &web.HTTPAuth{Type: "oauth2", TokenURL: endpoint + "/token", ClientID: "a", ClientSecret: "b"},
		}, "loopback", "loopback")
	}
	if asked > 0 {
		t.Errorf("asked %d times", asked)
	}
}

func TestBehindAProxy(t *testing.T) {
	// The proxy dials, so a name is looked up here first, each time. The proxy
	// itself is the operator's word.
	var performed []string
	proxy := serve(t, func(_ http.ResponseWriter, r *http.Request) { performed = append(performed, r.URL.String()) })
	through, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	n := &names{leads: map[string][]string{
		"api.example":     {"93.184.216.34"},
		"inside.example":  {"10.0.0.1"},
		"rebound.example": {"93.184.216.34", "127.0.0.1"},
	}}
	options := httpbind.Options{
		Egress: egress.Strict(), Resolver: n.resolver(), Random: func() float64 { return 1 },
		Proxy: func(r *http.Request) (*url.URL, error) {
			if r.URL.Hostname() == "bad.example" {
				return nil, fmt.Errorf("no proxy for %s", r.URL.Hostname())
			}
			return through, nil
		},
	}
	h := newHost(t, options)
	h.ok(get("http://api.example/x"), "")
	h.ok(get("http://93.184.216.34/"), "")
	h.ok(get("http://rebound.example/"), "")
	h.denied(get("http://rebound.example/"), "loopback", "leads to the address 127.0.0.1")
	h.denied(get("http://inside.example/"), "private", "leads to the address 10.0.0.1")
	h.denied(get("http://169.254.169.254/"), "cloud metadata", "169.254.169.254")
	h.denied(get(proxy.URL), "loopback", "127.0.0.1")
	h.denied(get("http://unknown.example/"), "unresolved", "unknown.example can not be looked up here")
	h.fails(single("http://ill.example/"), "", call.CodeConnect, "the name ill.example could not be looked up")
	h.fails(web.HTTPRequest{Method: "POST", URL: "http://bad.example/", Retry: once}, "body", call.CodeNetwork, "no proxy for bad.example")
	if got, want := strings.Join(performed, " "), "http://api.example/x http://93.184.216.34/ http://rebound.example/"; got != want {
		t.Errorf("performed %s, want %s", got, want)
	}
	options.Egress = egressOf(t, "unknown.example")
	newHost(t, options).ok(get("http://unknown.example/"), "")
	options.Egress, performed = egressOf(t, "public"), nil
	cancelled := newHost(t, options)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o := cancelled.b.Do(ctx, cancelled.performance(get("http://api.example/"), "")); call.CodeOf(o.Err) != call.CodeCancelled || len(performed) > 0 {
		t.Errorf("%v, %v", o.Err, performed)
	}
}

func TestTheAdminOriginIsNotForScripts(t *testing.T) {
	// Neither by an address nor by a name, also where loopback is allowed.
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("reached") })
	at := strings.TrimPrefix(s.URL, "http://")
	_, port, _ := net.SplitHostPort(at)
	policy := egressOf(t, "public", "loopback", "0.0.0.0/0", "::/0")
	if err := policy.Guard(at); err != nil {
		t.Fatal(err)
	}
	n := &names{leads: map[string][]string{"studio.example": {"127.0.0.1"}, "nowhere.example": {"0.0.0.0"}, "mapped.example": {"::ffff:127.0.0.1"}}}
	h := newHost(t, httpbind.Options{Egress: policy, Resolver: n.resolver()})
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "127.1", "[::]", "[::1]", "[::ffff:7f00:1]", "127.0.0.2", "studio.example", "nowhere.example", "mapped.example"} {
		h.denied(get("http://"+host+":"+port+"/api/v1/server"), egress.RuleAdmin, "is the address of this server's own studio and admin API, which scripts never reach")
	}
}
