package authbind

import (
	"net/url"
	"strings"

	"github.com/dop251/goja"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// Module returns the VM side, which scripts import as "reprise:auth".
func Module() vm.Module { return module{} }

type module struct{}

// Name implements vm.Module.
func (module) Name() string { return "auth" }

// Exports implements vm.Module.
func (module) Exports(v *vm.VM) *goja.Object {
	k := kit{v: v}
	o := v.Runtime().NewObject()
	for _, f := range []struct {
		name string
		make func(goja.FunctionCall) goja.Value
	}{{"bearer", k.bearer}, {"basic", k.basic}, {"apiKey", k.apiKey}, {"oauth2", k.oauth2}, {"standardWebhooks", k.standardWebhooks}} {
		if err := o.Set(f.name, v.Func(f.name, f.make)); err != nil {
			panic(err)
		}
	}
	return o
}

type kit struct{ v *vm.VM }

// bearer(secret)
func (k kit) bearer(c goja.FunctionCall) goja.Value {
	return k.frozen("type", "bearer", "token", k.secret(k.v.Arg(c, 0), "bearer", "its token"))
}

// basic(user, secret): the user may be literal text.
func (k kit) basic(c goja.FunctionCall) goja.Value {
	user := k.v.StringArg(c, 0, "the user of basic")
	if strings.Contains(user, ":") {
		k.v.Throw(call.CodeInvalidArgument, "the user of basic can not have a colon in it")
	}
	return k.frozen("type", "basic", "username", user, "password", k.secret(k.v.Arg(c, 1), "basic", "its password"))
}

// apiKey({ header | query | cookie, value })
func (k kit) apiKey(c goja.FunctionCall) goja.Value {
	places := []string{"header", "query", "cookie"}
	o := k.v.Options(c, 0, "apiKey", append(places, "value")...)
	in, name := "", ""
	for _, place := range places {
		switch text := k.text(o, place, "apiKey"); {
		case text == "":
		case name != "":
			in = "" // and no place at all
		default:
			in, name = place, text
		}
	}
	if in == "" {
		k.v.Throw(call.CodeInvalidArgument, `apiKey needs where the key goes, one of three: { header: "x-api-key", value }, { query: "key", value } or { cookie: "key", value }`)
	}
	return k.frozen("type", "apiKey", "in", in, "name", name, "token", k.secret(vm.Option(o, "value"), "apiKey", "its value"))
}

// standardWebhooks(secret)
func (k kit) standardWebhooks(c goja.FunctionCall) goja.Value {
	return k.frozen("type", "standardWebhooks", "token", k.secret(k.v.Arg(c, 0), "standardWebhooks", "its key"))
}

// oauth2({ tokenUrl, clientId, clientSecret, scopes, audience })
func (k kit) oauth2(c goja.FunctionCall) goja.Value {
	o := k.v.Options(c, 0, "oauth2", "tokenUrl", "clientId", "clientSecret", "scopes", "audience")
	tokenURL, id := k.text(o, "tokenUrl", "oauth2"), k.text(o, "clientId", "oauth2")
	if u, err := url.Parse(tokenURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		k.v.Throw(call.CodeInvalidArgument, "oauth2 needs tokenUrl, an absolute http or https URL")
	}
	if id == "" {
		k.v.Throw(call.CodeInvalidArgument, "oauth2 needs clientId")
	}
	secret := k.secret(vm.Option(o, "clientSecret"), "oauth2", "its clientSecret")
	fields := []any{"type", "oauth2", "tokenUrl", tokenURL, "clientId", id, "clientSecret", secret}
	if scopes := k.scopes(vm.Option(o, "scopes")); len(scopes) > 0 {
		fields = append(fields, "scopes", k.freeze(k.v.Runtime().NewArray(scopes...)))
	}
	if audience := k.text(o, "audience", "oauth2"); audience != "" {
		fields = append(fields, "audience", audience)
	}
	return k.frozen(fields...)
}

// scopes reads a list of scopes, or text with spaces between them.
func (k kit) scopes(value goja.Value) (scopes []any) {
	if vm.IsNone(value) {
		return nil
	}
	if goja.IsString(value) {
		for s := range strings.FieldsSeq(value.String()) {
			scopes = append(scopes, s)
		}
		return scopes
	}
	obj, ok := value.(*goja.Object)
	if !ok || obj.ClassName() != "Array" {
		k.v.Throw(call.CodeInvalidArgument, "the scopes of oauth2 must be a list of strings, not %s", vm.TypeOf(value))
	}
	k.v.Runtime().ForOf(obj, func(item goja.Value) bool {
		if !goja.IsString(item) {
			k.v.Throw(call.CodeInvalidArgument, "each scope of oauth2 must be a string, not %s", vm.TypeOf(item))
		}
		scopes = append(scopes, item.String())
		return true
	})
	return scopes
}

// secret reads a credential, which must be a secret's token.
func (k kit) secret(value goja.Value, what, which string) string {
	if goja.IsString(value) {
		if _, ok := connections.IsToken(value.String()); ok {
			return value.String()
		}
		k.v.Throw(call.CodeInvalidArgument, "%s takes a secret as %s and not a literal text, which would be in the source and in the logs; import { secret } from \"reprise:secrets\" and pass secret(\"NAME\")", what, which)
	}
	k.v.Throw(call.CodeInvalidArgument, "%s takes a secret as %s: secret(\"NAME\") of reprise:secrets; this is %s", what, which, vm.TypeOf(value))
	return ""
}

// text reads an optional text.
func (k kit) text(o *goja.Object, name, what string) string {
	value := vm.Option(o, name)
	if vm.IsNone(value) {
		return ""
	}
	if !goja.IsString(value) {
		k.v.Throw(call.CodeInvalidArgument, "the %s of %s must be a string, not %s", name, what, vm.TypeOf(value))
	}
	return value.String()
}

// frozen makes an immutable object of names and values.
func (k kit) frozen(fields ...any) goja.Value {
	o := k.v.Runtime().NewObject()
	for i := 0; i < len(fields); i += 2 {
		if err := o.Set(fields[i].(string), fields[i+1]); err != nil {
			panic(err)
		}
	}
	return k.freeze(o)
}

func (k kit) freeze(o *goja.Object) goja.Value {
	class, _ := k.v.Runtime().Get("Object").(*goja.Object) // the script may have put anything there
	freeze, ok := goja.AssertFunction(vm.Option(class, "freeze"))
	if !ok {
		panic(k.v.Runtime().NewTypeError("Object.freeze is not a function"))
	}
	value, err := freeze(goja.Undefined(), o)
	if err != nil {
		panic(err)
	}
	return value
}
