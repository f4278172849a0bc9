// The language's newer built-ins that goja lacks, written in JavaScript
// (shims.js). Defining even one property on each of the constructors they
// belong to costs tens of microseconds per VM, because it makes goja build
// them. So the program says which names its source mentions (see vm.Gaps), and
// only those are defined: who does not use them pays nothing.

package web

import (
	_ "embed"
	"maps"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

//go:embed shims.js
var shimsSource string

var shimsProgram = compile(shimsSource)

// gaps are the shims by the word in a source that asks for them.
var gaps = map[string][]string{
	"withResolvers":     {"Promise.withResolvers"},
	".try":              {"Promise.try"},
	"groupBy":           {"Object.groupBy", "Map.groupBy"},
	"fromAsync":         {"Array.fromAsync"},
	"8Array.from":       {"Uint8Array.__proto__.from"},
	"6Array.from":       {"Uint8Array.__proto__.from"},
	"2Array.from":       {"Uint8Array.__proto__.from"},
	"dArray.from":       {"Uint8Array.__proto__.from"},
	"isWellFormed":      {"String.prototype.isWellFormed"},
	"toWellFormed":      {"String.prototype.toWellFormed"},
	"captureStackTrace": {"Error.captureStackTrace"},
	".escape":           {"RegExp.escape"},
	"toLocaleString":    {"Number.prototype.toLocaleString"},
}

// Gaps implements vm.GapFiller. The order is always the same: scripts see it in
// the order of the properties that are defined.
func (platform) Gaps() []string {
	return slices.Concat(iteratorWords, slices.Sorted(maps.Keys(gaps)))
}

// FillGap implements vm.GapFiller.
func (platform) FillGap(v *vm.VM, word string) {
	r := realmOf(v)
	for _, path := range gaps[word] {
		r.fillGap(path)
	}
	if slices.Contains(iteratorWords, word) {
		r.fillIteratorGap()
	}
}

// replaced are those that the engine has, and has wrong.
var replaced = []string{"Number.prototype.toLocaleString", "Uint8Array.__proto__.from"}

// fillGap defines a shim at its path, unless the engine has learned it.
func (r *realm) fillGap(path string) {
	names := strings.Split(path, ".")
	holder := r.intrinsic(names[0])
	for _, name := range names[1 : len(names)-1] {
		holder = holder.Get(name).(*goja.Object)
	}
	last := names[len(names)-1]
	if !slices.Contains(replaced, path) && holder.Get(last) != nil {
		return
	}
	check(holder.DefineDataProperty(last, r.shim(path), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
}

// shim makes a shim.
func (r *realm) shim(name string) goja.Value {
	if r.shims == nil {
		r.shims = r.run(shimsProgram)
	}
	return must(r.function(r.shims.Get(name), "a shim")(goja.Undefined()))
}
