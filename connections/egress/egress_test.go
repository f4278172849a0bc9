package egress_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reprise/connections/egress"
	"reprise/runtime/call/hosts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func policy(t *testing.T, o egress.Options) *egress.Policy {
	t.Helper()
	p, err := egress.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func target(t *testing.T, text string) hosts.Target {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	at, err := hosts.Of(u)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// ruleOf is what a call of url is refused by, when its host leads to addr; with
// an empty addr, by what the URL says.
func ruleOf(t *testing.T, p *egress.Policy, url, addr string) egress.Rule {
	t.Helper()
	at := target(t, url)
	d := p.Check(at)
	if d == nil && addr != "" {
		d = p.CheckAddr(at, netip.MustParseAddr(addr))
	}
	if d == nil {
		return ""
	}
	return d.Rule
}

func TestDecisions(t *testing.T) {
	const public, other = "93.184.216.34", "2606:2800:220:1::1"
	for _, tc := range []struct {
		name  string
		allow []string
		dev   bool
		url   string
		addr  string // that the name leads to
		want  egress.Rule
	}{
		{"a public host", nil, false, "https://api.example.com/", public, ""},
		{"a public address", nil, false, "https://" + public + "/", "", ""},
		{"a name that leads inside", nil, false, "https://api.example.com/", "10.0.0.1", "private"},
		{"loopback", nil, false, "http://127.0.0.1/", "", "loopback"},
		{"localhost", nil, false, "http://localhost/", "", "loopback"},
		{"below localhost", nil, false, "http://a.localhost./", "", "loopback"},
		{"loopback in dev", nil, true, "http://127.0.0.1/", "", ""},
		{"localhost in dev", nil, true, "http://localhost:9000/", "::1", ""},
		{"a name for loopback in dev", nil, true, "http://me.example.com/", "127.0.0.1", ""},
		{"private in dev", nil, true, "http://10.0.0.1/", "", "private"},
		{"metadata in dev", nil, true, "http://169.254.169.254/latest/meta-data/", "", "cloud metadata"},
		{"unspecified in dev", nil, true, "http://0.0.0.0/", "", "unspecified"},
		{"listed", []string{"api.example.com"}, false, "https://api.example.com/", public, ""},
		{"not listed", []string{"api.example.com"}, false, "https://www.example.com/", public, "list"},
		{"a public address, not listed", []string{"api.example.com"}, false, "https://" + public + "/", "", "list"},
		{"listed for another port", []string{"api.example.com:443"}, false, "http://api.example.com/", public, "list"},
		{"listed, and leads inside", []string{"api.example.com"}, false, "https://api.example.com/", "10.0.0.1", "private"},
		{"listed by name and address", []string{"api.example.com", "10.0.0.0/8"}, false, "https://api.example.com/", "10.0.0.1", ""},
		{"a name that leads into a prefix", []string{"10.0.0.0/8"}, false, "https://api.example.com/", "10.0.0.1", ""},
		{"a name that leads beside a prefix", []string{"10.0.0.0/8"}, false, "https://api.example.com/", public, "list"},
		{"a prefix and public", []string{"public", "10.0.0.0/8"}, false, "https://api.example.com/", other, ""},
		{"an address of another port", []string{"10.0.0.1:443"}, false, "http://10.0.0.1/", "", "private"},
		{"an address of another port, by name", []string{"10.0.0.1:443"}, false, "http://api.example.com/", "10.0.0.1", "list"},
		{"an address in another form", []string{"10.0.0.1"}, false, "http://[::ffff:a00:1]/", "", ""},
		{"behind NAT64", []string{"public", "10.0.0.0/8"}, false, "http://[64:ff9b::a00:1]/", "", "reserved"},
		{"public behind NAT64", nil, false, "http://api.example.com/", "64:ff9b::5db8:d822", ""},
		{"localhost listed", []string{"localhost:9000"}, false, "http://localhost:9000/", "127.0.0.1", ""},
		{"localhost listed, another port", []string{"localhost:9000"}, false, "http://localhost/", "", "loopback"},
		{"localhost listed, and not by name", []string{"localhost:9000"}, false, "http://127.0.0.1:9000/", "", "loopback"},
		{"another name is not localhost", []string{"me.example.com"}, false, "http://me.example.com/", "127.0.0.1", "loopback"},
		{"loopback listed", []string{"loopback"}, false, "http://127.9.9.9/", "", ""},
		{"loopback alone", []string{"loopback"}, false, "http://api.example.com/", public, "list"},
		{"nothing listed", []string{}, false, "http://api.example.com/", "", "list"},
		{"nothing listed in dev", []string{}, true, "http://localhost/", "", ""},
	} {
		if got := ruleOf(t, policy(t, egress.Options{Allow: tc.allow, Loopback: tc.dev}), tc.url, tc.addr); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	if ruleOf(t, egress.Strict(), "http://localhost/", "") != "loopback" || ruleOf(t, egress.Strict(), "http://a.example.com/", public) != "" {
		t.Error("the strict policy")
	}
}

func TestTheAdminOriginIsClosed(t *testing.T) {
	// By every name and address of this machine, whatever is listed.
	own := func() ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("192.168.7.7"), netip.MustParseAddr("fe80::7%eth0")}, nil
	}
	everything := []string{"public", "loopback", "0.0.0.0/0", "::/0", "admin.example.com"}
	for _, at := range []string{"127.0.0.1:8081", "[::]:8081", "192.168.7.7:8081"} {
		p := policy(t, egress.Options{Allow: everything, Local: own})
		if err := p.Guard(at); err != nil {
			t.Fatal(err)
		}
		for _, addr := range []string{"127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "192.168.7.7", "fe80::7"} {
			if got := ruleOf(t, p, "http://admin.example.com:8081/", addr); got != egress.RuleAdmin {
				t.Errorf("%s, by name at %s: %q", at, addr, got)
			}
			if got := ruleOf(t, p, "http://admin.example.com:8080/", addr); got != "" {
				t.Errorf("%s, the other port at %s: %q", at, addr, got)
			}
		}
		for _, url := range []string{"http://localhost:8081/", "http://2130706433:8081/", "http://[::1%25lo]:8081/"} {
			if got := ruleOf(t, p, url, ""); got != egress.RuleAdmin {
				t.Errorf("%s, %s: %q", at, url, got)
			}
		}
		if got := ruleOf(t, p, "http://10.9.9.9:8081/", ""); got != "" {
			t.Errorf("%s, another machine: %q", at, got)
		}
	}
	blind := policy(t, egress.Options{Allow: everything, Local: func() ([]netip.Addr, error) { return nil, errors.New("no") }})
	if err := blind.Guard("0.0.0.0:8081"); err != nil {
		t.Fatal(err)
	}
	if got := ruleOf(t, blind, "http://10.9.9.9:8081/", ""); got != egress.RuleAdmin {
		t.Errorf("when nobody knows the addresses of this machine: %q", got)
	}
	open := policy(t, egress.Options{Loopback: true})
	if err := open.Guard(""); err != nil || ruleOf(t, open, "http://localhost:8081/", "") != "" {
		t.Errorf("without an admin origin: %v", err)
	}
	if open.Guard("nonsense") == nil {
		t.Error("nonsense is guarded")
	}
}

func TestMessages(t *testing.T) {
	// The host, the address, the rule, and how to allow it.
	listed, plain := policy(t, egress.Options{Allow: []string{"api.example.com"}}), policy(t, egress.Options{})
	if err := plain.Guard("127.0.0.1:8081"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		got  *egress.DeniedError
		want string
		data string
	}{
		{
			plain.Check(target(t, "http://127.1/")),
			`the address 127.0.0.1 is loopback (127.0.0.0/8) and not for scripts; to allow it, set egress.allow: [public, "127.0.0.1"] in reprise.yaml (--egress-allow public,127.0.0.1)`,
			`{"host":"127.0.0.1","address":"127.0.0.1","rule":"loopback"}`,
		},
		{
			plain.CheckAddr(target(t, "http://in.example.com/"), netip.MustParseAddr("fd00:ec2::254")),
			`in.example.com leads to the address fd00:ec2::254, which is cloud metadata and not for scripts; to allow it, set egress.allow: [public, "fd00:ec2::254"] in reprise.yaml (--egress-allow public,fd00:ec2::254)`,
			`{"host":"in.example.com","address":"fd00:ec2::254","rule":"cloud metadata"}`,
		},
		{
			listed.CheckAddr(target(t, "http://in.example.com/"), netip.MustParseAddr("10.1.2.3")),
			`in.example.com leads to the address 10.1.2.3, which is private (10.0.0.0/8) and not for scripts; to allow it, add 10.1.2.3 to egress.allow in reprise.yaml (--egress-allow)`,
			`{"host":"in.example.com","address":"10.1.2.3","rule":"private"}`,
		},
		{
			listed.Check(target(t, "http://www.example.com/")),
			`egress.allow does not have www.example.com; to allow it, add www.example.com to egress.allow in reprise.yaml (--egress-allow)`,
			`{"host":"www.example.com","rule":"list"}`,
		},
		{
			listed.CheckAddr(target(t, "http://www.example.com/"), netip.MustParseAddr("93.184.216.34")),
			`egress.allow has neither www.example.com nor its address 93.184.216.34; to allow it, add www.example.com to egress.allow in reprise.yaml (--egress-allow)`,
			`{"host":"www.example.com","address":"93.184.216.34","rule":"list"}`,
		},
		{
			plain.Check(target(t, "http://localhost:8081/")),
			`localhost:8081 is the address of this server's own studio and admin API, which scripts never reach`,
			`{"host":"localhost","address":"127.0.0.1","rule":"admin"}`,
		},
		{
			plain.CheckUnknown(target(t, "http://in.example.com/")),
			`in.example.com can not be looked up here, and a proxy would find it: nobody knows where it leads; to allow it, set egress.allow: [public, "in.example.com"] in reprise.yaml (--egress-allow public,in.example.com)`,
			`{"host":"in.example.com","rule":"unresolved"}`,
		},
		{egress.Script(target(t, "http://in.example.com/")), `config.egress.allow of this script does not have in.example.com; add it there`, `{"host":"in.example.com","rule":"script"}`},
	} {
		if tc.got.Error() != tc.want {
			t.Errorf("got  %s\nwant %s", tc.got, tc.want)
		}
		if b, err := json.Marshal(tc.got.Data()); err != nil || string(b) != tc.data {
			t.Errorf("data = %s, %v, want %s", b, err, tc.data)
		}
	}
	if d := listed.CheckUnknown(target(t, "http://api.example.com/")); d != nil {
		t.Errorf("a listed name: %v", d)
	}
	if _, err := egress.New(egress.Options{Allow: []string{"https://a/"}}); err == nil || !strings.Contains(err.Error(), "it is a URL") {
		t.Errorf("err = %v", err)
	}
}

// listen takes connections at an address and closes them.
func listen(t *testing.T, address string) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "hello")
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

func TestDial(t *testing.T) {
	// What counts is the address of the socket.
	port := listen(t, "127.0.0.1:0")
	dial := func(p *egress.Policy, address string) error {
		c, err := p.Dial(&net.Dialer{Timeout: 10 * time.Second})(t.Context(), "tcp", address)
		if err == nil {
			err = c.Close()
		}
		return err
	}
	for _, address := range []string{"127.0.0.1:", "localhost:", "[::ffff:127.0.0.1]:"} {
		if err := dial(policy(t, egress.Options{Loopback: true}), address+port); err != nil {
			t.Errorf("%s in dev: %v", address, err)
		}
		err := dial(egress.Strict(), address+port)
		if d, ok := errors.AsType[*egress.DeniedError](err); !ok || d.Rule != "loopback" {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"0.0.0.0:", "[::]:", "0:", "0x7f.1:"} {
		if err := dial(policy(t, egress.Options{Loopback: true}), address+port); err == nil {
			t.Errorf("%s is dialled", address)
		}
	}
	for _, address := range []string{":" + port, "127.0.0.1", "127.0.0.1:http", "a..b:80"} {
		if err := dial(policy(t, egress.Options{Loopback: true}), address); err == nil {
			t.Errorf("%s is dialled", address)
		}
	}
}
