// Comparing text without regard to case and without allocating. Folding is by
// ASCII where the pattern is ASCII (nearly always), else by Unicode's simple
// lower case.

package logs

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// needle is a text to search for, in lower case.
type needle struct {
	lower string
	ascii bool
	upper byte // the first byte in upper case
}

func newNeedle(s string) needle {
	n := needle{lower: strings.Map(unicode.ToLower, s), ascii: true}
	for i := range len(n.lower) {
		n.ascii = n.ascii && n.lower[i] < utf8.RuneSelf
	}
	if n.lower != "" {
		n.upper = n.lower[0]
		if 'a' <= n.upper && n.upper <= 'z' {
			n.upper -= 'a' - 'A'
		}
	}
	return n
}

// in reports whether s contains the needle.
func (n needle) in(s string) bool { return n.index(s) >= 0 }

// index returns where the needle first begins in s, or -1.
func (n needle) index(s string) int {
	if n.lower == "" {
		return 0
	}
	if !n.ascii {
		return n.indexUnicode(s)
	}
	last := len(s) - len(n.lower)
	for i := 0; i <= last; i++ {
		next := n.firstByte(s[i : last+1])
		if next < 0 {
			return -1
		}
		i += next
		if equalFold(s[i:i+len(n.lower)], n.lower) {
			return i
		}
	}
	return -1
}

// firstByte finds the needle's first byte in either case.
func (n needle) firstByte(s string) int {
	c := n.lower[0]
	if n.upper == c {
		return strings.IndexByte(s, c)
	}
	for i := range len(s) {
		if s[i] == c || s[i] == n.upper {
			return i
		}
	}
	return -1
}

func (n needle) indexUnicode(s string) int {
	for i := range s {
		if prefixFold(s[i:], n.lower) >= 0 {
			return i
		}
	}
	return -1
}

// prefixFold returns how many bytes of s match the lower-case prefix, or -1.
func prefixFold(s, prefix string) int {
	i := 0
	for _, want := range prefix {
		if i >= len(s) {
			return -1
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if unicode.ToLower(r) != want {
			return -1
		}
		i += size
	}
	return i
}

// equalFold reports whether s equals the lower-case ASCII (or any, byte by
// byte) text lower. Both have the same length.
func equalFold(s, lower string) bool {
	for i := range len(lower) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// pattern is a text with * for anything, compared without case with a whole value.
type pattern struct {
	parts []needle // between the stars
	exact bool     // no star
}

func newPattern(s string) pattern {
	parts := strings.Split(s, "*")
	p := pattern{exact: len(parts) == 1}
	for _, part := range parts {
		p.parts = append(p.parts, newNeedle(part))
	}
	return p
}

// literalPattern compares s as it is, stars included.
func literalPattern(s string) pattern {
	return pattern{parts: []needle{newNeedle(s)}, exact: true}
}

func (p pattern) match(s string) bool {
	first := p.parts[0]
	n := first.begins(s)
	if n < 0 {
		return false
	}
	s = s[n:]
	if p.exact {
		return s == ""
	}
	last := len(p.parts) - 1
	for _, part := range p.parts[1:last] {
		i := part.index(s)
		if i < 0 {
			return false
		}
		s = s[i+part.begins(s[i:]):]
	}
	return p.parts[last].ends(s)
}

// begins returns how many bytes of s the needle takes at its start, or -1.
func (n needle) begins(s string) int {
	if !n.ascii {
		return prefixFold(s, n.lower)
	}
	if len(s) < len(n.lower) || !equalFold(s[:len(n.lower)], n.lower) {
		return -1
	}
	return len(n.lower)
}

// ends reports whether s ends with the needle.
func (n needle) ends(s string) bool {
	if n.ascii {
		return len(s) >= len(n.lower) && equalFold(s[len(s)-len(n.lower):], n.lower)
	}
	// Lower case may have another length: compare from the end.
	for lower := n.lower; lower != ""; {
		want, wantSize := utf8.DecodeLastRuneInString(lower)
		got, size := utf8.DecodeLastRuneInString(s)
		if size == 0 || unicode.ToLower(got) != want {
			return false
		}
		lower, s = lower[:len(lower)-wantSize], s[:len(s)-size]
	}
	return true
}
