package hosts_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"reprise/runtime/call/hosts"
)

// ranges are first and last addresses, written from the registries of special
// addresses and not from the package's own table. Kinds that a script may meet
// are told apart; all others are reserved. What no range has is public.
var ranges = []struct {
	first, last string
	kind        hosts.Kind
}{
	{"0.0.0.0", "0.0.0.0", hosts.Unspecified},
	{"0.0.0.1", "0.255.255.255", hosts.Reserved},
	{"10.0.0.0", "10.255.255.255", hosts.Private},
	{"100.64.0.0", "100.127.255.255", hosts.Private},
	{"127.0.0.0", "127.255.255.255", hosts.Loopback},
	{"168.63.129.16", "168.63.129.16", hosts.Metadata},
	{"169.254.0.0", "169.254.169.253", hosts.LinkLocal},
	{"169.254.169.254", "169.254.169.254", hosts.Metadata},
	{"169.254.169.255", "169.254.255.255", hosts.LinkLocal},
	{"172.16.0.0", "172.31.255.255", hosts.Private},
	{"192.0.0.0", "192.0.0.255", hosts.Reserved},
	{"192.0.2.0", "192.0.2.255", hosts.Reserved},
	{"192.88.99.0", "192.88.99.255", hosts.Reserved},
	{"192.168.0.0", "192.168.255.255", hosts.Private},
	{"198.18.0.0", "198.19.255.255", hosts.Reserved},
	{"198.51.100.0", "198.51.100.255", hosts.Reserved},
	{"203.0.113.0", "203.0.113.255", hosts.Reserved},
	{"224.0.0.0", "239.255.255.255", hosts.Multicast},
	{"240.0.0.0", "255.255.255.254", hosts.Reserved},
	{"255.255.255.255", "255.255.255.255", hosts.Broadcast},
	{"::", "::", hosts.Unspecified},
	{"::1", "::1", hosts.Loopback},
	{"::2", "::fffe:ffff:ffff", hosts.Reserved},
	// ::ffff:0:0/96 is IPv4.
	{"::1:0:0:0", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Reserved},
	// 64:ff9b::/96 is IPv4 behind a gateway.
	{"64:ff9b::1:0:0", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Reserved},
	{"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Reserved},
	{"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Reserved},
	{"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Reserved},
	{"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Reserved},
	{"4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Reserved},
	{"fc00::", "fd00:ec2::253", hosts.Private},
	{"fd00:ec2::254", "fd00:ec2::254", hosts.Metadata},
	{"fd00:ec2::255", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Private},
	{"fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Reserved},
	{"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", hosts.LinkLocal},
	{"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Private},
	{"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", hosts.Multicast},
}

// edges are the ranges' addresses.
var edges = func() (out [][2]netip.Addr) {
	for _, r := range ranges {
		out = append(out, [2]netip.Addr{netip.MustParseAddr(r.first), netip.MustParseAddr(r.last)})
	}
	return out
}()

// kindOf is KindOf by the ranges.
func kindOf(addr netip.Addr) hosts.Kind {
	for i, e := range edges {
		if e[0].BitLen() == addr.BitLen() && e[0].Compare(addr) <= 0 && addr.Compare(e[1]) <= 0 {
			return ranges[i].kind
		}
	}
	return hosts.Public
}

func TestKindsAtTheEdges(t *testing.T) {
	// The first and the last address of every range, and those beside them.
	seen := map[hosts.Kind]int{}
	for _, r := range ranges {
		for _, text := range []string{r.first, r.last} {
			edge := netip.MustParseAddr(text)
			for _, addr := range []netip.Addr{edge.Prev(), edge, edge.Next()} {
				if !addr.IsValid() || addr.Is4In6() || strings.HasPrefix(addr.StringExpanded(), "0064:ff9b:0000:0000:0000:0000:") {
					continue
				}
				kind, prefix := hosts.KindOf(addr)
				if want := kindOf(addr); kind != want {
					t.Errorf("%s is %s (%s), want %s", addr, kind, prefix, want)
				}
				if prefix.IsValid() && !prefix.Contains(addr) {
					t.Errorf("%s is %s by %s", addr, kind, prefix)
				}
				seen[kind]++
			}
		}
	}
	if len(seen) != 9 {
		t.Errorf("kinds = %v", seen)
	}
}

func TestKindsOfAnyAddress(t *testing.T) {
	// Addresses at random, plain and in every form that carries an IPv4 address:
	// none of them is public unless what it carries is.
	random := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		var b [16]byte
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		if random.IntN(2) == 0 { // near the beginning of something
			copy(b[:], edges[random.IntN(len(edges))][0].AsSlice())
		}
		four, six := netip.AddrFrom4([4]byte(b[:4])), netip.AddrFrom16(b)
		if kind, _ := hosts.KindOf(four); kind != kindOf(four) {
			t.Fatalf("%s is %s, want %s", four, kind, kindOf(four))
		}
		if kind, _ := hosts.KindOf(six); !six.Is4In6() && !strings.HasPrefix(six.StringExpanded(), "0064:ff9b:0000:0000:0000:0000:") && kind != kindOf(six) {
			t.Fatalf("%s is %s, want %s", six, kind, kindOf(six))
		}
		for form, addr := range carriers(four) {
			kind, _ := hosts.KindOf(addr)
			switch {
			case form == "mapped" && kind != kindOf(four):
				t.Fatalf("%s is %s, want %s", addr, kind, kindOf(four))
			case form == "NAT64" && (kind == hosts.Public) != (kindOf(four) == hosts.Public):
				t.Fatalf("%s is %s, and %s is %s", addr, kind, four, kindOf(four))
			case form != "mapped" && form != "NAT64" && kind == hosts.Public:
				t.Fatalf("%s (%s) is %s", addr, form, kind)
			}
		}
		if zoned := six.WithZone("eth0"); hosts.Plain(zoned) != hosts.Plain(six) {
			t.Fatalf("%s is %s", zoned, hosts.Plain(zoned))
		}
	}
}

// carriers are the forms of IPv6 that carry an IPv4 address.
func carriers(four netip.Addr) map[string]netip.Addr {
	b := four.As4()
	hex := fmt.Sprintf("%02x%02x:%02x%02x", b[0], b[1], b[2], b[3])
	inverted := fmt.Sprintf("%02x%02x:%02x%02x", ^b[0], ^b[1], ^b[2], ^b[3])
	return map[string]netip.Addr{
		"mapped":      netip.MustParseAddr("::ffff:" + hex),
		"NAT64":       netip.MustParseAddr("64:ff9b::" + hex),
		"local NAT64": netip.MustParseAddr("64:ff9b:1::" + hex),
		"compatible":  netip.MustParseAddr("::" + hex),
		"translated":  netip.MustParseAddr("::ffff:0:" + hex),
		"6to4":        netip.MustParseAddr("2002:" + hex + "::1"),
		"Teredo":      netip.MustParseAddr("2001:0:" + hex + ":0:0:" + inverted),
	}
}

func TestOf(t *testing.T) {
	for text, want := range map[string]string{
		"http://API.Example.com/":          "api.example.com:80",
		"https://api.example.com./":        "api.example.com:443",
		"https://api.example.com:8443/":    "api.example.com:8443",
		"http://a_b.example/":              "a_b.example:80",
		"http://b\u00fccher.example/":      "xn--bcher-kva.example:80",
		"http://1.example.com/":            "1.example.com:80",
		"http://127.0.0.1/":                "127.0.0.1:80",
		"http://127.0.0.1./":               "127.0.0.1:80",
		"http://127.0.0.1.../":             "127.0.0.1:80",
		"http://2130706433/":               "127.0.0.1:80",
		"http://017700000001/":             "127.0.0.1:80",
		"http://0x7f000001/":               "127.0.0.1:80",
		"http://0X7F.1/":                   "127.0.0.1:80",
		"http://0177.0.0.1/":               "127.0.0.1:80",
		"http://127.1/":                    "127.0.0.1:80",
		"http://127.0.1/":                  "127.0.0.1:80",
		"http://127.0x1/":                  "127.0.0.1:80",
		"http://0/":                        "0.0.0.0:80",
		"http://0x/":                       "0.0.0.0:80",
		"http://[::1]:8081/":               "[::1]:8081",
		"http://[::ffff:127.0.0.1]/":       "127.0.0.1:80",
		"http://[::ffff:7f00:1]/":          "127.0.0.1:80",
		"http://[fe80::1%25eth0]/":         "[fe80::1]:80",
		"http://\uff11\uff12\uff17.0.0.1/": "127.0.0.1:80", // fullwidth 127
		"http://127\u30020\u30020\u30021/": "127.0.0.1:80", // ideographic full stops
		"http://\u2460\u2461\u2466.1/":     "127.0.0.1:80", // circled 127
		"http://good@127.1/":               "127.0.0.1:80",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := hosts.Of(u); err != nil || got.String() != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"http://:80/", "http://./", "http://a..b/", "http://256.0.0.1/", "http://1.2.3.4.5/", "http://1.2.3.08/", "http://4294967296/", "http://a.0x7f/", "http://a.1/",
		"http://a:0/", "http://a:65536/", "http://a~b/", "http://a,b/", "http://" + strings.Repeat("a", 64) + "/", "http://" + strings.Repeat("a.", 128) + "/", "http://a\u00ad\ufffd/",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := hosts.Of(u); err == nil {
			t.Errorf("%s is %s", text, got)
		}
	}
}

func TestLists(t *testing.T) {
	for _, tc := range []struct {
		list string
		url  string
		has  bool
	}{
		{"api.example.com", "https://api.example.com/", true},
		{"API.Example.com.", "https://api.example.com./x", true},
		{"api.example.com", "https://api.example.com.evil.com/", false},
		{"*.example.com", "https://a.b.example.com/", true},
		{"*.example.com", "https://example.com/", false},
		{"*.example.com", "https://evilexample.com/", false},
		{"api.example.com:443", "https://api.example.com/", true},
		{"api.example.com:443", "http://api.example.com/", false},
		{"*.example.com:8443", "https://a.example.com:8443/", true},
		{"b\u00fccher.example", "https://xn--bcher-kva.example/", true},
		{"10.1.2.3", "http://10.1.2.3:9000/", true},
		{"10.1.2.3:9000", "http://10.1.2.3/", false},
		{"10.0.0.0/8", "http://10.255.0.1/", true},
		{"10.0.0.0/8", "http://11.0.0.1/", false},
		{"10.0.0.0/8", "http://[::ffff:10.0.0.1]/", true},
		{"10.0.0.0/8", "http://ten.example.com/", false},
		{"127.0.0.1", "http://2130706433/", true},
		{"fd00::/8", "http://[fd00::1]/", true},
		{"fe80::/10", "http://[fe80::1%25eth0]/", true},
		{"fd00::1", "http://[fd00::1]:9000/", true},
		{"[fd00::1]:9000", "http://[fd00::1]:9000/", true},
		{"[fd00::1]", "http://[fd00::1]:9000/", true},
		{"::ffff:10.1.2.3", "http://10.1.2.3/", true},
		{"public", "http://example.com/", false}, // a word, for who decides with it
		{"localhost:9000", "http://localhost:9000/", true},
		{"", "http://example.com/", false},
	} {
		list, err := hosts.Parse(strings.Fields(tc.list))
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		target, err := hosts.Of(u)
		if err != nil {
			t.Fatal(err)
		}
		if got := list.Has(target); got != tc.has {
			t.Errorf("%s has %s: %v", tc.list, tc.url, got)
		}
	}
}

func TestListsThatCanNotBeRead(t *testing.T) {
	// The message names the entry and says what is wrong with it.
	for entry, want := range map[string]string{
		"":                               "it is no host",
		"*":                              "in the server's list public",
		"*.":                             "it is no host",
		"*.*.example.com":                "it is no host",
		"a.*.example.com":                "it is no host",
		"https://a.example.com":          "it is a URL",
		"a b":                            "it is no host",
		"user@a.example.com":             "it is no host",
		"a.example.com:":                 "there is no port",
		"a.example.com:x":                "there is no port",
		"a.example.com:0":                "there is no port",
		"a.example.com:+1":               "there is no port",
		"a.example.com:65536":            "there is no port",
		"10.1.2.3/8":                     "write 10.0.0.0/8",
		"10.0.0.0/33":                    "it is no prefix",
		"10.0.0.0/8:443":                 "it is no prefix",
		"a.example.com/x":                "it is no prefix",
		"::ffff:10.0.0.0/104":            "write IPv4 as IPv4",
		"127.1":                          "it ends in a number",
		"2130706433":                     "it ends in a number",
		"0x7f.0.0.1":                     "it ends in a number",
		"*.1":                            "it ends in a number",
		"fe80::1%eth0":                   "leave the zone out",
		"[fd00::1":                       "it is no host",
		"[fd00::1]x":                     "it is no host",
		"[10.1.2.3]":                     "it is no host",
		"fd00::1]:80":                    "there is no port",
		"Public":                         "",
		strings.Repeat("a", 64):          "it is no host",
		"\uff11\uff12\uff17.0.0.1":       "it ends in a number",
		strings.Repeat("a.", 127) + "aa": "it is no host",
	} {
		_, err := hosts.Parse([]string{"ok.example.com", entry})
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", entry, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", entry)) {
			t.Errorf("%q: %v, want %q", entry, err, want)
		}
	}
	if _, err := hosts.Parse(make([]string, hosts.MaxEntries+1)); err == nil || !strings.Contains(err.Error(), "1001 entries, and the limit is 1000") {
		t.Errorf("a long list: %v", err)
	}
}

func TestWith(t *testing.T) {
	l, err := hosts.Parse([]string{"a.example.com", "loopback"})
	if err != nil || l.Public || !l.Loopback {
		t.Fatalf("%+v, %v", l, err)
	}
	if m := l.With(true, false); !m.Public || !m.Loopback || l.Public || !m.HasName(hosts.Target{Name: "a.example.com"}) || m.HasAddrs(80) {
		t.Errorf("%+v", m)
	}
}

func FuzzParse(f *testing.F) {
	// Whatever is written there, it is read or refused. What is read names what
	// it says, and a name is never what anybody takes for an address.
	for _, entry := range []string{"api.example.com", "*.example.com:443", "10.0.0.0/8", "10.1.2.3:80", "[fd00::1]:80", "fd00::1", "127.1", "0x7f.1", "public", "b\u00fccher.example", "a:b:c", "[::1", "1.2.3.4/", "\uff11.1"} {
		f.Add(entry)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		list, err := hosts.Parse([]string{entry})
		if err != nil || list.Public || list.Loopback {
			return
		}
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			if !list.HasAddr(prefix.Addr(), 80) {
				t.Fatalf("%q does not have its own address", entry)
			}
			return
		}
		host := strings.TrimPrefix(entry, "*.")
		if addr, err := netip.ParseAddr(host); err == nil {
			host = addr.String()
			if addr.Is6() {
				host = "[" + host + "]"
			}
		}
		if host != entry && strings.HasPrefix(entry, "*.") {
			host = "x." + host
		}
		u := &url.URL{Scheme: "http", Host: host}
		target, err := hosts.Of(u)
		if err != nil {
			t.Fatalf("%q is an entry, and %s no host: %v", entry, host, err)
		}
		if !list.Has(target) {
			t.Fatalf("%q does not have %s", entry, target)
		}
	})
}

func FuzzOf(f *testing.F) {
	// A name is a name: no part of the system reads it as an address.
	for _, host := range []string{"a.example.com", "127.0.0.1", "0x7f.1", "2130706433", "1.2.3.4.", "[::1]:80", "[fe80::1%25lo]", "\uff11\uff12\uff17.0.0.1", "a.1", "localhost.", "0x", "00.1"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		target, err := hosts.Of(&url.URL{Scheme: "https", Host: host})
		if err != nil {
			return
		}
		if (target.Name == "") == !target.Addr.IsValid() {
			t.Fatalf("%q: %+v", host, target)
		}
		if target.Addr != hosts.Plain(target.Addr) || target.Port == 0 {
			t.Fatalf("%q: %+v", host, target)
		}
		last := target.Name[strings.LastIndexByte(target.Name, '.')+1:]
		if _, err := netip.ParseAddr(target.Name); err == nil || target.Name != "" && strings.Trim(last, "0123456789") == "" || strings.HasSuffix(target.Name, ".") {
			t.Fatalf("%q: %+v", host, target)
		}
		again, err := hosts.Of(&url.URL{Scheme: "http", Host: target.String()})
		if err != nil || again != target {
			t.Fatalf("%q: %+v, then %+v, %v", host, target, again, err)
		}
	})
}
