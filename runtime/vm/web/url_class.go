package web

import (
	"github.com/dop251/goja"
	whatwg "github.com/nlnwa/whatwg-url/url"

	"reprise/runtime/vm"
)

// urlObject is the state of a URL object.
type urlObject struct {
	vm.Cell
	*urlRecord
	params *searchParams // linked, once asked for
	object *goja.Object
}

func (r *realm) makeURL() *class {
	c := r.newClass("URL", nil, func(this *goja.Object, raw, base goja.Value) {
		text := r.text(raw)
		u, err := r.resolveURL(text, base)
		if err != nil {
			r.typeError("Invalid URL: %s", quoted(text))
		}
		vm.Hide(r.v, this, &urlObject{urlRecord: u})
	})
	c.static("canParse", func(f goja.FunctionCall) goja.Value {
		_, err := r.resolveURL(r.text(r.v.Arg(f, 0)), r.v.Arg(f, 1))
		return r.rt.ToValue(err == nil)
	})
	c.static("parse", func(f goja.FunctionCall) goja.Value {
		u, err := r.resolveURL(r.text(r.v.Arg(f, 0)), r.v.Arg(f, 1))
		if err != nil {
			return goja.Null()
		}
		return c.object(&urlObject{urlRecord: u})
	})
	r.urlParts(c)
	getter(c, "origin", func(u *urlObject) any { return u.origin() })
	getter(c, "searchParams", func(u *urlObject) any {
		if u.params == nil {
			u.params = &searchParams{list: parseForm(u.query), url: u}
			u.object = r.searchParamsClass().object(u.params)
		}
		return u.object
	})
	for _, name := range []string{"toString", "toJSON"} {
		method(c, name, func(u *urlObject, _ goja.FunctionCall) goja.Value { return r.rt.ToValue(u.href) })
	}
	return c
}

func (r *realm) resolveURL(raw string, base goja.Value) (*urlRecord, error) {
	if base == nil || goja.IsUndefined(base) {
		return parseURL(raw)
	}
	return parseURLWithBase(raw, r.text(base))
}

// urlParts defines the accessors that can be written to.
func (r *realm) urlParts(c *class) {
	accessor(c, "href", func(u *urlObject) any { return u.href }, func(u *urlObject, value goja.Value) {
		text := r.text(value)
		parsed, err := parseURL(text)
		if err != nil {
			r.typeError("Invalid URL: %s", quoted(text))
		}
		u.urlRecord = parsed
		u.syncParams()
	})
	part := func(name string, get func(u *urlObject) any) {
		accessor(c, name, get, func(u *urlObject, value goja.Value) {
			u.set(name, r.text(value))
			if name == "search" {
				u.syncParams()
			}
		})
	}
	part("protocol", func(u *urlObject) any { return u.scheme + ":" })
	part("username", func(u *urlObject) any { return u.user })
	part("password", func(u *urlObject) any { return u.password })
	part("host", func(u *urlObject) any { return u.host() })
	part("hostname", func(u *urlObject) any { return u.hostname })
	part("port", func(u *urlObject) any { return u.port })
	part("pathname", func(u *urlObject) any { return u.path })
	part("search", func(u *urlObject) any { return prefixed("?", u.query) })
	part("hash", func(u *urlObject) any { return prefixed("#", u.fragment) })
}

// syncParams gives the linked URLSearchParams the URL's new query.
func (u *urlObject) syncParams() {
	if u.params != nil {
		u.params.list = parseForm(u.query)
	}
}

// set changes one part, named as in JavaScript. A value that does not fit
// leaves the URL as it is.
func (r *urlRecord) set(name, value string) {
	r.change(func(u *whatwg.Url) {
		switch name {
		case "protocol":
			u.SetProtocol(value)
		case "username":
			u.SetUsername(value)
		case "password":
			u.SetPassword(value)
		case "host":
			u.SetHost(value)
		case "hostname":
			u.SetHostname(value)
		case "port":
			u.SetPort(value)
		case "pathname":
			u.SetPathname(value)
		case "search":
			u.SetSearch(value)
		case "hash":
			u.SetHash(value)
		}
	})
}
