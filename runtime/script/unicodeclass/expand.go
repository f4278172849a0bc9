package unicodeclass

import (
	"fmt"
	"strings"
)

// Error says which escape of a pattern can not be expanded, and why.
type Error struct {
	// Offset is where the escape starts in the pattern, in bytes.
	Offset int
	// Reason is a sentence without its full stop.
	Reason string
}

// Error returns the reason.
func (e *Error) Error() string { return e.Reason }

// Needed reports whether Expand would change a pattern with these flags.
func Needed(pattern, flags string) bool {
	return strings.Contains(flags, "u") && (strings.Contains(pattern, `\p{`) || strings.Contains(pattern, `\P{`))
}

// Expand replaces each \p{…} and \P{…} of a regular expression's source by the
// characters it means. Without the u flag, where \p is only the letter p, the
// pattern comes back as it is. The error is an *Error.
func Expand(pattern, flags string) (string, error) {
	if !Needed(pattern, flags) {
		return pattern, nil
	}
	x := expander{pattern: pattern, ignoreCase: strings.Contains(flags, "i")}
	return x.run()
}

type expander struct {
	pattern    string
	ignoreCase bool
	out        strings.Builder
	inClass    bool
	class      classState // meaningful while inClass
}

// classState says what a minus or an escape would complete inside a class.
type classState uint8

const (
	fresh     classState = iota // nothing before, or a finished range
	afterAtom                   // one character: a minus may start a range
	inRange                     // a character and a minus
)

// atom notes one character of a class.
func (x *expander) atom(c byte) {
	switch {
	case x.class == inRange:
		x.class = fresh
	case x.class == afterAtom && c == '-':
		x.class = inRange
	default:
		x.class = afterAtom
	}
}

func (x *expander) run() (string, error) {
	for i := 0; i < len(x.pattern); {
		switch c := x.pattern[i]; {
		case c == '\\' && i+1 < len(x.pattern):
			n, err := x.escape(i)
			if err != nil {
				return "", err
			}
			i += n
			continue
		case c == '[' && !x.inClass:
			x.inClass, x.class = true, fresh
			if strings.HasPrefix(x.pattern[i+1:], "^") { // not a member
				x.out.WriteByte('[')
				i++
			}
		case c == ']':
			x.inClass = false
		case x.inClass:
			x.atom(c)
		}
		x.out.WriteByte(x.pattern[i])
		i++
	}
	return x.out.String(), nil
}

// escape handles the escape at i and returns how many bytes it took.
func (x *expander) escape(i int) (int, error) {
	c := x.pattern[i+1]
	if c != 'p' && c != 'P' {
		x.out.WriteString(x.pattern[i : i+2])
		x.atom('\\') // whatever it is, one character and not a minus
		return 2, nil
	}
	name, ok := bracedName(x.pattern[i+2:])
	if !ok {
		return 0, &Error{Offset: i, Reason: fmt.Sprintf(`\%c needs a property in braces, such as \%c{L}, in a regular expression with the u flag`, c, c)}
	}
	s, err := property(name)
	if err != nil {
		return 0, &Error{Offset: i, Reason: err.Error()}
	}
	end := i + 2 + len(name) + 2
	if x.inClass && x.isRange(end) {
		return 0, &Error{Offset: i, Reason: fmt.Sprintf(`\%c{%s} can not be the end of a range`, c, name)}
	}
	if c == 'P' {
		s = s.complement()
	}
	if x.ignoreCase {
		s = s.folded()
	}
	x.write(s)
	x.class = fresh
	return end - i, nil
}

// isRange reports whether the escape that ends before end is an end of a range.
func (x *expander) isRange(end int) bool {
	rest := x.pattern[end:]
	return x.class == inRange || len(rest) > 1 && rest[0] == '-' && rest[1] != ']'
}

func (x *expander) write(s set) {
	if x.inClass {
		s.write(&x.out)
		return
	}
	if len(s) == 0 { // "[]" would do, but engines stumble over it
		x.out.WriteString(`[^\x00-\u{10ffff}]`)
		return
	}
	x.out.WriteByte('[')
	s.write(&x.out)
	x.out.WriteByte(']')
}

// bracedName returns what stands between the braces that s starts with.
func bracedName(s string) (string, bool) {
	if !strings.HasPrefix(s, "{") {
		return "", false
	}
	end := strings.IndexByte(s, '}')
	if end < 2 {
		return "", false
	}
	name := s[1:end]
	for _, c := range []byte(name) {
		if c != '_' && c != '=' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return "", false
		}
	}
	return name, true
}
