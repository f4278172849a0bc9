// What an error of net/http means, in our codes and in a sentence. Only errors
// of which it is certain that nothing was sent are CONNECT_ERROR, because an
// unkeyed write is repeated after one.

package httpbind

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"reprise/connections/egress"
	"reprise/runtime/call"
)

// failure explains why a try failed. ctx is the try's own.
func (x *exchange) failure(ctx context.Context, err error) *call.Error {
	if own, ok := errors.AsType[*call.Error](err); ok {
		return own
	}
	if refused, ok := errors.AsType[*egress.DeniedError](err); ok {
		return x.denied(refused)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		return x.interrupted(ctx, cause)
	}
	target := x.p.Call.Target
	if ctx.Err() != nil {
		return call.Errorf(call.CodeTimeout, "%s: no complete answer within %s", target, x.timeout)
	}
	if why, ok := x.connecting(err); ok {
		return call.Errorf(call.CodeConnect, "%s: %s", target, why)
	}
	switch text := reasonOf(err); {
	case strings.Contains(text, "failed to parse Location header"):
		return call.Errorf(call.CodeRedirect, "%s was redirected to something that is not a URL", target)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return call.Errorf(call.CodeNetwork, "%s: the connection was closed before the answer was complete", target)
	case errors.Is(err, syscall.ECONNRESET):
		return call.Errorf(call.CodeNetwork, "%s: the connection was reset before the answer was complete", target)
	default:
		return call.Errorf(call.CodeNetwork, "%s: the request failed after it was sent, or while it was: %s", target, text)
	}
}

// interrupted is the failure of a call whose run no longer wants it.
func (x *exchange) interrupted(ctx context.Context, err error) *call.Error {
	if own, ok := errors.AsType[*call.Error](context.Cause(ctx)); ok {
		return own
	}
	return call.Errorf(call.CodeCancelled, "%s was given up: %s", x.p.Call.Target, err)
}

// connecting reports whether err says that no connection was made, and why.
func (x *exchange) connecting(err error) (why string, ok bool) {
	host := x.host()
	var dns *net.DNSError
	var op *net.OpError
	var refused *proxyRefusedError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "there is no host " + dns.Name + "; check the URL", true
	case errors.As(err, &dns):
		return "the name " + dns.Name + " could not be looked up: " + dns.Err, true
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "the proxy could not be reached: " + op.Err.Error(), true
	case errors.As(err, &op) && strings.HasPrefix(op.Op, "socks"):
		return "the proxy did not connect: " + op.Err.Error(), true
	case errors.As(err, &refused):
		return refused.Error(), true
	case errors.As(err, &op) && op.Op == "dial" && errors.Is(err, syscall.ECONNREFUSED):
		return host + " refused the connection; is it running, and on that port?", true
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		return host + " did not accept the connection within " + connectTimeout.String(), true
	case errors.As(err, &op) && op.Op == "dial":
		return host + " could not be reached: " + op.Err.Error(), true
	}
	if why, ok := handshake(err); ok {
		return "the TLS handshake with " + host + " failed: " + why, true
	}
	return "", false
}

// handshake reports whether err comes from the TLS handshake.
func handshake(err error) (why string, ok bool) {
	var verify *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	text := reasonOf(err)
	switch {
	case errors.As(err, &record), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "it does not speak TLS there; is it http:// and not https://?", true
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return text, true
	case strings.Contains(text, "TLS handshake timeout"):
		return "it took longer than " + connectTimeout.String(), true
	case strings.HasPrefix(text, "remote error: tls: ") && strings.Contains(text, "certificate"):
		// With TLS 1.3 a server says so only when the request may be on its way; it
		// has not read it.
		return "it wants another client certificate (" + text + "); see tls.cert of the connection", true
	case strings.HasPrefix(text, "tls: "), strings.HasPrefix(text, "remote error: tls: handshake"),
		strings.HasPrefix(text, "remote error: tls: protocol"):
		return text, true
	}
	return "", false
}

// host names the upstream in messages.
func (x *exchange) host() string {
	u, err := url.Parse(x.request.shown)
	if err != nil || u.Host == "" {
		return "the upstream"
	}
	return u.Host
}

// reasonOf is an error's text without the URL that net/http puts before it.
func reasonOf(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err.Error()
	}
	return err.Error()
}
