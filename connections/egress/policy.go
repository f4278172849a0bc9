package egress

import (
	"net"
	"net/netip"
	"sync/atomic"

	"reprise/runtime/call/hosts"
)

// Options say what scripts may reach.
type Options struct {
	// Allow lists hosts, addresses, prefixes and the words public and loopback,
	// as [hosts.Parse] reads them. Nil means public; an empty list, nothing.
	Allow []string
	// Loopback allows loopback addresses beside what is listed.
	Loopback bool
	// Local returns the addresses of this machine; nil asks the system.
	Local func() ([]netip.Addr, error)
}

// Policy decides. It is safe for concurrent use.
type Policy struct {
	list   *hosts.List
	listed bool // the operator wrote a list
	local  func() ([]netip.Addr, error)
	admin  atomic.Pointer[netip.AddrPort]
}

// New makes a policy. The error names the entry that can not be read.
func New(o Options) (*Policy, error) {
	list, err := hosts.Parse(o.Allow)
	if err != nil {
		return nil, err
	}
	if o.Local == nil {
		o.Local = interfaces
	}
	return &Policy{list: list.With(o.Allow == nil, o.Loopback), listed: o.Allow != nil, local: o.Local}, nil
}

// Strict returns the policy that allows public addresses and nothing else.
func Strict() *Policy {
	return &Policy{list: (&hosts.List{}).With(true, false), local: interfaces}
}

// Guard closes the admin origin, which listens on address, to everybody. It is
// to be called before the first call; an empty address closes nothing.
func (p *Policy) Guard(address string) error {
	if address == "" {
		return nil
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	p.admin.Store(&at)
	return nil
}

// Check decides by what a URL says: nothing is looked up. A name that passes
// may still lead to an address that does not.
func (p *Policy) Check(t hosts.Target) *DeniedError {
	switch {
	case t.Addr.IsValid():
		return p.CheckAddr(t, t.Addr)
	case t.IsLocalhost():
		// Either may be what this machine means by it.
		if p.CheckAddr(t, netip.IPv6Loopback()) == nil {
			return nil
		}
		return p.CheckAddr(t, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	case p.list.Public || p.list.Loopback || p.list.HasName(t) || p.list.HasAddrs(t.Port):
		return nil
	}
	return &DeniedError{Target: t, Rule: RuleList, listed: p.listed}
}

// CheckAddr decides about an address that the host of t leads to. A name in
// the list leads to public addresses only: whoever owns a name can have it lead
// anywhere. Addresses in the list are what they are.
func (p *Policy) CheckAddr(t hosts.Target, addr netip.Addr) *DeniedError {
	addr = hosts.Plain(addr)
	if p.isAdmin(addr, t.Port) {
		return &DeniedError{Target: t, Addr: addr, Rule: RuleAdmin}
	}
	if p.list.HasAddr(addr, t.Port) {
		return nil
	}
	kind, prefix := hosts.KindOf(addr)
	switch kind {
	case hosts.Public:
		if p.list.Public || p.list.HasName(t) {
			return nil
		}
		return &DeniedError{Target: t, Addr: addr, Rule: RuleList, listed: p.listed}
	case hosts.Loopback:
		// Nobody but this machine decides where localhost leads to.
		if p.list.Loopback || t.IsLocalhost() && p.list.HasName(t) {
			return nil
		}
	}
	return &DeniedError{Target: t, Addr: addr, Rule: Rule(kind), prefix: prefix, listed: p.listed}
}

// CheckUnknown decides about a name that can not be looked up here, and that a
// proxy may know: the list has to have the name itself.
func (p *Policy) CheckUnknown(t hosts.Target) *DeniedError {
	if p.list.HasName(t) {
		return nil
	}
	return &DeniedError{Target: t, Rule: RuleUnknown, listed: p.listed}
}

// isAdmin reports whether the admin origin can be reached at addr and port. It
// may listen on every address, and the system takes some for others, so the
// port is refused on all addresses of this machine.
func (p *Policy) isAdmin(addr netip.Addr, port uint16) bool {
	at := p.admin.Load()
	if at == nil || at.Port() != port {
		return false
	}
	if addr.IsLoopback() || addr.IsUnspecified() || addr == hosts.Plain(at.Addr()) {
		return true
	}
	own, err := p.local()
	if err != nil {
		return true // nobody can say that it is another machine's
	}
	for _, a := range own {
		if hosts.Plain(a) == addr {
			return true
		}
	}
	return false
}

// interfaces returns the addresses of this machine.
func interfaces() ([]netip.Addr, error) {
	nets, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	out := make([]netip.Addr, 0, len(nets))
	for _, n := range nets {
		if p, err := netip.ParsePrefix(n.String()); err == nil {
			out = append(out, p.Addr())
		}
	}
	return out, nil
}
