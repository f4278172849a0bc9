package vm

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// maxJSONDepth bounds nesting: goja's own functions over a nested value
// recurse in Go and take quadratic time in its depth.
const maxJSONDepth = 1000

// maxResultDepth bounds the nesting of what a handler returns: encoding/json,
// with which it is read from then on, goes no deeper.
const maxResultDepth = 10_000

// isNestedDeeper reports whether JSON text has more than most arrays and
// objects within each other.
func isNestedDeeper(text []byte, most int) bool {
	if len(text) <= 2*most {
		return false // as nearly always: every one of them takes two brackets
	}
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > most {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

// maxKnownKeys bounds the property names a VM remembers between parses.
const maxKnownKeys = 2048

// ParseJSON makes JavaScript values of JSON text straight from the bytes:
// goja's own JSON.parse takes several times as long. Empty text is undefined.
// Wrong text is an INVALID_JSON_ERROR with position and preview.
func (v *VM) ParseJSON(text []byte) (goja.Value, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if len(text) == 0 {
		return goja.Undefined(), nil
	}
	p := jsonParser{v: v, text: text}
	p.space()
	value, ok := p.value(0)
	if ok {
		p.space()
		if p.pos == len(p.text) {
			return value, nil
		}
		p.fail("text after the end")
	}
	return nil, p.err()
}

type jsonParser struct {
	v       *VM
	text    []byte
	pos     int
	problem string
	deep    bool // the problem is how deep it is nested
}

func (p *jsonParser) fail(problem string) bool {
	if p.problem == "" {
		p.problem = problem
	}
	return false
}

func (p *jsonParser) err() error {
	preview := string(p.text[:min(len(p.text), 120)])
	if len(p.text) > 120 {
		preview = strings.ToValidUTF8(preview, "") + "…"
	}
	return call.Errorf(call.CodeInvalidJSON, "not valid JSON: %s at position %d; the text begins %q", p.problem, p.pos, preview)
}

func (p *jsonParser) space() {
	if p.pos < len(p.text) && p.text[p.pos] > ' ' {
		return // as nearly always
	}
	p.spaces()
}

func (p *jsonParser) spaces() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *jsonParser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *jsonParser) value(depth int) (goja.Value, bool) {
	if depth > maxJSONDepth {
		p.deep = true
		return nil, p.fail("nested too deeply")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, ok := p.string()
		return s, ok
	case c == 't':
		return p.word("true", p.v.rt.ToValue(true))
	case c == 'f':
		return p.word("false", p.v.rt.ToValue(false))
	case c == 'n':
		return p.word("null", goja.Null())
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case p.pos >= len(p.text):
		return nil, p.fail("unexpected end")
	}
	return nil, p.fail("unexpected character")
}

func (p *jsonParser) word(word string, value goja.Value) (goja.Value, bool) {
	if !bytes.HasPrefix(p.text[p.pos:], []byte(word)) {
		return nil, p.fail("unexpected character")
	}
	p.pos += len(word)
	return value, true
}

func (p *jsonParser) object(depth int) (goja.Value, bool) {
	obj := p.v.rt.NewObject()
	return obj, p.fillObject(obj, depth)
}

// fillObject reads an object's members into obj.
func (p *jsonParser) fillObject(obj *goja.Object, depth int) bool {
	p.pos++
	p.space()
	if p.peek() == '}' {
		p.pos++
		return true
	}
	for {
		p.space()
		if p.peek() != '"' {
			return p.fail("expected a property name")
		}
		name, ok := p.name()
		if !ok {
			return false
		}
		p.space()
		if p.peek() != ':' {
			return p.fail("expected a colon")
		}
		p.pos++
		p.space()
		value, ok := p.value(depth + 1)
		if !ok {
			return false
		}
		// Defining, not setting: no name may reach a setter or the prototype.
		p.v.define(obj, name, value)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return true
		default:
			return p.fail("expected a comma or a closing brace")
		}
	}
}

// name reads a property name. The same names come again and again, so they
// are remembered instead of allocated.
func (p *jsonParser) name() (string, bool) {
	raw, plain, ok := p.rawString()
	if !ok {
		return "", false
	}
	if !plain {
		value, ok := p.unescape(raw)
		if !ok {
			return "", false
		}
		return value.String(), true
	}
	if s, ok := p.v.keys[string(raw)]; ok {
		return s, true
	}
	s := string(raw)
	if p.v.keys == nil {
		p.v.keys = make(map[string]string, 16)
	}
	if len(p.v.keys) < maxKnownKeys {
		p.v.keys[s] = s
	}
	return s, true
}

func (p *jsonParser) array(depth int) (goja.Value, bool) {
	items, ok := p.items(depth)
	if !ok {
		return nil, false
	}
	return p.v.rt.NewArray(items...), true
}

// items reads an array's elements.
func (p *jsonParser) items(depth int) (items []any, ok bool) {
	p.pos++
	p.space()
	if p.peek() == ']' {
		p.pos++
		return nil, true
	}
	items = make([]any, 0, 8)
	for {
		p.space()
		value, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		items = append(items, value)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return items, true
		default:
			return nil, p.fail("expected a comma or a closing bracket")
		}
	}
}

func (p *jsonParser) number() (goja.Value, bool) {
	start := p.pos
	integer, ok := p.numberText()
	if !ok {
		return nil, false
	}
	text := p.text[start:p.pos]
	if integer && len(text) <= 15 && !(len(text) == 2 && text[0] == '-' && text[1] == '0') {
		return p.v.rt.ToValue(smallInt(text)), true
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, p.fail("not a number")
	}
	return p.v.rt.ToValue(f), true
}

// numberText passes a number.
func (p *jsonParser) numberText() (integer, ok bool) {
	integer = true
	if p.peek() == '-' {
		p.pos++
	}
	switch c := p.peek(); {
	case c == '0':
		p.pos++
	case c >= '1' && c <= '9':
		p.digits()
	default:
		return false, p.fail("expected a digit")
	}
	if p.peek() == '.' {
		integer = false
		p.pos++
		if !p.digits() {
			return false, p.fail("expected a digit")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		integer = false
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return false, p.fail("expected a digit")
		}
	}
	return integer, true
}

func (p *jsonParser) digits() bool {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

// smallInt reads an integer that is known to fit.
func smallInt(text []byte) int64 {
	var n int64
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	for _, c := range text {
		n = n*10 + int64(c-'0')
	}
	if negative {
		return -n
	}
	return n
}

func (p *jsonParser) string() (goja.Value, bool) {
	raw, plain, ok := p.rawString()
	if !ok {
		return nil, false
	}
	if plain {
		return p.v.rt.ToValue(string(raw)), true
	}
	return p.unescape(raw)
}

// rawString reads up to the closing quote. plain says that the bytes are the
// string: no escapes, valid UTF-8.
func (p *jsonParser) rawString() (raw []byte, plain, ok bool) {
	p.pos++
	start := p.pos
	plain = true
	ascii := true
	for {
		p.pos += ordinaryPrefix(p.text[min(p.pos, len(p.text)):])
		if p.pos >= len(p.text) {
			p.pos = len(p.text)
			return nil, false, p.fail("an unfinished string")
		}
		switch c := p.text[p.pos]; {
		case c == '"':
			raw = p.text[start:p.pos]
			p.pos++
			return raw, plain && (ascii || utf8.Valid(raw)), true
		case c == '\\':
			plain = false
			p.pos++
		case c >= utf8.RuneSelf:
			ascii = false
		default:
			return nil, false, p.fail("a control character in a string")
		}
		p.pos++
	}
}

// ordinaryPrefix counts the bytes up to one that is special in a string. It is
// the inner loop of everything that reads JSON.
func ordinaryPrefix(text []byte) int {
	for i, c := range text {
		if special[c] {
			return i
		}
	}
	return len(text)
}

// special are the bytes that end a string, begin an escape, are not allowed,
// or are not ASCII.
var special = func() (table [256]bool) {
	for c := range table {
		table[c] = c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf
	}
	return table
}()

// unescape decodes a string with escapes. Lone surrogates stay what they are,
// which only UTF-16 can say.
func (p *jsonParser) unescape(raw []byte) (goja.Value, bool) {
	units := make([]uint16, 0, len(raw))
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			r, n := utf8.DecodeRune(raw[i:])
			units = utf16.AppendRune(units, r)
			i += n
			continue
		}
		unit, n, ok := escape(raw[i+1:])
		if !ok {
			return nil, p.fail("a bad escape in a string")
		}
		units = append(units, unit)
		i += 1 + n
	}
	return utf16String(p.v.rt, units), true
}

func utf16String(rt *goja.Runtime, units []uint16) goja.Value {
	for _, u := range units {
		if u >= 0x80 {
			return goja.StringFromUTF16(units)
		}
	}
	b := make([]byte, len(units))
	for i, u := range units {
		b[i] = byte(u)
	}
	return rt.ToValue(string(b))
}

// escape decodes what follows a backslash.
func escape(b []byte) (unit uint16, n int, ok bool) {
	if len(b) == 0 {
		return 0, 0, false
	}
	switch b[0] {
	case '"', '\\', '/':
		return uint16(b[0]), 1, true
	case 'b':
		return '\b', 1, true
	case 'f':
		return '\f', 1, true
	case 'n':
		return '\n', 1, true
	case 'r':
		return '\r', 1, true
	case 't':
		return '\t', 1, true
	case 'u':
		if len(b) < 5 {
			return 0, 0, false
		}
		u, err := strconv.ParseUint(string(b[1:5]), 16, 16)
		return uint16(u), 5, err == nil
	}
	return 0, 0, false
}

// Stringify is JSON.stringify, as the script could not have changed it. The
// text of undefined is empty. It must be called inside the VM.
func (v *VM) Stringify(value goja.Value) ([]byte, error) {
	if value == nil || goja.IsUndefined(value) {
		return nil, nil
	}
	if v.splicing { // a toJSON of the script writes JSON itself: no stand-ins in there
		return v.stringify(value)
	}
	v.splicing, v.splices = true, nil
	v.frames = v.rt.CaptureCallStack(0, v.frames[:0])
	v.spliceDepth = len(v.frames)
	text, err := v.callStringify(value)
	splices := v.splices
	v.splicing, v.splices = false, nil
	if err != nil {
		return nil, err
	}
	if goja.IsUndefined(text) {
		return nil, nil
	}
	if len(splices) == 0 {
		return []byte(text.String()), nil
	}
	if out, ok := splice(text.String(), splices); ok {
		return out, nil
	}
	return v.stringify(value)
}

// stringify is Stringify without stand-ins. A script that kept one, which only
// a toJSON can, gets an error instead of text that means nothing.
func (v *VM) stringify(value goja.Value) ([]byte, error) {
	was := v.splicing
	v.splicing = false
	defer func() { v.splicing = was }()
	text, err := v.callStringify(value)
	if err != nil || goja.IsUndefined(text) {
		return nil, err
	}
	if out := text.String(); !strings.Contains(out, standInSecret) {
		return []byte(out), nil
	}
	return nil, call.Errorf(call.CodeInvalidArgument, "a toJSON method keeps the JSON text of a value that was received; make that text anew")
}

// callStringify calls the built-in. What no script can catch goes on its way.
func (v *VM) callStringify(value goja.Value) (goja.Value, error) {
	text, err := v.intrinsic.stringify(goja.Undefined(), value)
	if isUncatchable(err) {
		panic(err)
	}
	return text, err
}

// quoteJSON encodes a string as JSON.
func quoteJSON(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always encode
	}
	return b
}
