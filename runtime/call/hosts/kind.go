package hosts

import "net/netip"

// Kind says what an address is for.
type Kind string

// The kinds. Whatever is not public leads to this machine, to its network or
// to nobody.
const (
	Public      Kind = "public"
	Loopback    Kind = "loopback"
	Private     Kind = "private"
	LinkLocal   Kind = "link-local"
	Metadata    Kind = "cloud metadata"
	Unspecified Kind = "unspecified"
	Multicast   Kind = "multicast"
	Broadcast   Kind = "broadcast"
	Reserved    Kind = "reserved"
)

// special are the addresses that are not public, from the registries of
// special-purpose addresses (RFC 6890 and its successors). The first prefix
// that has an address counts. Those that only carry other addresses, as 6to4
// and Teredo do, are refused whole: no API lives there.
var special = []struct {
	prefix netip.Prefix
	kind   Kind
}{
	{netip.MustParsePrefix("169.254.169.254/32"), Metadata},
	{netip.MustParsePrefix("fd00:ec2::254/128"), Metadata},
	{netip.MustParsePrefix("168.63.129.16/32"), Metadata}, // Azure's, the one that looks public
	{netip.MustParsePrefix("0.0.0.0/32"), Unspecified},
	{netip.MustParsePrefix("0.0.0.0/8"), Reserved},
	{netip.MustParsePrefix("10.0.0.0/8"), Private},
	{netip.MustParsePrefix("100.64.0.0/10"), Private}, // of a provider, behind its NAT
	{netip.MustParsePrefix("127.0.0.0/8"), Loopback},
	{netip.MustParsePrefix("169.254.0.0/16"), LinkLocal},
	{netip.MustParsePrefix("172.16.0.0/12"), Private},
	{netip.MustParsePrefix("192.0.0.0/24"), Reserved},
	{netip.MustParsePrefix("192.0.2.0/24"), Reserved},   // documentation
	{netip.MustParsePrefix("192.88.99.0/24"), Reserved}, // relays of 6to4
	{netip.MustParsePrefix("192.168.0.0/16"), Private},
	{netip.MustParsePrefix("198.18.0.0/15"), Reserved},   // benchmarks
	{netip.MustParsePrefix("198.51.100.0/24"), Reserved}, // documentation
	{netip.MustParsePrefix("203.0.113.0/24"), Reserved},  // documentation
	{netip.MustParsePrefix("224.0.0.0/4"), Multicast},
	{netip.MustParsePrefix("255.255.255.255/32"), Broadcast},
	{netip.MustParsePrefix("240.0.0.0/4"), Reserved},
	{netip.MustParsePrefix("::/128"), Unspecified},
	{netip.MustParsePrefix("::1/128"), Loopback},
	{netip.MustParsePrefix("fc00::/7"), Private},
	{netip.MustParsePrefix("fe80::/10"), LinkLocal},
	{netip.MustParsePrefix("fec0::/10"), Private}, // site-local, as it once was
	{netip.MustParsePrefix("ff00::/8"), Multicast},
	{netip.MustParsePrefix("2001::/23"), Reserved}, // Teredo, benchmarks, ORCHID
	{netip.MustParsePrefix("2001:db8::/32"), Reserved},
	{netip.MustParsePrefix("2002::/16"), Reserved}, // 6to4
	{netip.MustParsePrefix("3fff::/20"), Reserved}, // documentation
}

var (
	// unicast is what IPv6 has given out to networks that everybody can reach.
	unicast = netip.MustParsePrefix("2000::/3")
	// nat64 is where networks without IPv4 find it: the last four bytes are the
	// address that is meant.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

// KindOf returns what an address is for, and the prefix that says so; public
// addresses, and those outside of all that is given out, have none.
func KindOf(addr netip.Addr) (Kind, netip.Prefix) {
	addr = Plain(addr)
	for _, s := range special {
		if s.prefix.Contains(addr) {
			return s.kind, s.prefix
		}
	}
	switch {
	case nat64.Contains(addr):
		b := addr.As16()
		if kind, _ := KindOf(netip.AddrFrom4([4]byte(b[12:]))); kind == Public {
			return Public, netip.Prefix{}
		}
		return Reserved, nat64
	case !addr.IsValid() || addr.Is6() && !unicast.Contains(addr):
		return Reserved, netip.Prefix{}
	}
	return Public, netip.Prefix{}
}

// Plain returns addr without a zone, and as IPv4 where it is one in the form of
// IPv6: the system does not tell these apart.
func Plain(addr netip.Addr) netip.Addr { return addr.WithZone("").Unmap() }
