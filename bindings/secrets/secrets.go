package secrets

import (
	"slices"
	"strings"

	"github.com/dop251/goja"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// Module returns the VM side, which scripts import as "reprise:secrets".
func Module() vm.Module { return module{} }

type module struct{}

// Name implements vm.Module.
func (module) Name() string { return "secrets" }

// Exports implements vm.Module.
func (module) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	if err := o.Set("secret", v.Func("secret", func(c goja.FunctionCall) goja.Value {
		return v.Runtime().ToValue(token(v, v.StringArg(c, 0, "the name of a secret")))
	})); err != nil {
		panic(err)
	}
	k := kit{v: v}
	for _, f := range []struct {
		name string
		f    func(goja.FunctionCall) goja.Value
	}{{"hmac", k.hmac}, {"sign", k.sign}, {"verify", k.verify}} {
		if err := o.Set(f.name, v.Func(f.name, f.f)); err != nil {
			panic(err)
		}
	}
	return o
}

// token returns the run's token for name, or throws.
func token(v *vm.VM, name string) string {
	info, ok := v.Info()
	if !ok {
		at := ""
		if pos := v.Pos(); !pos.IsZero() {
			at = " (" + pos.String() + ")"
		}
		v.Throw(call.CodeCallOutsideRun, "secret(%q) was used at the top level%s; a secret's token is made for one run: move it into a handler", name, at)
	}
	if !slices.Contains(info.Secrets, name) {
		panic(v.NewError(missing(name, info.Secrets)))
	}
	return connections.Token(info.SecretKey, name)
}

// missing says how to set the secret, or that only the spelling of its name is off.
func missing(name string, known []string) *call.Error {
	e := connections.Missing(name)
	bare := strings.TrimPrefix(strings.ToUpper(name), connections.EnvPrefix)
	i := slices.IndexFunc(known, func(k string) bool { return strings.ToUpper(k) == bare })
	if i >= 0 {
		e.Message = "there is no secret " + name + "; did you mean secret(\"" + known[i] + "\")?"
	} else if near := call.Nearest(name, known); near != "" {
		e.Message += "; or did you mean secret(\"" + near + "\")?"
	}
	return e
}
