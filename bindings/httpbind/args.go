// Reading the arguments of a call. Nearly all of them have a few plain fields,
// and encoding/json takes longer over those than all the rest of the
// preparation; so they are read here, and whatever is not plain is left to it.

package httpbind

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"reprise/runtime/vm/web"
)

// decodeArgs reads the Args of an "http.request" call.
func decodeArgs(text []byte, req *web.HTTPRequest) error {
	p := argsReader{text: text}
	if p.request(req) {
		return nil
	}
	*req = web.HTTPRequest{}
	return json.Unmarshal(text, req)
}

// argsReader reads JSON without white space, escapes or anything but strings
// and lists of pairs. Its methods return false at the first thing that is not so.
type argsReader struct {
	text []byte
	pos  int
}

func (p *argsReader) request(req *web.HTTPRequest) bool {
	if !p.skip(`{`) {
		return false
	}
	for {
		name, ok := p.bytes()
		if !ok || !p.skip(`:`) {
			return false
		}
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
		case "headers":
			req.Headers, ok = p.pairs()
		default:
			return false
		}
		if !ok {
			return false
		}
		if !p.skip(`,`) {
			return p.skip(`}`) && p.pos == len(p.text)
		}
	}
}

func (p *argsReader) skip(what string) bool {
	if !bytes.HasPrefix(p.text[p.pos:], []byte(what)) {
		return false
	}
	p.pos += len(what)
	return true
}

func (p *argsReader) string() (string, bool) {
	b, ok := p.bytes()
	return string(b), ok
}

// bytes reads a string that is its own text.
func (p *argsReader) bytes() ([]byte, bool) {
	if !p.skip(`"`) {
		return nil, false
	}
	for i := p.pos; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			b := p.text[p.pos:i]
			p.pos = i + 1
			return b, true
		case c < ' ' || c == '\\' || c >= utf8.RuneSelf:
			return nil, false
		}
	}
	return nil, false
}

func (p *argsReader) pairs() ([][2]string, bool) {
	if !p.skip(`[`) {
		return nil, false
	}
	list := make([][2]string, 0, 4)
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
