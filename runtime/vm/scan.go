package vm

import (
	"bytes"
	"unicode/utf8"
)

// jsonScan checks JSON text in one pass without making values, and finds out
// whether it is canonical: exactly what JSON.stringify would write for the
// value it describes. Canonical text can go out again as it came in.
type jsonScan struct {
	jsonParser
	canonical bool
	// hook says that the top-level object has a property named then or
	// toJSON, which promises and JSON.stringify look for.
	hook bool
}

// scanJSON reports whether text is one JSON value. The error is ParseJSON's.
func (v *VM) scanJSON(text []byte) (*jsonScan, error) {
	s := &jsonScan{jsonParser: jsonParser{v: v, text: text}, canonical: true}
	s.skip()
	if !s.any(0) {
		return nil, s.err()
	}
	s.skip()
	if s.pos != len(text) {
		s.fail("text after the end")
		return nil, s.err()
	}
	return s, nil
}

// skip passes whitespace, which canonical text has none of.
func (s *jsonScan) skip() {
	if s.pos < len(s.text) && s.text[s.pos] > ' ' {
		return
	}
	before := s.pos
	s.spaces()
	if s.pos != before {
		s.canonical = false
	}
}

func (s *jsonScan) any(depth int) bool {
	if depth > maxJSONDepth {
		s.deep = true
		return s.fail("nested too deeply")
	}
	switch c := s.peek(); {
	case c == '{':
		return s.members(depth)
	case c == '[':
		return s.elements(depth)
	case c == '"':
		_, ok := s.quoted()
		return ok
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	case c == '-' || c >= '0' && c <= '9':
		return s.numeral()
	case s.pos >= len(s.text):
		return s.fail("unexpected end")
	}
	return s.fail("unexpected character")
}

func (s *jsonScan) literal(word string) bool {
	if !bytes.HasPrefix(s.text[s.pos:], []byte(word)) {
		return s.fail("unexpected character")
	}
	s.pos += len(word)
	return true
}

// quoted passes a string and returns what is between the quotes.
func (s *jsonScan) quoted() (raw []byte, ok bool) {
	raw, plain, ok := s.rawString()
	if !ok {
		return nil, false
	}
	if plain {
		return raw, true
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		_, n, ok := escape(raw[i+1:])
		if !ok {
			return nil, s.fail("a bad escape in a string")
		}
		// JSON.stringify writes these escapes so; others may have a shorter form.
		if bytes.IndexByte([]byte(`"\bfnrt`), raw[i+1]) < 0 {
			s.canonical = false
		}
		i += n
	}
	if !utf8.Valid(raw) {
		s.canonical = false
	}
	return raw, true
}

// fewKeys is how many property names are compared one by one to find doubles.
const fewKeys = 24

func (s *jsonScan) members(depth int) bool {
	s.pos++
	s.skip()
	if s.peek() == '}' {
		s.pos++
		return true
	}
	var few [fewKeys][]byte
	var many map[string]bool
	for n := 0; ; n++ {
		s.skip()
		if s.peek() != '"' {
			return s.fail("expected a property name")
		}
		name, ok := s.quoted()
		if !ok {
			return false
		}
		if n < fewKeys {
			s.check(name, few[:n])
			few[n] = name
		} else {
			if many == nil {
				many = make(map[string]bool, 2*fewKeys)
				for _, k := range few {
					many[string(k)] = true
				}
			}
			if many[string(name)] {
				s.canonical = false
			}
			many[string(name)] = true
			s.check(name, nil)
		}
		// A name with escapes could be any.
		if depth == 0 && (string(name) == "then" || string(name) == "toJSON" || bytes.IndexByte(name, '\\') >= 0) {
			s.hook = true
		}
		s.skip()
		if s.peek() != ':' {
			return s.fail("expected a colon")
		}
		s.pos++
		s.skip()
		if !s.any(depth + 1) {
			return false
		}
		s.skip()
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return true
		default:
			return s.fail("expected a comma or a closing brace")
		}
	}
}

// check finds names that JSON.stringify would not write here: doubles, of
// which an object keeps the last, and integers, which it lists first.
func (s *jsonScan) check(name []byte, before [][]byte) {
	if len(name) > 0 && name[0] >= '0' && name[0] <= '9' || bytes.Equal(name, []byte("toJSON")) {
		s.canonical = false
		return
	}
	for _, k := range before {
		if bytes.Equal(k, name) {
			s.canonical = false
			return
		}
	}
}

func (s *jsonScan) elements(depth int) bool {
	s.pos++
	s.skip()
	if s.peek() == ']' {
		s.pos++
		return true
	}
	for {
		s.skip()
		if !s.any(depth + 1) {
			return false
		}
		s.skip()
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return true
		default:
			return s.fail("expected a comma or a closing bracket")
		}
	}
}

// numeral passes a number. Short integers and short plain fractions are
// written by JSON.stringify as they came.
func (s *jsonScan) numeral() bool {
	start := s.pos
	integer, ok := s.numberText()
	if !ok {
		return false
	}
	text := s.text[start:s.pos]
	if text[0] == '-' {
		text = text[1:]
		if text[0] == '0' && len(text) == 1 {
			s.canonical = false // -0 is written as 0
		}
	}
	last := text[len(text)-1]
	switch {
	case len(text) > 15, bytes.IndexByte(text, 'e') >= 0, bytes.IndexByte(text, 'E') >= 0:
		s.canonical = false
	case !integer && (last == '0' || bytes.HasPrefix(text, []byte("0.00000"))):
		s.canonical = false
	}
	return true
}
