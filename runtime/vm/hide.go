package vm

import (
	"reflect"

	"github.com/dop251/goja"
)

var proxyType = reflect.TypeFor[goja.Proxy]()

// Cell makes a Go struct hideable: embed it. It answers a script that somehow
// reaches the hidden object as an empty one.
type Cell struct{}

// Get implements goja.DynamicObject.
func (Cell) Get(string) goja.Value { return nil }

// Set implements goja.DynamicObject.
func (Cell) Set(string, goja.Value) bool { return false }

// Has implements goja.DynamicObject.
func (Cell) Has(string) bool { return false }

// Delete implements goja.DynamicObject.
func (Cell) Delete(string) bool { return false }

// Keys implements goja.DynamicObject.
func (Cell) Keys() []string { return nil }

// Hide attaches Go state to an object under a symbol that no script can name
// in advance. The state embeds Cell. It is how native classes keep what in
// JavaScript would be private fields.
func Hide(v *VM, obj *goja.Object, state goja.DynamicObject) {
	if v.hidden == nil {
		v.hidden = goja.NewSymbol("state")
	}
	err := obj.DefineDataPropertySymbol(v.hidden, v.rt.NewDynamicObject(state), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	if err != nil {
		panic(err)
	}
}

// Reveal returns the state of type T that was hidden in value. It does not
// look through prototypes' getters, only for the symbol.
func Reveal[T goja.DynamicObject](v *VM, value goja.Value) (state T, ok bool) {
	obj, isObject := value.(*goja.Object)
	if !isObject || v.hidden == nil || obj.ExportType() == proxyType {
		return state, false // a proxy's trap would see the symbol
	}
	cell, isObject := obj.GetSymbol(v.hidden).(*goja.Object)
	if !isObject {
		return state, false
	}
	state, ok = cell.Export().(T)
	return state, ok
}
