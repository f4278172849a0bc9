// Replacements that grow: as many matches as there are, times the text put in
// for each, which may stand for all that is before or after the match. Where that
// could be too much, a function takes the place of the text. It puts in what the
// language says the text stands for, and counts.

package vm

import (
	"slices"

	"github.com/dop251/goja"
)

func guardReplace(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		s, ok := c.This.(goja.String)
		with, isText := v.Arg(c, 1).(goja.String)
		if !ok || !isText || !v.isPattern(v.Arg(c, 0)) {
			return f(c)
		}
		// A text stands at most once before every character and at the end, and what
		// a $ in it stands for is at most the whole subject.
		signs := signsIn(with)
		if (float64(with.Length())+float64(len(signs)*s.Length()))*float64(s.Length()+1) <= maxText {
			return f(c)
		}
		r := &replacement{v: v, subject: s, with: with, signs: signs}
		return f(goja.FunctionCall{This: s, Arguments: []goja.Value{c.Arguments[0], v.Func("replacement", r.put)}})
	}
}

// isPattern reports whether value is a pattern of the language's own.
func (v *VM) isPattern(value goja.Value) bool {
	if _, isText := value.(goja.String); isText {
		return true
	}
	obj, ok := value.(*goja.Object)
	return ok && obj.ClassName() == "RegExp" && obj.ExportType() != proxyType
}

// signsIn returns where a $ may stand for something: anywhere but at the end.
func signsIn(with goja.String) (signs []int) {
	for i := range with.Length() - 1 {
		if with.CharAt(i) == '$' {
			signs = append(signs, i)
		}
	}
	return signs
}

// replacement is one call of replace whose text is put in by us.
type replacement struct {
	v             *VM
	subject, with goja.String
	signs         []int // see signsIn
	length        int   // of all that was put in
	out           goja.StringBuilder
	match         match
}

// match is what the language passes to a function that replaces.
type match struct {
	captures []goja.Value // the whole match first
	position int
	groups   *goja.Object
}

func matchOf(args []goja.Value) (m match) {
	end := len(args) - 2 // before the position and the subject
	if groups, ok := args[len(args)-1].(*goja.Object); ok {
		m.groups = groups
		end--
	}
	m.captures, m.position = args[:end], int(args[end].ToInteger())
	return m
}

// put returns the text for one match.
func (r *replacement) put(c goja.FunctionCall) goja.Value {
	r.match, r.out = matchOf(c.Arguments), goja.StringBuilder{}
	for i := 0; i < r.with.Length(); {
		i += r.next(i)
	}
	return r.out.String()
}

func (r *replacement) write(s goja.String) {
	r.length += s.Length()
	r.v.tooMuch("a string", float64(r.length), maxText, "characters")
	r.out.WriteString(s)
}

// next puts in what begins at i of the text and returns how long that was.
func (r *replacement) next(i int) int {
	if n := r.plain(i); n > 0 {
		r.write(r.with.Substring(i, i+n))
		return n
	}
	whole, _ := r.match.captures[0].(goja.String)
	after := min(r.match.position+whole.Length(), r.subject.Length())
	switch c := r.with.CharAt(i + 1); {
	case c == '$':
		r.write(r.with.Substring(i, i+1))
	case c == '&':
		r.write(whole)
	case c == '`':
		r.write(r.subject.Substring(0, r.match.position))
	case c == '\'':
		r.write(r.subject.Substring(after, r.subject.Length()))
	case c == '<' && r.match.groups != nil:
		return r.named(i)
	case c >= '0' && c <= '9':
		return r.numbered(i)
	default:
		r.write(r.with.Substring(i, i+1))
		return 1
	}
	return 2
}

// plain is how much of the text from i on stands for itself.
func (r *replacement) plain(i int) int {
	if n, _ := slices.BinarySearch(r.signs, i); n < len(r.signs) {
		return r.signs[n] - i
	}
	return r.with.Length() - i
}

// numbered puts in $1 to $99: of two digits, if there are so many captures.
func (r *replacement) numbered(i int) int {
	n, length := 0, 1
	for j := i + 1; j < min(i+3, r.with.Length()); j++ {
		c := r.with.CharAt(j)
		if c < '0' || c > '9' || n*10+int(c-'0') >= len(r.match.captures) {
			break
		}
		n, length = n*10+int(c-'0'), length+1
	}
	if n == 0 {
		r.write(r.with.Substring(i, i+1))
		return 1
	}
	r.capture(r.match.captures[n])
	return length
}

// named puts in $<name>.
func (r *replacement) named(i int) int {
	for j := i + 2; j < r.with.Length(); j++ {
		if r.with.CharAt(j) == '>' {
			r.capture(r.match.groups.Get(r.with.Substring(i+2, j).String()))
			return j + 1 - i
		}
	}
	r.write(r.with.Substring(i, i+1))
	return 1
}

// capture puts in a capture, which is undefined where a group took no part.
func (r *replacement) capture(value goja.Value) {
	if value != nil && !goja.IsUndefined(value) {
		r.write(value.ToString().(goja.String))
	}
}
