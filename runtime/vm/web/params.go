package web

import (
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/dop251/goja"
	whatwg "github.com/nlnwa/whatwg-url/url"

	"reprise/runtime/vm"
)

// searchParams is the state of a URLSearchParams object.
type searchParams struct {
	vm.Cell
	list [][2]string
	url  *urlObject // whose query it is, or nil
}

// String writes the list as application/x-www-form-urlencoded.
func (p *searchParams) String() string {
	var b strings.Builder
	for i, pair := range p.list {
		if i > 0 {
			b.WriteByte('&')
		}
		writeForm(&b, pair[0])
		b.WriteByte('=')
		writeForm(&b, pair[1])
	}
	return b.String()
}

// changed writes the list back into the URL it belongs to.
func (p *searchParams) changed() goja.Value {
	if p.url != nil {
		query := p.String()
		p.url.change(func(u *whatwg.Url) { u.SetSearch(query) })
	}
	return goja.Undefined()
}

func (r *realm) searchParamsClass() *class { return r.class(classSearchParams, r.makeSearchParams) }

func (r *realm) makeSearchParams() *class {
	c := r.newClass("URLSearchParams", nil, func(this *goja.Object, init, _ goja.Value) {
		vm.Hide(r.v, this, &searchParams{list: r.paramsFrom(init)})
	})
	arg := func(f goja.FunctionCall, i int) string { return r.text(r.v.Arg(f, i)) }
	method(c, "append", func(p *searchParams, f goja.FunctionCall) goja.Value {
		p.list = append(p.list, [2]string{arg(f, 0), arg(f, 1)})
		return p.changed()
	})
	method(c, "delete", func(p *searchParams, f goja.FunctionCall) goja.Value {
		matches := r.paramMatcher(f)
		p.list = slices.DeleteFunc(p.list, matches)
		return p.changed()
	})
	method(c, "has", func(p *searchParams, f goja.FunctionCall) goja.Value {
		return r.rt.ToValue(slices.ContainsFunc(p.list, r.paramMatcher(f)))
	})
	method(c, "get", func(p *searchParams, f goja.FunctionCall) goja.Value {
		name := arg(f, 0)
		if i := slices.IndexFunc(p.list, func(pair [2]string) bool { return pair[0] == name }); i >= 0 {
			return r.rt.ToValue(p.list[i][1])
		}
		return goja.Null()
	})
	method(c, "getAll", func(p *searchParams, f goja.FunctionCall) goja.Value {
		name, values := arg(f, 0), []string{}
		for _, pair := range p.list {
			if pair[0] == name {
				values = append(values, pair[1])
			}
		}
		return r.strings(values)
	})
	method(c, "set", func(p *searchParams, f goja.FunctionCall) goja.Value {
		p.set(arg(f, 0), arg(f, 1))
		return p.changed()
	})
	method(c, "sort", func(p *searchParams, _ goja.FunctionCall) goja.Value {
		slices.SortStableFunc(p.list, func(a, b [2]string) int { return compareUnits(a[0], b[0]) })
		return p.changed()
	})
	method(c, "toString", func(p *searchParams, _ goja.FunctionCall) goja.Value { return r.rt.ToValue(p.String()) })
	getter(c, "size", func(p *searchParams) any { return len(p.list) })
	method(c, "forEach", func(p *searchParams, f goja.FunctionCall) goja.Value {
		return r.forEachPair(f, func(i int) ([2]any, bool) { return at(p.list, i) })
	})
	r.pairIterators(c, classSearchParamsIterator, func(this goja.Value, name string) pairs {
		p := self[*searchParams](c, name, this)
		return func(i int) ([2]any, bool) { return at(p.list, i) }
	})
	return c
}

// paramMatcher matches (name) or (name, value).
func (r *realm) paramMatcher(f goja.FunctionCall) func([2]string) bool {
	name := r.text(r.v.Arg(f, 0))
	if goja.IsUndefined(r.v.Arg(f, 1)) {
		return func(pair [2]string) bool { return pair[0] == name }
	}
	value := r.text(r.v.Arg(f, 1))
	return func(pair [2]string) bool { return pair[0] == name && pair[1] == value }
}

func (p *searchParams) set(name, value string) {
	i := slices.IndexFunc(p.list, func(pair [2]string) bool { return pair[0] == name })
	if i < 0 {
		p.list = append(p.list, [2]string{name, value})
		return
	}
	p.list[i][1] = value
	rest := slices.DeleteFunc(p.list[i+1:], func(pair [2]string) bool { return pair[0] == name })
	p.list = p.list[:i+1+len(rest)]
}

// paramsFrom reads what the URLSearchParams constructor takes.
func (r *realm) paramsFrom(init goja.Value) [][2]string {
	if init == nil || goja.IsUndefined(init) {
		return nil
	}
	obj, ok := init.(*goja.Object)
	if !ok {
		return parseForm(strings.TrimPrefix(r.text(init), "?"))
	}
	if p, ok := vm.Reveal[*searchParams](r.v, obj); ok {
		return slices.Clone(p.list)
	}
	var list [][2]string
	add := func(name, value goja.Value) { list = append(list, [2]string{r.text(name), r.text(value)}) }
	if !r.eachPair(obj, "search parameters", add) {
		for _, key := range obj.Keys() {
			add(r.rt.ToValue(key), obj.Get(key))
		}
	}
	return list
}

// parseForm reads application/x-www-form-urlencoded.
func parseForm(text string) [][2]string {
	var list [][2]string
	for part := range strings.SplitSeq(text, "&") {
		if part != "" {
			name, value, _ := strings.Cut(part, "=")
			list = append(list, [2]string{unescapeForm(name), unescapeForm(value)})
		}
	}
	return list
}

func unescapeForm(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return toText([]byte(s))
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			b = append(b, byte(hexDigit(s[i+1])<<4|hexDigit(s[i+2])))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return toText(b)
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func writeForm(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '*' || c == '-' || c == '.' || c == '_':
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
}

// compareUnits orders strings by UTF-16 code units, as the language does.
func compareUnits(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}
