package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"reprise/runtime/call/hosts"
)

// targetKey is the context key under which a dial carries what was asked for.
type targetKey struct{}

// Dial returns a DialContext that makes the connections the policy allows. The
// address is looked at when the socket is about to be connected: there is no
// second look-up that could say something else. The dialer's own controls are
// not used. Errors of a refusal hold a *DeniedError.
func (p *Policy) Dial(d *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	checked := *d
	checked.Control = nil
	checked.ControlContext = func(ctx context.Context, network, address string, _ syscall.RawConn) error {
		t, ok := ctx.Value(targetKey{}).(hosts.Target)
		if !ok {
			return fmt.Errorf("egress: %s is dialled, and nobody asked for it", address)
		}
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("egress: %s address %q: %w", network, address, err)
		}
		t.Port = at.Port()
		if d := p.CheckAddr(t, at.Addr()); d != nil {
			return d
		}
		return nil
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		t, err := hosts.At(address)
		if err != nil {
			return nil, err
		}
		return checked.DialContext(context.WithValue(ctx, targetKey{}, t), network, address)
	}
}
