// The JSON of HTTP calls, both ways. Nearly all of it has a few plain fields,
// and encoding/json takes longer over those than the rest of a call takes in
// the VM; so they are read and written here, and whatever is not plain is left
// to it.

package web

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// DecodeHTTPRequest reads the Args of an "http.request" call.
func DecodeHTTPRequest(text []byte, req *HTTPRequest) error {
	p := wireReader{text: text}
	if p.request(req) {
		return nil
	}
	*req = HTTPRequest{}
	return json.Unmarshal(text, req)
}

// decodeHTTPResponse reads the Value of an "http.request" outcome.
func decodeHTTPResponse(text []byte, res *HTTPResponse) error {
	p := wireReader{text: text}
	if p.response(res) {
		return nil
	}
	*res = HTTPResponse{}
	return json.Unmarshal(text, res)
}

// encode writes the Args of an "http.request" call.
func (req *HTTPRequest) encode() ([]byte, error) {
	if req.Retry != nil || req.Auth != nil || req.Stream || req.KeepAuth {
		return json.Marshal(req)
	}
	w := wireWriter{text: append(make([]byte, 0, 192), '{'), plain: true}
	w.field("connection", req.Connection)
	w.name("method")
	w.string(req.Method)
	w.name("url")
	w.string(req.URL)
	if len(req.Headers) > 0 {
		w.name("headers")
		w.pairs(req.Headers)
	}
	w.field("redirect", req.Redirect)
	if req.TimeoutMS != 0 {
		w.name("timeoutMs")
		w.text = strconv.AppendInt(w.text, req.TimeoutMS, 10)
	}
	w.field("idempotencyKey", req.IdempotencyKey)
	w.field("inDoubt", req.InDoubt)
	if !w.plain {
		return json.Marshal(req)
	}
	return append(w.text, '}'), nil
}

// wireWriter writes an object. plain becomes false at a string that is not its
// own JSON text; what is written then is worth nothing.
type wireWriter struct {
	text  []byte
	plain bool
}

func (w *wireWriter) name(name string) {
	if len(w.text) > 1 {
		w.text = append(w.text, ',')
	}
	w.string(name)
	w.text = append(w.text, ':')
}

// field writes a string that may be absent.
func (w *wireWriter) field(name, value string) {
	if value != "" {
		w.name(name)
		w.string(value)
	}
}

func (w *wireWriter) string(s string) {
	w.plain = w.plain && isPlainText(s)
	w.text = append(append(append(w.text, '"'), s...), '"')
}

func (w *wireWriter) pairs(list [][2]string) {
	w.text = append(w.text, '[')
	for i, pair := range list {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		w.text = append(w.text, '[')
		w.string(pair[0])
		w.text = append(w.text, ',')
		w.string(pair[1])
		w.text = append(w.text, ']')
	}
	w.text = append(w.text, ']')
}

func isPlainText(s string) bool {
	for i := range len(s) {
		if !plainByte(s[i]) {
			return false
		}
	}
	return true
}

// plainByte reports whether JSON writes a byte of a string as it is.
func plainByte(c byte) bool { return c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf }

// wireReader reads JSON without white space, escapes or anything but the types
// below. Its methods return false at the first thing that is not so.
type wireReader struct {
	text []byte
	pos  int
}

func (p *wireReader) request(req *HTTPRequest) bool {
	return p.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "connection":
			req.Connection, ok = p.string()
		case "method":
			req.Method, ok = p.string()
		case "url":
			req.URL, ok = p.string()
		case "redirect":
			req.Redirect, ok = p.string()
		case "idempotencyKey":
			req.IdempotencyKey, ok = p.string()
		case "inDoubt":
			req.InDoubt, ok = p.string()
		case "headers":
			req.Headers, ok = p.pairs()
		case "timeoutMs":
			req.TimeoutMS, ok = p.natural()
		}
		return ok
	})
}

func (p *wireReader) response(res *HTTPResponse) bool {
	return p.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "status":
			var n int64
			n, ok = p.natural()
			res.Status = int(n)
		case "statusText":
			res.StatusText, ok = p.string()
		case "url":
			res.URL, ok = p.string()
		case "redirected":
			res.Redirected = p.skip("true")
			ok = res.Redirected
		case "headers":
			res.Headers, ok = p.pairs()
		}
		return ok
	})
}

// object reads one object, which is the whole text.
func (p *wireReader) object(field func(name []byte) bool) bool {
	if !p.skip(`{`) {
		return false
	}
	for {
		name, ok := p.bytes()
		if !ok || !p.skip(`:`) || !field(name) {
			return false
		}
		if !p.skip(`,`) {
			return p.skip(`}`) && p.pos == len(p.text)
		}
	}
}

func (p *wireReader) skip(what string) bool {
	if !bytes.HasPrefix(p.text[p.pos:], []byte(what)) {
		return false
	}
	p.pos += len(what)
	return true
}

func (p *wireReader) string() (string, bool) {
	b, ok := p.bytes()
	return string(b), ok
}

// bytes reads a string that is its own text.
func (p *wireReader) bytes() ([]byte, bool) {
	if !p.skip(`"`) {
		return nil, false
	}
	for i := p.pos; i < len(p.text); i++ {
		c := p.text[i]
		if c == '"' {
			b := p.text[p.pos:i]
			p.pos = i + 1
			return b, true
		}
		if !plainByte(c) {
			return nil, false
		}
	}
	return nil, false
}

// natural reads a whole number of at most nine digits, without a sign.
func (p *wireReader) natural() (n int64, ok bool) {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' && p.pos-start < 9 {
		n = n*10 + int64(p.text[p.pos]-'0')
		p.pos++
	}
	digits := p.pos - start
	return n, digits > 0 && (digits == 1 || p.text[start] != '0')
}

func (p *wireReader) pairs() ([][2]string, bool) {
	if !p.skip(`[`) {
		return nil, false
	}
	list := make([][2]string, 0, 6)
	for {
		if !p.skip(`[`) {
			return nil, false
		}
		name, ok1 := p.string()
		comma := p.skip(`,`)
		value, ok2 := p.string()
		if !ok1 || !ok2 || !comma || !p.skip(`]`) {
			return nil, false
		}
		list = append(list, [2]string{name, value})
		if !p.skip(`,`) {
			return list, p.skip(`]`)
		}
	}
}
