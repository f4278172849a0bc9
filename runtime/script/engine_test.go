package script_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"reprise/runtime/script"
)

// engine runs a revision as the VM does and returns the script's namespace.
func engine(t testing.TB, rev *script.Revision) (*goja.Runtime, *goja.Object) {
	t.Helper()
	program := compile(t, rev)
	vm := goja.New()
	symbols := `for (const n of ["asyncIterator", "dispose", "asyncDispose"]) Object.defineProperty(Symbol, n, { value: Symbol.for("Symbol." + n) })`
	if _, err := vm.RunString(symbols); err != nil {
		t.Fatal(err)
	}
	v, err := vm.RunProgram(program)
	if err != nil {
		t.Fatal(err)
	}
	main, ok := goja.AssertFunction(v)
	if !ok {
		t.Fatalf("the code is %s and not a function", v)
	}
	host := vm.NewObject()
	var namespace *goja.Object
	set := func(name string, f func(goja.FunctionCall) goja.Value) {
		if err := host.Set(name, f); err != nil {
			t.Fatal(err)
		}
	}
	set("module", func(goja.FunctionCall) goja.Value {
		o := vm.NewObject()
		if err := o.Set("http", "the http of the host"); err != nil {
			t.Fatal(err)
		}
		return o
	})
	set("exports", func(c goja.FunctionCall) goja.Value { namespace = c.Argument(0).ToObject(vm); return goja.Undefined() })
	result, err := main(goja.Undefined(), host)
	if err != nil {
		t.Fatal(err)
	}
	if p := result.Export().(*goja.Promise); p.State() != goja.PromiseStateFulfilled {
		t.Fatalf("loading: %v", p.Result().ToObject(vm).Get("stack"))
	}
	if namespace == nil {
		t.Fatal("the bundle never called exports")
	}
	return vm, namespace
}

func compile(t testing.TB, rev *script.Revision) *goja.Program {
	t.Helper()
	loader := parser.WithSourceMapLoader(func(string) ([]byte, error) { return rev.Map, nil })
	tree, err := goja.Parse("bundle", string(rev.Code)+"\n//# sourceMappingURL=bundle.map", loader)
	if err != nil {
		t.Fatal(err)
	}
	program, err := goja.CompileAST(tree, false)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// run calls an export and returns its settled value as text, or the stack.
func run(t testing.TB, vm *goja.Runtime, namespace *goja.Object, name string) string {
	t.Helper()
	f, ok := goja.AssertFunction(namespace.Get(name))
	if !ok {
		t.Fatalf("no function %q", name)
	}
	v, err := f(goja.Undefined())
	if err != nil {
		e := &goja.Exception{}
		if errors.As(err, &e) {
			return e.String()
		}
		t.Fatal(err)
	}
	if p, ok := v.Export().(*goja.Promise); ok {
		if p.State() == goja.PromiseStateRejected {
			return p.Result().ToObject(vm).Get("stack").String()
		}
		v = p.Result()
	}
	return v.String()
}

// Every position must be what an editor shows, also behind what was rewritten,
// behind characters outside of ASCII, and after an await.
func TestStacksShowTheUsersSource(t *testing.T) {
	p := writeProject(t, map[string]string{
		"scripts/deep/x.ts": strings.Join([]string{
			`import { fail } from "../_lib/fail";`,
			`import { thrower } from "pkg";`,
			`interface A { a: string }`,
			`await Promise.resolve();`,
			`type B = A | undefined; const config: A = { a: "é" };`,
			`export function sync() { const é = "日本"; if (/^é\p{L}é[^\p{Lu}]$/u.test(é)) return 1; throw new Error("s"); }`,
			`export async function later(): Promise<void> {`,
			`  await null;`,
			`  const x = "é😀"; fail(x as string);`,
			`}`,
			`export async function* gen() { yield 1; throw new TypeError("g"); }`,
			`export async function loop() {`,
			`  for await (const x of gen()) void x;`,
			`}`,
			`export const pkg = () => thrower();`,
			`export const regexp = () => [/\p{L}+/u.exec("1é2")![0], new RegExp("^\\p{Lu}$", "u").test("É")].join();`,
			`export const lazy = async () => (await import("./_lazy")).default();`,
			`export const ok = () => config.a;`,
		}, "\n"),
		"scripts/deep/_lazy.ts":           "await Promise.resolve();\nexport default (): string => { throw new RangeError('lazy') };",
		"scripts/_lib/fail.ts":            "export function fail(x: string): never {\n\n    throw new Error(x);\n}",
		"node_modules/pkg/package.json":   `{"main": "index.js"}`,
		"node_modules/pkg/index.js":       "exports.thrower = function () {\n  return null.x;\n};",
		"node_modules/other/package.json": `{}`,
	})
	rev := mustBuild(t, p, "deep/x")
	vm, ns := engine(t, rev)
	for name, want := range map[string][]string{
		"sync":   {"scripts/deep/x.ts:6:93"},
		"later":  {"at fail (scripts/_lib/fail.ts:3:11", "at later (scripts/deep/x.ts:9:20"},
		"loop":   {"at scripts/deep/x.ts:11:47"},
		"pkg":    {"node_modules/pkg/index.js:2:", "at pkg (scripts/deep/x.ts:15:26"},
		"lazy":   {"scripts/deep/_lazy.ts:2:38"},
		"regexp": {"é,true"},
		"ok":     {"é"},
	} {
		got := run(t, vm, ns, name)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: want %s in:\n%s", name, w, got)
			}
		}
	}
}

func TestLoweredCodeRuns(t *testing.T) {
	p := writeProject(t, map[string]string{"a.ts": `
		import { http } from "reprise:http";
		const log: unknown[] = [];
		class Stream { async *[Symbol.asyncIterator]() { yield* [1, 2]; yield 3; } }
		export async function all() {
			for await (const x of new Stream()) log.push(x);
			{ using r = { [Symbol.dispose]() { log.push("disposed"); } }; }
			{ await using r = { async [Symbol.asyncDispose]() { log.push("later"); } }; }
			enum E { A = 4 }
			class D { static #p = 5; @dec m() { return D.#p; } }
			function dec(f: Function, c: unknown) { log.push("decorated"); return f; }
			log.push(E.A, new D().m(), 10n ** 2n, typeof process, process.env.NODE_ENV, http);
			return log.map(String).join();
		}
		declare const process: { env: Record<string, string> };`})
	vm, ns := engine(t, mustBuild(t, p, "a"))
	if got, want := run(t, vm, ns, "all"), "1,2,3,disposed,later,decorated,4,5,100,undefined,production,the http of the host"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The engine's parser takes no fields of these names; see quoteField.
func TestFieldsNamedLikeKeywords(t *testing.T) {
	p := writeProject(t, map[string]string{"a.ts": `class A {
		get = 1; static set = 2; async = () => 3;
		set = (x: number) => { throw new Error("here " + x); };
	}
	export const all = () => [new A().get, A.set, new A().async()].join();
	export const fail = () => new A().set(1);`})
	vm, ns := engine(t, mustBuild(t, p, "a"))
	if got := run(t, vm, ns, "all"); got != "1,2,3" {
		t.Errorf("got %s", got)
	}
	if got := run(t, vm, ns, "fail"); !strings.Contains(got, "a.ts:3:32") || !strings.Contains(got, "at fail (a.ts:6:36") {
		t.Errorf("stack = %s", got)
	}
}

func TestMapSourcesAreRelativeToTheProject(t *testing.T) {
	files := map[string]string{
		"package.json":                      `{"workspaces": ["apps/*", "libs/*"]}`,
		"apps/shop/package.json":            `{"name": "shop"}`,
		"apps/shop/scripts/a.ts":            `import { x } from "hoisted"; import { y } from "@ours/lib"; export default () => x + y;`,
		"node_modules/hoisted/package.json": `{"module": "index.mjs"}`,
		"node_modules/hoisted/index.mjs":    `export const x = Math.random();`,
		"libs/lib/package.json":             `{"name": "@ours/lib", "main": "src.ts"}`,
		"libs/lib/src.ts":                   `export const y: number = Math.random();`,
	}
	dir := writeProject(t, files).Root
	symlink(t, "../../libs/lib", dir+"/node_modules/@ours/lib")
	p := openProject(t, dir+"/apps/shop")
	rev := mustBuild(t, p, "a")
	var got []string
	for _, s := range rev.Sources {
		got = append(got, s.Path)
	}
	slices.Sort(got)
	if want := "../../libs/lib/src.ts node_modules/hoisted/index.mjs scripts/a.ts"; strings.Join(got, " ") != want {
		t.Errorf("sources = %v, want %s", got, want)
	}
	if strings.Contains(string(rev.Map), dir) || strings.Contains(string(rev.Code), dir) {
		t.Error("the revision holds the absolute path of the project")
	}
}
