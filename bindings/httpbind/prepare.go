package httpbind

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// prepared is a request with the secrets in: what goes over the wire.
type prepared struct {
	shown   string // the URL as the script knows it, tokens and all
	url     string
	header  http.Header
	body    []byte
	present bool     // an empty body is not the same as none
	private []string // header names, canonical, that hold credentials
}

const (
	headerAuthorization  = "Authorization"
	headerContentType    = "Content-Type"
	headerIdempotencyKey = "Idempotency-Key"
	userAgent            = "reprise"
)

// ours are headers that belong to the connection and not to the script.
var ours = map[string]bool{
	"Accept-Encoding": true, "Connection": true, "Content-Length": true, "Expect": true, "Host": true, "Keep-Alive": true,
	"Proxy-Authorization": true, "Proxy-Connection": true, call.DepthHeader: true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// prepare reads the arguments and resolves everything in them, once for all
// tries.
func (x *exchange) prepare() error {
	if err := web.DecodeHTTPRequest(x.p.Call.Args, &x.args); err != nil {
		return call.Errorf(call.CodeInvalidArgument, "the arguments of an http.request call can not be read: %s", err)
	}
	a := &x.args
	if !validMethod(a.Method) {
		return call.Errorf(call.CodeInvalidArgument, "%q can not be a request's method", a.Method)
	}
	if !httpguts.ValidHeaderFieldValue(a.IdempotencyKey) {
		return call.Errorf(call.CodeInvalidArgument, "%s: the idempotency key has characters that a header can not have", x.p.Call.Target)
	}
	if err := x.inherit(); err != nil {
		return err
	}
	x.policy = policyOf(a.Retry, x.p.Call.Class)
	x.timeout = x.b.options.Timeout
	if a.TimeoutMS > 0 {
		x.timeout = time.Duration(min(a.TimeoutMS, maxMillis)) * time.Millisecond
	}
	target, err := x.resolveURL()
	if err != nil {
		return err
	}
	if err := x.permit(target); err != nil {
		return err
	}
	if err := x.resolveHeaders(); err != nil {
		return err
	}
	if err := x.resolveBody(); err != nil {
		return err
	}
	if err := x.resolveAuth(target); err != nil {
		return err
	}
	x.countDepth(x.request.header, target)
	x.request.url = target.String()
	return x.use.Check(target)
}

// countDepth tells our own server how deep scripts that call each other are,
// so that it can end a circle. Other servers are told nothing.
func (x *exchange) countDepth(h http.Header, target *url.URL) {
	if x.b.options.Connections.IsSelf(target) {
		h[call.DepthHeader] = []string{strconv.Itoa(x.p.By.Depth + 1)}
	} else {
		delete(h, call.DepthHeader)
	}
}

// maxMillis keeps durations far from overflow: a year.
const maxMillis = int64(366 * 24 * time.Hour / time.Millisecond)

// isOurs reports whether a header, by its canonical name, is ours. Some servers
// take an underscore for a hyphen.
func isOurs(name string) bool {
	return ours[name] || strings.Contains(name, "_") && ours[http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))]
}

// validMethod leaves out CONNECT, which makes tunnels, and TRACE, which makes
// servers send credentials back.
func validMethod(m string) bool {
	return httpguts.ValidHeaderFieldName(m) && !slices.Contains([]string{"CONNECT", "TRACE"}, strings.ToUpper(m))
}

func (x *exchange) resolveURL() (*url.URL, error) {
	x.request.shown = x.args.URL
	if x.args.Connection != "" {
		if x.b.options.Connections == nil {
			return nil, call.Errorf(call.CodeNotFound, "there is no connection %q", x.args.Connection)
		}
		resolved, err := x.b.options.Connections.Resolve(x.args.Connection, x.args.URL)
		if err != nil {
			return nil, err
		}
		x.request.shown = resolved
	}
	shown, _, _ := strings.Cut(x.request.shown, "#")
	x.request.shown = shown
	u, err := url.Parse(shown)
	switch {
	case err != nil:
		return nil, call.Errorf(call.CodeInvalidArgument, "the URL of %s can not be read: %s", x.p.Call.Target, reasonOf(err))
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, call.Errorf(call.CodeInvalidArgument, "%s: only absolute http and https URLs can be requested", x.p.Call.Target)
	case u.User != nil:
		return nil, call.Errorf(call.CodeInvalidArgument, "%s: the URL holds credentials; pass auth: basic(user, secret(NAME)) instead", x.p.Call.Target)
	}
	if err := x.inheritQuery(u); err != nil {
		return nil, err
	}
	tidy(u)
	return u, x.resolveTokens(u)
}

// tidy escapes the one character that url.Parse lets through and that would end
// the target in the line of a request.
func tidy(u *url.URL) {
	if strings.Contains(u.RawQuery, " ") {
		u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20")
	}
}

// resolveTokens puts secrets into the path and the query. A host is never
// touched: a secret in it would go to a name server.
func (x *exchange) resolveTokens(u *url.URL) error {
	path, err := x.use.Path(u.EscapedPath())
	if err != nil {
		return err
	}
	if path != u.EscapedPath() {
		plain, err := url.PathUnescape(path)
		if err != nil {
			return call.Errorf(call.CodeInvalidArgument, "%s: the path can not be read", x.p.Call.Target)
		}
		u.Path, u.RawPath = plain, path
	}
	u.RawQuery, err = x.use.Query(u.RawQuery)
	return err
}

func (x *exchange) resolveHeaders() error {
	header := make(http.Header, len(x.args.Headers)+3)
	for _, h := range x.args.Headers {
		name := http.CanonicalHeaderKey(h[0])
		if isOurs(name) {
			continue
		}
		value, err := x.use.Text(h[1])
		if err != nil {
			return err
		}
		if value != h[1] {
			x.request.private = append(x.request.private, name)
		}
		value = toWire(value)
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return call.Errorf(call.CodeInvalidArgument, "%s: the header %q, or its value, has characters that a header can not have", x.p.Call.Target, h[0])
		}
		header[name] = append(header[name], value)
	}
	if header["User-Agent"] == nil {
		header["User-Agent"] = []string{userAgent}
	}
	if header["Accept"] == nil {
		header["Accept"] = []string{"*/*"}
	}
	x.request.header = header
	x.keyWrites()
	return nil
}

// keyWrites adds Idempotency-Key: the script's own, which makes the call
// keyed, or one that stays the same over the attempts. The latter is written
// in small letters: net/http takes the header's usual spelling for a licence
// to send a request twice, and it is one only if the script says so.
func (x *exchange) keyWrites() {
	h, c := x.request.header, &x.p.Call
	switch {
	case x.args.IdempotencyKey != "":
		h[headerIdempotencyKey] = []string{x.args.IdempotencyKey}
	case h[headerIdempotencyKey] != nil || x.args.Method != http.MethodPost && x.args.Method != http.MethodPatch:
	case c.Class == call.Idempotent:
		h[headerIdempotencyKey] = []string{automaticKey(x.p)}
	default:
		h[strings.ToLower(headerIdempotencyKey)] = []string{automaticKey(x.p)}
	}
}

// automaticKey is the engine's key of the call, the same after a crash. Where
// the engine gives none, the run is over with the process, and run and call do.
func automaticKey(p *call.Performance) string {
	if p.Key != "" {
		return p.Key
	}
	sum := sha256.Sum256([]byte(p.By.Run + "/" + strconv.FormatUint(p.Call.ID, 10)))
	return hex.EncodeToString(sum[:16])
}

func (x *exchange) resolveBody() error {
	if !x.p.Call.Body.Present {
		return nil
	}
	body, err := x.p.Read(x.p.Call.Body)
	if err != nil {
		return call.Errorf(call.CodeInternal, "%s: the request's body can not be read: %s", x.p.Call.Target, err)
	}
	if n, limit := int64(len(body)), x.maxBody(); n > limit {
		return call.Errorf(call.CodeBodyTooLarge, "%s: the request's body has %d bytes, and the limit is %d; send it in parts", x.p.Call.Target, n, limit).
			WithData(call.LimitData{Limit: "body", Used: n, Allowed: limit})
	}
	x.request.present = true
	x.request.body, err = x.use.Body(body, x.request.header.Get(headerContentType))
	return err
}

// toWire encodes a header value: scripts see each byte as a character up to
// U+00FF, as fetch defines it.
func toWire(value string) string {
	if isASCII(value) {
		return value
	}
	b := make([]byte, 0, len(value))
	for _, r := range value {
		if r > 0xFF {
			return value // not from Headers, which refuse it; sent as UTF-8
		}
		b = append(b, byte(r))
	}
	return string(b)
}

// fromWire is the other direction.
func fromWire(value string) string {
	if isASCII(value) {
		return value
	}
	runes := make([]rune, len(value))
	for i := range len(value) {
		runes[i] = rune(value[i])
	}
	return string(runes)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
