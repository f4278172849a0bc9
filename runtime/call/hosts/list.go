package hosts

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// MaxEntries bounds a list: each call goes through all of it.
const MaxEntries = 1000

// The words that stand for many addresses.
const (
	wordPublic   = "public"
	wordLoopback = "loopback"
)

// List is a list of hosts, addresses and prefixes. It does not change.
type List struct {
	// Public says that every public address is meant, Loopback that every
	// loopback address is.
	Public, Loopback bool

	rules []rule
}

// rule is one entry that is not a word.
type rule struct {
	name   string // in small letters; empty for addresses
	below  bool   // the names below it, and not itself
	prefix netip.Prefix
	port   uint16 // zero: any
}

// Parse reads a list whose entries are
//
//	api.example.com  *.example.com  api.example.com:443
//	10.1.2.3  10.1.2.3:9000  fd00::1  [fd00::1]:9000
//	10.0.0.0/8  fd00::/8
//	public  loopback
//
// Errors name the entry and say what is expected.
func Parse(entries []string) (*List, error) {
	if len(entries) > MaxEntries {
		return nil, fmt.Errorf("the list has %d entries, and the limit is %d; prefixes and *.example.com stand for many", len(entries), MaxEntries)
	}
	l := &List{}
	for _, entry := range entries {
		switch entry {
		case wordPublic:
			l.Public = true
			continue
		case wordLoopback:
			l.Loopback = true
			continue
		}
		r, err := parseRule(entry)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", entry, err)
		}
		l.rules = append(l.rules, r)
	}
	return l, nil
}

// With returns a list that also has the words of which it is said.
func (l *List) With(public, loopback bool) *List {
	return &List{Public: l.Public || public, Loopback: l.Loopback || loopback, rules: l.rules}
}

var errForm = errors.New("it is no host; write api.example.com, *.example.com, 10.1.2.3, 10.0.0.0/8 or host:port")

func parseRule(entry string) (rule, error) {
	switch {
	case strings.Contains(entry, "://"):
		return rule{}, errors.New("it is a URL; write the host alone, such as api.example.com")
	case entry == "*":
		return rule{}, errors.New("write *.example.com for the names below one, or in the server's list public for every public host")
	case strings.Contains(entry, "/"):
		return parsePrefix(entry)
	}
	if addr, err := netip.ParseAddr(entry); err == nil {
		return addressRule(addr, 0)
	}
	host, port, err := splitPort(entry)
	if err != nil {
		return rule{}, err
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addressRule(addr, port)
	}
	rest, below := strings.CutPrefix(host, "*.")
	if !isASCII(rest) {
		if rest, err = idna.Lookup.ToASCII(rest); err != nil {
			return rule{}, errForm
		}
	}
	rest = strings.TrimSuffix(strings.ToLower(rest), ".")
	if checkName(rest) != nil {
		return rule{}, errForm
	}
	if endsInNumber(rest) {
		return rule{}, errors.New("it ends in a number and is no address; write addresses as 10.1.2.3")
	}
	return rule{name: rest, below: below, port: port}, nil
}

// parsePrefix reads a prefix. Bits behind it are a slip, and which one nobody knows.
func parsePrefix(entry string) (rule, error) {
	p, err := netip.ParsePrefix(entry)
	switch {
	case err != nil:
		return rule{}, errors.New("it is no prefix; write 10.0.0.0/8 or fd00::/8, without a port")
	case p.Addr().Is4In6():
		return rule{}, errors.New("write IPv4 as IPv4, such as 10.0.0.0/8")
	case p != p.Masked():
		return rule{}, fmt.Errorf("it has bits behind its %d; write %s, or the address alone", p.Bits(), p.Masked())
	}
	return rule{prefix: p}, nil
}

func addressRule(addr netip.Addr, port uint16) (rule, error) {
	if addr.Zone() != "" {
		return rule{}, errors.New("leave the zone out: it is meant on every interface")
	}
	addr = Plain(addr)
	return rule{prefix: netip.PrefixFrom(addr, addr.BitLen()), port: port}, nil
}

// splitPort takes a port off the end, and the brackets of IPv6.
func splitPort(entry string) (host string, port uint16, err error) {
	rest, bracketed := strings.CutPrefix(entry, "[")
	if !bracketed {
		host, text, found := strings.Cut(entry, ":")
		if !found {
			return host, 0, nil
		}
		port, err = parsePort(text)
		return host, port, err
	}
	host, rest, _ = strings.Cut(rest, "]")
	if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() {
		return "", 0, errForm
	}
	if rest == "" && strings.HasSuffix(entry, "]") {
		return host, 0, nil
	}
	text, found := strings.CutPrefix(rest, ":")
	if !found {
		return "", 0, errForm
	}
	port, err = parsePort(text)
	return host, port, err
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("there is no port %q", text)
	}
	return uint16(n), nil
}

// Has reports whether the list names what a URL addresses, by what the URL
// says: a name by its name, and only an address by its address.
func (l *List) Has(t Target) bool {
	return l.HasName(t) || t.Addr.IsValid() && l.HasAddr(t.Addr, t.Port)
}

// HasName reports whether the list has the name of t, with its port.
func (l *List) HasName(t Target) bool {
	return t.Name != "" && slices.ContainsFunc(l.rules, func(r rule) bool { return r.hasName(t.Name) && r.hasPort(t.Port) })
}

// HasAddr reports whether an address or a prefix of the list has addr. The
// words are not looked at.
func (l *List) HasAddr(addr netip.Addr, port uint16) bool {
	addr = Plain(addr)
	return slices.ContainsFunc(l.rules, func(r rule) bool { return r.prefix.Contains(addr) && r.hasPort(port) })
}

// HasAddrs reports whether the list has addresses or prefixes that allow port,
// so that only looking a name up tells whether it leads to one of them.
func (l *List) HasAddrs(port uint16) bool {
	return slices.ContainsFunc(l.rules, func(r rule) bool { return r.name == "" && r.hasPort(port) })
}

func (r rule) hasName(name string) bool {
	if r.name == "" {
		return false
	}
	if r.below {
		return len(name) > len(r.name)+1 && strings.HasSuffix(name, r.name) && name[len(name)-len(r.name)-1] == '.'
	}
	return name == r.name
}

func (r rule) hasPort(port uint16) bool { return r.port == 0 || r.port == port }
