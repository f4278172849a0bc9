// One text for all JSON texts that say the same. It is for comparing what came
// from outside; what we write ourselves is JSON.stringify's text already.

package call

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxCanonicalDepth is how deeply a text may be nested to have a canonical form:
// as deeply as a script can read it. Putting the keys of every level in order
// copies what is below, so depth is what makes a hostile text expensive.
const maxCanonicalDepth = 1000

var (
	errNotJSON = errors.New("call: not valid JSON")
	errTooDeep = errors.New("call: JSON nested more than 1,000 levels deep has no canonical form")
)

// SameJSON reports whether two JSON texts are the same value to a script, up to
// the order of keys. Texts that have no canonical form are the same only if
// they are equal; no text, which is undefined, is the same as no text.
func SameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	x, err := Canonical(a)
	if err != nil {
		return false
	}
	y, err := Canonical(b)
	return err == nil && bytes.Equal(x, y)
}

// Canonical returns the text that all JSON texts of the same value share: no
// white space; the keys of an object in order, and of one that is there twice
// the last; numbers as the doubles that JavaScript makes of them (1.0 is 1, -0
// is 0, and all that is too large is 1e999); strings without needless escapes.
// Halves of surrogate pairs stay apart, as they do in JavaScript.
func Canonical(text []byte) ([]byte, error) {
	if !json.Valid(text) {
		return nil, errNotJSON
	}
	c := canonical{in: text, out: make([]byte, 0, len(text))}
	if err := c.value(0); err != nil {
		return nil, err
	}
	return c.out, nil
}

// canonical rewrites a text that is known to be valid.
type canonical struct {
	in, out []byte
	members []member // of all objects that are open, the innermost last
	scratch []byte
}

// member is where a member of an object stands in out: from its key, over the
// end of that, to the end of its value.
type member struct{ from, key, to int }

// next skips white space and returns the byte that follows.
func (c *canonical) next() byte {
	for {
		switch b := c.in[0]; b {
		case ' ', '\t', '\r', '\n':
			c.in = c.in[1:]
		default:
			return b
		}
	}
}

func (c *canonical) value(depth int) error {
	if depth > maxCanonicalDepth {
		return errTooDeep
	}
	switch b := c.next(); b {
	case '{':
		return c.object(depth)
	case '[':
		return c.array(depth)
	case '"':
		c.text()
	case 't', 'n':
		c.copy(4)
	case 'f':
		c.copy(5)
	default:
		return c.number()
	}
	return nil
}

func (c *canonical) copy(n int) {
	c.out = append(c.out, c.in[:n]...)
	c.in = c.in[n:]
}

// more takes the comma between two elements, or the end.
func (c *canonical) more(end byte) bool {
	b := c.next()
	c.in = c.in[1:]
	if b == ',' {
		c.out = append(c.out, ',')
	}
	return b != end
}

func (c *canonical) array(depth int) error {
	c.copy(1)
	if c.next() == ']' {
		c.copy(1)
		return nil
	}
	for {
		if err := c.value(depth + 1); err != nil {
			return err
		}
		if !c.more(']') {
			c.out = append(c.out, ']')
			return nil
		}
	}
}

func (c *canonical) object(depth int) error {
	c.copy(1)
	if c.next() == '}' {
		c.copy(1)
		return nil
	}
	first := len(c.members)
	for {
		m := member{from: len(c.out)}
		c.next()
		c.text()
		m.key = len(c.out)
		c.next()
		c.copy(1) // the colon
		if err := c.value(depth + 1); err != nil {
			return err
		}
		m.to = len(c.out)
		c.members = append(c.members, m)
		if !c.more('}') {
			break
		}
	}
	c.order(c.members[first:])
	c.members = c.members[:first]
	c.out = append(c.out, '}')
	return nil
}

// order puts the members that end out into the order of their keys.
func (c *canonical) order(members []member) {
	key := func(m member) []byte { return c.out[m.from:m.key] }
	sorted := true
	for i := 1; i < len(members) && sorted; i++ {
		sorted = bytes.Compare(key(members[i-1]), key(members[i])) < 0
	}
	if sorted {
		return
	}
	begin := members[0].from
	slices.SortStableFunc(members, func(a, b member) int { return bytes.Compare(key(a), key(b)) })
	c.scratch = c.scratch[:0]
	for i, m := range members {
		if i+1 < len(members) && bytes.Equal(key(m), key(members[i+1])) {
			continue // one that comes later counts
		}
		if len(c.scratch) > 0 {
			c.scratch = append(c.scratch, ',')
		}
		c.scratch = append(c.scratch, c.out[m.from:m.to]...)
	}
	c.out = append(c.out[:begin], c.scratch...)
}

func (c *canonical) number() error {
	n := 0
	for n < len(c.in) && bytes.IndexByte([]byte("+-.0123456789eE"), c.in[n]) >= 0 {
		n++
	}
	f, err := strconv.ParseFloat(string(c.in[:n]), 64)
	c.in = c.in[n:]
	switch {
	case errors.Is(err, strconv.ErrRange) && f > 0:
		c.out = append(c.out, "1e999"...)
	case errors.Is(err, strconv.ErrRange) && f < 0:
		c.out = append(c.out, "-1e999"...)
	case err != nil:
		return errNotJSON
	case f == 0:
		c.out = append(c.out, '0')
	default:
		c.out = strconv.AppendFloat(c.out, f, 'g', -1, 64)
	}
	return nil
}

func (c *canonical) text() {
	c.copy(1)
	for {
		n := bytes.IndexAny(c.in, `"\`)
		c.copy(n)
		if c.in[0] == '"' {
			c.copy(1)
			return
		}
		c.escape()
	}
}

// escape takes one escape and writes what it stands for.
func (c *canonical) escape() {
	var r rune
	switch b := c.in[1]; b {
	case 'u':
		r = c.unit()
		if utf16.IsSurrogate(r) && bytes.HasPrefix(c.in[6:], []byte(`\u`)) {
			high := c.in
			c.in = c.in[6:]
			if pair := utf16.DecodeRune(r, c.unit()); pair != utf8.RuneError {
				r = pair
			} else {
				c.in = high // the other one stands for itself
			}
		}
		c.in = c.in[6:]
	case 'b':
		r, c.in = '\b', c.in[2:]
	case 'f':
		r, c.in = '\f', c.in[2:]
	case 'n':
		r, c.in = '\n', c.in[2:]
	case 'r':
		r, c.in = '\r', c.in[2:]
	case 't':
		r, c.in = '\t', c.in[2:]
	default:
		r, c.in = rune(b), c.in[2:]
	}
	switch {
	case r == '"' || r == '\\':
		c.out = append(c.out, '\\', byte(r))
	case r < ' ' || utf16.IsSurrogate(r):
		const hex = "0123456789abcdef"
		c.out = append(c.out, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
	default:
		c.out = utf8.AppendRune(c.out, r)
	}
}

// unit reads the code unit of the escape that in begins with.
func (c *canonical) unit() rune {
	n, _ := strconv.ParseUint(string(c.in[2:6]), 16, 16) // four hexadecimal digits: the text is valid
	return rune(n)
}
