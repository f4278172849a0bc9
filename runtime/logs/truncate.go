package logs

import (
	"strconv"
	"unicode/utf8"
)

// MaxEntry is the most bytes of message and fields that an entry keeps. One
// line that prints a whole API answer must not push out thousands of others.
const MaxEntry = 16 << 10

// Shares of a truncated entry: half for the message, and of the fields only
// the small members (a status, a duration, an id), which filters live on.
const (
	maxKeptMsg    = 8 << 10
	maxKeptFields = 7 << 10
	maxKeptMember = 512
)

// truncate cuts an entry down to MaxEntry and says so in a field:
//
//	"truncated":{"msgBytes":40960,"fieldsBytes":120}
//
// which are the sizes before.
func truncate(e *Entry) {
	msg, fields := len(e.Msg), len(e.Fields)
	keptFields := e.Fields
	if fields > maxKeptFields {
		keptFields = smallMembers(e.Fields)
	}
	kept := []byte(`{"truncated":{"msgBytes":`)
	kept = strconv.AppendInt(kept, int64(msg), 10)
	kept = append(kept, `,"fieldsBytes":`...)
	kept = strconv.AppendInt(kept, int64(fields), 10)
	kept = append(kept, '}')
	m := members{b: keptFields}
	for {
		key, value, ok := m.next()
		if !ok {
			break
		}
		kept = append(kept, ',', '"')
		kept = append(kept, key...)
		kept = append(kept, '"', ':')
		kept = append(kept, value...)
	}
	e.Fields = append(kept, '}')
	e.Msg = cut(e.Msg, max(maxKeptMsg, MaxEntry-len(e.Fields)))
}

// smallMembers returns an object of the members that are small, as far as they fit.
func smallMembers(object []byte) []byte {
	out := []byte{'{'}
	m := members{b: object}
	for {
		key, value, ok := m.next()
		if !ok {
			break
		}
		if len(key)+len(value) > maxKeptMember || len(out)+len(key)+len(value) > maxKeptFields {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = append(out, key...)
		out = append(out, '"', ':')
		out = append(out, value...)
	}
	return append(out, '}')
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	// Copied, so that the kilobytes cut off are not kept in memory.
	return string([]byte(s[:n]))
}
