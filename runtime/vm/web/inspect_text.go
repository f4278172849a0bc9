package web

import (
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// primitive shows what is not an object, as it is written in source.
func primitive(value goja.Value) string {
	switch {
	case value == nil || goja.IsUndefined(value):
		return "undefined"
	case isSymbol(value):
		return "Symbol(" + value.String() + ")"
	case goja.IsString(value):
		return quoteText(clipText(value.String()))
	case goja.IsBigInt(value):
		return value.String() + "n"
	case goja.IsNumber(value) && value.ToFloat() == 0 && isNegativeZero(value):
		return "-0"
	}
	return value.String()
}

func isSymbol(value goja.Value) bool {
	_, ok := value.(*goja.Symbol)
	return ok
}

func isNegativeZero(value goja.Value) bool {
	return strings.HasPrefix(strconv.FormatFloat(value.ToFloat(), 'g', -1, 64), "-")
}

// quoteText writes a string the way people do: in single quotes, unless it
// contains some.
func quoteText(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteByte(quote)
	for _, c := range s {
		switch {
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == rune(quote) || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < 0x20 || c == 0x7f:
			b.WriteString(`\x` + strconv.FormatInt(int64(c)+0x100, 16)[1:])
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte(quote)
	return b.String()
}

func clipText(s string) string {
	if len(s) <= maxInspectText {
		return s
	}
	return strings.ToValidUTF8(s[:maxInspectText], "") + "… (" + strconv.Itoa(len(s)) + " bytes)"
}

// propertyName quotes a name that is not an identifier.
func propertyName(name string) string {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c > 0x7f
		if !letter && (i == 0 || c < '0' || c > '9') {
			return quoteText(clipText(name))
		}
	}
	if name == "" {
		return "''"
	}
	return clipText(name)
}

// group puts parts between braces, on one line if they fit.
func group(name, open string, parts []string, closing string) string {
	if name != "" {
		name += " "
	}
	if len(parts) == 0 {
		return name + open + closing
	}
	length, lines := len(name), false
	for _, p := range parts {
		length += len(p) + 2
		lines = lines || strings.Contains(p, "\n")
	}
	if length <= lineWidth && !lines {
		return name + open + " " + strings.Join(parts, ", ") + " " + closing
	}
	body := strings.ReplaceAll(strings.Join(parts, ",\n"), "\n", "\n  ")
	return name + open + "\n  " + body + "\n" + closing
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
