package httpbind

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// pathName is a name in braces, as in /contacts/{id}.
var pathName = regexp.MustCompile(`\{([^{}]+)\}`)

// component leaves what encodeURIComponent leaves; QueryEscape escapes more.
var component = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

// fillPath puts the values of the option path into the names in braces of a
// URL's path. A value stays within its segment: it is escaped, and none can make
// a segment that leads up.
func (k *kit) fillPath(what, text string, value goja.Value) string {
	if vm.IsNone(value) {
		return text
	}
	obj, ok := value.(*goja.Object)
	if !ok || obj.ClassName() == "Array" || obj.ClassName() == "Function" {
		k.v.Throw(call.CodeInvalidArgument, "path must be an object with a value for each name in braces, as in { path: { id } }, not %s", vm.TypeOf(value))
	}
	head, path, tail := splitURL(text)
	used := map[string]bool{}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		filled := pathName.ReplaceAllStringFunc(segment, func(braced string) string {
			name := braced[1 : len(braced)-1]
			used[name] = true
			return component.Replace(url.QueryEscape(k.pathValue(what, text, name, vm.Option(obj, name))))
		})
		if dots := strings.ReplaceAll(strings.ToLower(filled), "%2e", "."); filled != segment && (dots == "." || dots == "..") {
			k.v.Throw(call.CodeInvalidArgument, "%s: with these values %s in %q is %q, which would lead elsewhere", what, segment, clip(text), dots)
		}
		segments[i] = filled
	}
	for _, name := range obj.Keys() {
		if !used[name] {
			k.v.Throw(call.CodeInvalidArgument, "%s has path.%s, and there is no {%s} in the path of %q", what, name, name, clip(text))
		}
	}
	return head + strings.Join(segments, "/") + tail
}

// pathValue reads one value of the option path.
func (k *kit) pathValue(what, text, name string, value goja.Value) string {
	if vm.IsNone(value) {
		k.v.Throw(call.CodeInvalidArgument, "%s has no path.%s, which %q needs", what, name, clip(text))
	}
	if _, ok := value.(*goja.Object); ok {
		k.v.Throw(call.CodeInvalidArgument, "path.%s must be text, a number or a boolean, not %s", name, vm.TypeOf(value))
	}
	out := value.String()
	if out == "" {
		k.v.Throw(call.CodeInvalidArgument, "path.%s is empty, and %q would mean something else", name, clip(text))
	}
	return out
}

// splitURL cuts a URL or a path into what is before the path, the path, and what
// is after it.
func splitURL(text string) (head, path, tail string) {
	path = text
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path, tail = path[:i], path[i:]
	}
	if scheme, rest, ok := strings.Cut(path, "://"); ok && isAbsolute(text) {
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			i = len(rest)
		}
		head, path = scheme+"://"+rest[:i], rest[i:]
	}
	return head, path, tail
}
