package vm

import "github.com/dop251/goja"

// lazyGlobals stands between the global object and Object.prototype. A global
// the platform offers is made when a script first names it, and then becomes
// an ordinary property of the global object; until then it costs nothing.
type lazyGlobals struct {
	v     *VM
	known map[string]bool
}

// installGlobals puts the platform's globals within reach.
func (v *VM) installGlobals() {
	if v.config.Platform == nil {
		return
	}
	global := v.rt.GlobalObject()
	lazy := v.rt.NewDynamicObject(&lazyGlobals{v: v})
	if err := lazy.SetPrototype(global.Prototype()); err != nil {
		panic(err)
	}
	if err := global.SetPrototype(lazy); err != nil {
		panic(err)
	}
}

// Get implements goja.DynamicObject.
func (g *lazyGlobals) Get(name string) goja.Value {
	value, ok := g.v.config.Platform.Global(g.v, name)
	if !ok {
		return nil
	}
	g.Set(name, value)
	return value
}

// Set implements goja.DynamicObject: assigning to a lazy global replaces it.
func (g *lazyGlobals) Set(name string, value goja.Value) bool {
	return g.v.rt.GlobalObject().DefineDataProperty(name, value, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE) == nil
}

// Has implements goja.DynamicObject.
func (g *lazyGlobals) Has(name string) bool {
	if g.known == nil {
		names := g.v.config.Platform.Globals()
		g.known = make(map[string]bool, len(names))
		for _, n := range names {
			g.known[n] = true
		}
	}
	return g.known[name]
}

// Delete implements goja.DynamicObject.
func (g *lazyGlobals) Delete(string) bool { return true }

// Keys implements goja.DynamicObject: lazy globals are not enumerable.
func (g *lazyGlobals) Keys() []string { return nil }
