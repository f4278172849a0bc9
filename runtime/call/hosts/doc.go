// Package hosts says what a URL addresses, what an address is for, and whether
// a list of hosts, addresses and prefixes names it:
//
//	list, err := hosts.Parse([]string{"api.example.com", "*.example.net:443", "10.0.0.0/8"})
//	target, err := hosts.Of(u)             // the name or the address, and the port
//	list.Has(target)                       // by what the URL says
//	list.HasAddr(addr, target.Port)        // by where it leads
//	kind, prefix := hosts.KindOf(addr)     // hosts.Loopback, 127.0.0.0/8
//
// The one invariant: what some resolver or kernel would take for an address is
// an address here, in whatever form it is written, and never a name.
//
// It must not look names up or make connections.
package hosts
