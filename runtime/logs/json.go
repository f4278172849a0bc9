// The JSON form of an entry. It is written by hand because every entry is
// encoded once for all readers together, beside running scripts: about six
// times cheaper than reflection, and times always have milliseconds.

package logs

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

const timeLayout = "2006-01-02T15:04:05.000Z"

// AppendJSON appends the entry's JSON form to dst. Whatever the entry holds,
// the result is one valid JSON object in valid UTF-8: fields that are not a
// JSON object become the string field "invalid".
func (e *Entry) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"seq":`...)
	dst = strconv.AppendUint(dst, e.Seq, 10)
	dst = append(dst, `,"ts":"`...)
	dst = e.Time.UTC().AppendFormat(dst, timeLayout)
	dst = append(dst, `","level":"`...)
	dst = append(dst, e.Level.String()...)
	dst = append(dst, `","kind":`...)
	dst = AppendJSONString(dst, string(e.Kind))
	dst = appendMember(dst, `,"script":`, e.Script)
	dst = appendMember(dst, `,"revision":`, e.Revision)
	dst = appendMember(dst, `,"run":`, e.Run)
	if e.Turn != 0 {
		dst = append(dst, `,"turn":`...)
		dst = strconv.AppendUint(dst, e.Turn, 10)
	}
	dst = append(dst, `,"msg":`...)
	dst = AppendJSONString(dst, e.Msg)
	dst = e.appendFields(dst)
	dst = e.appendSrc(dst)
	return append(dst, '}')
}

// MarshalJSON implements json.Marshaler with the same text as AppendJSON.
func (e Entry) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

func appendMember(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return AppendJSONString(append(dst, key...), value)
}

func (e *Entry) appendFields(dst []byte) []byte {
	if len(e.Fields) == 0 {
		return dst
	}
	dst = append(dst, `,"fields":`...)
	if isObject(e.Fields) && json.Valid(e.Fields) && utf8.Valid(e.Fields) {
		return append(dst, e.Fields...)
	}
	dst = append(dst, `{"invalid":`...)
	dst = AppendJSONString(dst, string(e.Fields))
	return append(dst, '}')
}

func isObject(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && b[0] == '{'
}

func (e *Entry) appendSrc(dst []byte) []byte {
	if e.Src == nil || e.Src.IsZero() {
		return dst
	}
	dst = append(dst, `,"src":{"file":`...)
	dst = AppendJSONString(dst, e.Src.File)
	if e.Src.Line != 0 {
		dst = append(dst, `,"line":`...)
		dst = strconv.AppendInt(dst, int64(e.Src.Line), 10)
	}
	if e.Src.Column != 0 {
		dst = append(dst, `,"column":`...)
		dst = strconv.AppendInt(dst, int64(e.Src.Column), 10)
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// AppendJSONString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, because a websocket text frame may not carry them.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\uFFFD"...)
			start = i + size
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
