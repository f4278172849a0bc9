package httpbind

import (
	"net/url"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// nowhere stands for the base URL of a connection, which a script does not
// know, while a path is brought into its normal form.
const nowhere = "http://connection.invalid"

// urlText reads a URL argument: text, or a URL object.
func (k *kit) urlText(value goja.Value) string {
	if goja.IsString(value) {
		return value.String()
	}
	if !isURL(value) {
		k.v.Throw(call.CodeInvalidArgument, "url must be a string or a URL, not %s", vm.TypeOf(value))
	}
	return value.(*goja.Object).Get("href").String()
}

// isURL reports whether value looks like a URL object.
func isURL(value goja.Value) bool {
	obj, ok := value.(*goja.Object)
	return ok && goja.IsString(vm.Option(obj, "href"))
}

// below returns the URL that text means to an instance: below its base URL or
// its connection, or absolute.
func (k *kit) below(d *defaults, text string) string {
	switch {
	case d.connection != "":
		text = joinPath(d.base, text)
		if isAbsolute(text) {
			return web.NormalizeURL(k.v, text) // the host knows whether it is below the base
		}
		return strings.TrimPrefix(web.NormalizeURL(k.v, joinPath(nowhere, text)), nowhere)
	case d.base == "":
		if !isAbsolute(text) {
			k.v.Throw(call.CodeInvalidArgument, "%q is not an absolute URL; for paths use http.create({ baseURL }) or a connection (env.NAME)", clip(text))
		}
		return web.NormalizeURL(k.v, text)
	}
	full := web.NormalizeURL(k.v, joinPath(d.base, text))
	if base := web.NormalizeURL(k.v, d.base); origin(full) != origin(base) {
		k.v.Throw(call.CodeInvalidArgument, "%q is not at %s, the baseURL of this client, and would get its headers and credentials; use http for other hosts", clip(text), origin(base))
	}
	return full
}

// baseURL reads the option of that name. On a client that has a base already,
// a path is below it.
func (k *kit) baseURL(d *defaults, value goja.Value) string {
	text := k.urlText(value)
	if d.base != "" || d.connection != "" {
		text = joinPath(d.base, text)
	}
	if d.connection == "" && !isAbsolute(text) {
		k.v.Throw(call.CodeInvalidArgument, "baseURL must be an absolute http or https URL, not %q", clip(text))
	}
	if strings.ContainsAny(text, "?#") {
		k.v.Throw(call.CodeInvalidArgument, "baseURL can not have a query or a fragment; use the query option")
	}
	return strings.TrimRight(text, "/")
}

// joinPath puts a path below base. An absolute URL stays what it is.
func joinPath(base, path string) string {
	if base == "" || isAbsolute(path) {
		return path
	}
	if path == "" || path[0] == '?' || path[0] == '#' {
		return base + path
	}
	return base + "/" + strings.TrimLeft(path, `/\`)
}

func isAbsolute(text string) bool {
	scheme, _, ok := strings.Cut(text, ":")
	if !ok || scheme == "" {
		return false
	}
	for i := range len(scheme) {
		c := scheme[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(scheme[i]))) {
			return false
		}
	}
	return true
}

// origin returns scheme and host of a URL in normal form.
func origin(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return scheme + "://" + rest
}

// withQuery adds parameters to a URL.
func (k *kit) withQuery(text string, query [][2]string) string {
	if len(query) == 0 {
		return text
	}
	text, fragment, hasFragment := strings.Cut(text, "#")
	switch {
	case !strings.Contains(text, "?"):
		text += "?"
	case !strings.HasSuffix(text, "?"):
		text += "&"
	}
	text += encodePairs(query)
	if hasFragment {
		text += "#" + fragment
	}
	return text
}

func encodePairs(pairs [][2]string) string {
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p[0]))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p[1]))
	}
	return b.String()
}

// pairs reads names with values: an object (a list repeats its name; null and
// undefined are left out), a URLSearchParams, a list of pairs, or text.
func (k *kit) pairs(value goja.Value, what string) [][2]string {
	if goja.IsString(value) {
		return k.parseQuery(value.String(), what)
	}
	obj, ok := value.(*goja.Object)
	if !ok || obj.ClassName() == "Function" {
		k.v.Throw(call.CodeInvalidArgument, "%s must be an object, URLSearchParams or a string, not %s", what, vm.TypeOf(value))
	}
	var out [][2]string
	if !vm.IsNone(obj.GetSymbol(goja.SymIterator)) {
		return k.iteratedPairs(obj, what)
	}
	for _, name := range obj.Keys() {
		item := obj.Get(name)
		list, isList := item.(*goja.Object)
		if !isList || list.ClassName() != "Array" {
			out = k.addPair(out, what, name, item)
			continue
		}
		k.rt.ForOf(list, func(part goja.Value) bool {
			out = k.addPair(out, what, name, part)
			return true
		})
	}
	return out
}

// iteratedPairs reads URLSearchParams, Map and lists of pairs.
func (k *kit) iteratedPairs(obj *goja.Object, what string) (out [][2]string) {
	k.rt.ForOf(obj, func(item goja.Value) bool {
		pair, ok := item.(*goja.Object)
		if !ok || pair.ClassName() != "Array" {
			k.v.Throw(call.CodeInvalidArgument, "%s must be an object or a list of [name, value] pairs", what)
		}
		name := vm.Option(pair, "0")
		out = k.addPair(out, what, name.String(), vm.Option(pair, "1"))
		return true
	})
	return out
}

func (k *kit) addPair(out [][2]string, what, name string, value goja.Value) [][2]string {
	if vm.IsNone(value) {
		return out
	}
	if obj, ok := value.(*goja.Object); ok {
		toISO, ok := goja.AssertFunction(vm.Option(obj, "toISOString"))
		if !ok {
			k.v.Throw(call.CodeInvalidArgument, "%s.%s must be text, a number, a boolean, a Date or a list of these, not %s", what, name, vm.TypeOf(value))
		}
		text, err := toISO(obj)
		if err != nil {
			panic(err)
		}
		value = text
	}
	return append(out, [2]string{name, value.String()})
}

func (k *kit) parseQuery(text, what string) [][2]string {
	var out [][2]string
	for part := range strings.SplitSeq(strings.TrimPrefix(text, "?"), "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		val, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			k.v.Throw(call.CodeInvalidArgument, "%s is not a valid query string: %q", what, clip(part))
		}
		out = append(out, [2]string{n, val})
	}
	return out
}

// clip shortens a script's text for messages.
func clip(text string) string {
	const most = 80
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
