package hosts

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Target is what a URL addresses: a name or an address, and a port.
type Target struct {
	Name string     // in small letters, ASCII, without a dot at its end; empty for an address
	Addr netip.Addr // plain; the zero Addr for a name
	Port uint16
}

// Host returns the name or the address, without the port.
func (t Target) Host() string {
	if t.Name != "" {
		return t.Name
	}
	return t.Addr.String()
}

// String returns "host:port".
func (t Target) String() string {
	return net.JoinHostPort(t.Host(), strconv.FormatUint(uint64(t.Port), 10))
}

// IsLocalhost reports whether the name is localhost or below it, which is the
// loopback address by definition (RFC 6761).
func (t Target) IsLocalhost() bool {
	return t.Name == "localhost" || strings.HasSuffix(t.Name, ".localhost")
}

// Of reads the host and the port of an http or https URL.
func Of(u *url.URL) (Target, error) {
	t := Target{Port: 80}
	if u.Scheme == "https" {
		t.Port = 443
	}
	if text := u.Port(); text != "" {
		port, err := parsePort(text)
		if err != nil {
			return Target{}, err
		}
		t.Port = port
	}
	var err error
	t.Name, t.Addr, err = read(u.Hostname())
	return t, err
}

// At reads "host:port", as it is dialled.
func At(address string) (Target, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return Target{}, err
	}
	var t Target
	if t.Port, err = parsePort(text); err != nil {
		return Target{}, err
	}
	t.Name, t.Addr, err = read(host)
	return t, err
}

// read tells addresses and names apart, as browsers and the C library do.
func read(host string) (name string, addr netip.Addr, err error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return "", Plain(addr), nil
	}
	if !isASCII(host) {
		// What net/http does before it looks a name up: fullwidth digits, for
		// one, become digits.
		if host, err = idna.Lookup.ToASCII(host); err != nil {
			return "", netip.Addr{}, fmt.Errorf("%q can not be the name of a host", host)
		}
	}
	host = strings.TrimRight(strings.ToLower(host), ".")
	if err := checkName(host); err != nil {
		return "", netip.Addr{}, err
	}
	if !endsInNumber(host) {
		return host, netip.Addr{}, nil
	}
	addr, ok := parseIPv4(host)
	if !ok {
		return "", netip.Addr{}, fmt.Errorf("%q ends in a number and is no address", host)
	}
	return "", addr, nil
}

// maxName is the longest name that name servers know; maxLabel its longest part.
const (
	maxName  = 253
	maxLabel = 63
)

func checkName(host string) error {
	if host == "" {
		return errors.New("there is no host")
	}
	if len(host) > maxName {
		return fmt.Errorf("the name of a host has %d characters, and %d at most", len(host), maxName)
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > maxLabel {
			return fmt.Errorf("%q can not be the name of a host: its parts have 1 to %d characters", host, maxLabel)
		}
	}
	for i := range len(host) {
		if c := host[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return fmt.Errorf("%q can not be the name of a host: it has a character %q", host, c)
		}
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// endsInNumber reports whether the last part is one that the URL Standard and
// inet_aton take for a number, so that the whole has to be an address.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	_, ok := number(last)
	return ok
}

// parseIPv4 reads the forms of inet_aton: one to four numbers, each decimal,
// octal (0…) or hexadecimal (0x…), the last one for all bytes that are left.
func parseIPv4(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var out uint64
	for i, part := range parts {
		n, ok := number(part)
		left := 4 - i // bytes
		if i < len(parts)-1 {
			left = 1
		}
		if !ok || n >= 1<<(8*left) {
			return netip.Addr{}, false
		}
		out = out<<(8*left) | n
	}
	return netip.AddrFrom4([4]byte{byte(out >> 24), byte(out >> 16), byte(out >> 8), byte(out)}), true
}

// number reads one of them. "0x" alone is zero, as in browsers.
func number(text string) (uint64, bool) {
	base := 10
	digits := text
	if rest, ok := strings.CutPrefix(text, "0x"); ok {
		base, digits = 16, rest
		if rest == "" {
			return 0, true
		}
	} else if len(text) > 1 && text[0] == '0' {
		base, digits = 8, text[1:]
	}
	n, err := strconv.ParseUint(digits, base, 64)
	return n, err == nil
}
