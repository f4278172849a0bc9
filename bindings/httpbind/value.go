package httpbind

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value encodes a web.HTTPResponse. Header lines are in alphabetical order: a map has none, and
// the bytes are kept.
func (x *exchange) value(r reply) []byte {
	b := make([]byte, 0, 768)
	b = append(b, `{"status":`...)
	b = strconv.AppendInt(b, int64(r.status), 10)
	if text := http.StatusText(r.status); text != "" {
		b = append(b, `,"statusText":`...)
		b = appendString(b, text)
	}
	b = append(b, `,"url":`...)
	if r.url == "" {
		b = appendString(b, x.request.shown)
	} else {
		b = appendString(b, x.use.ScrubText(r.url))
		b = append(b, `,"redirected":true`...)
	}
	b = append(b, `,"headers":[`...)
	b = x.appendHeaders(b, r.header)
	return append(b, "]}"...)
}

func (x *exchange) appendHeaders(b []byte, header http.Header) []byte {
	var few [24]string
	names := few[:0]
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	first := true
	for _, name := range names {
		for _, value := range header[name] {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(b, '[')
			b = x.appendName(b, name)
			b = append(b, ',')
			b = appendString(b, fromWire(x.use.ScrubText(value)))
			b = append(b, ']')
		}
	}
	return b
}

// appendName appends a header's name, in small letters.
func (x *exchange) appendName(b []byte, name string) []byte {
	if x.use.Active() || !isASCII(name) || strings.ContainsAny(name, "\"\\") {
		return appendString(b, x.use.ScrubText(strings.ToLower(name)))
	}
	b = append(b, '"')
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return append(b, '"')
}

// appendString appends s as a JSON string. Nearly all header text needs no
// escaping.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic(err) // strings always encode
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
