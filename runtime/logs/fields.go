// Reading an entry's fields without decoding them: filters look at one member
// of a JSON object a million times a second, and must not allocate for it.

package logs

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"unicode/utf16"
	"unsafe"
)

// AllFields yields the entry's fields in the order they were written, each
// with its value as JSON text. It stops where the text is not JSON.
func (e *Entry) AllFields() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		m := members{b: e.Fields}
		for {
			key, value, ok := m.next()
			if !ok || !yield(unescape(key), json.RawMessage(value)) {
				return
			}
		}
	}
}

// view returns b as a string without copying. Callers hold b only while the
// entry lives, and an entry's bytes never change after Emit.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// members walks the members of a JSON object.
type members struct {
	b []byte
	i int
}

// next returns the next member: its key as written between the quotes, its
// value as JSON text. ok is false at the end and where the text is not JSON.
func (m *members) next() (key, value []byte, ok bool) {
	i := skipSpace(m.b, m.i)
	if i >= len(m.b) || (m.b[i] != '{' && m.b[i] != ',') || (m.i == 0) != (m.b[i] == '{') {
		return nil, nil, false
	}
	i = skipSpace(m.b, i+1)
	if i >= len(m.b) || m.b[i] != '"' {
		return nil, nil, false
	}
	end := skipString(m.b, i)
	if end < 0 {
		return nil, nil, false
	}
	key = m.b[i+1 : end-1]
	i = skipSpace(m.b, end)
	if i >= len(m.b) || m.b[i] != ':' {
		return nil, nil, false
	}
	i = skipSpace(m.b, i+1)
	end = skipValue(m.b, i)
	if end <= i {
		return nil, nil, false
	}
	m.i = end
	return key, m.b[i:end], true
}

// lookup finds the value of a top-level member; of a dotted name also the
// value inside nested objects: "error.code".
func lookup(object []byte, name string) (value []byte, ok bool) {
	m := members{b: object}
	for {
		key, v, ok := m.next()
		if !ok {
			break
		}
		if view(key) == name || (bytes.IndexByte(key, '\\') >= 0 && unescape(key) == name) {
			return v, true
		}
	}
	head, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		return nil, false
	}
	inner, ok := lookup(object, head)
	if !ok {
		return nil, false
	}
	return lookup(inner, rest)
}

// text returns a JSON value as people write it in a filter: strings without
// quotes, everything else as its JSON text.
func text(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return view(value)
	}
	return unescape(value[1 : len(value)-1])
}

// unescape decodes the inside of a JSON string. Only strings that have an
// escape are copied.
func unescape(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return view(raw)
	}
	var s string
	quoted := append(append([]byte{'"'}, raw...), '"')
	if err := json.Unmarshal(quoted, &s); err != nil {
		return view(raw) // not JSON: compare what is there
	}
	return s
}

// decodeEscapes replaces \uXXXX anywhere in s by the characters they stand for.
func decodeEscapes(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, `\u`)
		if i < 0 || i+6 > len(s) {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		n, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
		if err != nil {
			b.WriteString(s[i : i+2])
			s = s[i+2:]
			continue
		}
		s = s[i+6:]
		r := rune(n)
		if utf16.IsSurrogate(r) && len(s) >= 6 && s[:2] == `\u` {
			if low, err := strconv.ParseUint(s[2:6], 16, 16); err == nil {
				r, s = utf16.DecodeRune(r, rune(low)), s[6:]
			}
		}
		b.WriteRune(r)
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index after the string that starts at b[i], or -1.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// skipValue returns the index after the value that starts at b[i], or -1.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for ; i < len(b); i++ {
		switch b[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return i
		}
	}
	return i
}

func skipNested(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = skipString(b, i); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}
