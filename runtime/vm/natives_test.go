package vm_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// listNatives walks everything that can be reached in a fresh VM and names each
// native function once, by the shortest path.
const listNatives = `(globals) => {
	const g = function* () {}, a = async () => {};
	const roots = { "%GeneratorFunction%": Object.getPrototypeOf(g), "%AsyncFunction%": Object.getPrototypeOf(a), "%TypedArray%": Object.getPrototypeOf(Int8Array),
		"%GeneratorPrototype%": Object.getPrototypeOf(g).prototype, "%ArrayIteratorPrototype%": Object.getPrototypeOf([][Symbol.iterator]()),
		"%MapIteratorPrototype%": Object.getPrototypeOf(new Map().entries()), "%SetIteratorPrototype%": Object.getPrototypeOf(new Set().entries()),
		"%StringIteratorPrototype%": Object.getPrototypeOf(""[Symbol.iterator]()), "%RegExpStringIteratorPrototype%": Object.getPrototypeOf("".matchAll(/x/g)),
		"%IteratorPrototype%": Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) };
	for (const name of [...Object.getOwnPropertyNames(globalThis), ...globals]) roots[name] = globalThis[name];
	const seen = new Set([globalThis]), natives = [];
	let edge = Object.keys(roots).sort().map((name) => [name, roots[name]]), prototypes = [];
	for (; edge.length || prototypes.length; ) {
		const next = [];
		if (!edge.length) { edge = prototypes; prototypes = []; } // names without __proto__ first
		for (const [path, o] of edge) {
			if ((typeof o !== "object" && typeof o !== "function") || o === null || seen.has(o)) continue;
			seen.add(o);
			if (typeof o === "function" && Function.prototype.toString.call(o).includes("[native code]")) natives.push(path);
			for (const key of Reflect.ownKeys(o)) {
				const d = Object.getOwnPropertyDescriptor(o, key), at = typeof key === "symbol" ? path + "[" + key.description + "]" : path + "." + key;
				if (d.get) next.push([at + " get", d.get]);
				if (d.set) next.push([at + " set", d.set]);
				next.push([at, d.value]);
			}
			prototypes.push([path + ".__proto__", Object.getPrototypeOf(o)]);
		}
		edge = next;
	}
	return natives.sort();
}`

const nativesPath = "testdata/natives.txt"

// classified reads the list: a class and a path on each line.
func classified(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(nativesPath)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		class, path, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if class != "safe" && class != "guarded" && class != "wall" {
			t.Errorf("%s: %q is no class", nativesPath, class)
		}
		if _, twice := out[path]; twice {
			t.Errorf("%s: %s is there twice", nativesPath, path)
		}
		out[path] = class
	}
	return out
}

func TestEveryNativeIsClassified(t *testing.T) {
	// A function that a new engine brings along, or a new global of ours, is
	// looked at before scripts get it: what it costs is known, or it is guarded,
	// or it is the wall's.
	p, err := vm.Compile([]byte(`(async (__reprise) => { /* eval */ __reprise.exports({ default: async (globals) => (`+listNatives+`)(globals) }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	was := vm.LimitTurns(time.Minute)
	defer vm.LimitTurns(was)
	v, err := vm.New(p, vm.Config{Platform: web.Platform(), TurnBudget: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	globals, _ := json.Marshal(web.Platform().Globals())
	turn := begin(v, string(globals))
	if turn.Err != nil {
		t.Fatal(turn.Err)
	}
	var natives []string
	if err := json.Unmarshal(turn.Value, &natives); err != nil {
		t.Fatal(err)
	}
	known := classified(t)
	for _, path := range natives {
		if known[path] == "" {
			t.Errorf("%s is new: say in %s whether it is safe (what it takes is bounded by what it is given), guarded, or the wall's", path, nativesPath)
		}
	}
	for path, class := range known {
		if !slices.Contains(natives, path) {
			t.Errorf("%s says that %s is %s, and there is no such function", nativesPath, path, class)
		}
	}
	guarded := append(vm.GuardedPaths(), "%ArrayIteratorPrototype%.next")
	for _, path := range guarded {
		if known[path] != "guarded" {
			t.Errorf("%s is guarded, and %s says %q", path, nativesPath, known[path])
		}
	}
	for path, class := range known {
		if class == "guarded" && !slices.Contains(guarded, path) {
			t.Errorf("%s says that %s is guarded; it is not", nativesPath, path)
		}
	}
}
