package script

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"

	"reprise/runtime/call"
)

// bundleText bundles one file, or returns nil if it does not build.
func bundleText(t *testing.T, text string) *bundle {
	t.Helper()
	if _, _, bad := precheck(text); bad {
		return nil
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a.ts")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := OpenProject(dir)
	if err != nil {
		t.Fatal(err)
	}
	j := newJob(NewBuilder(BuilderOptions{}), p, Script{Name: "a", File: "a.ts", Path: path})
	result := api.Build(j.options())
	if len(j.problems(result)) > 0 {
		return nil
	}
	b, err := newBundle("a.ts", result.OutputFiles)
	if err != nil {
		return nil
	}
	return b
}

// evaluate runs the bundle and returns JSON.stringify of its export.
func evaluate(b *bundle, export string) (string, bool) {
	vm := goja.New()
	timer := time.AfterFunc(time.Second, func() { vm.Interrupt("too long") })
	defer timer.Stop()
	v, err := vm.RunString("let out; " + b.code + "({ exports: (m) => { out = JSON.stringify(m." + export + ") }, module: () => ({}) }); out")
	if err != nil || goja.IsUndefined(v) {
		return "", false
	}
	return v.String(), true
}

// What is read without executing must be what executing gives.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{
		`{ a: 1, "b": "x", c: [true, null, -5, 1e3, 0x10, .5] } as const`, "`text`", `{ 1: 2, 1.5: 3, 0x10: 4 }`, `{ a: { b: { c: [[]] } } } satisfies object`,
		`{ "é": "😀\u{1f600}\x41\n", 'q': '\'' }`, `{ a: 1, a: 2 }`, `{ __proto__: null, x: 1 }`, `[1,,2]`, `{ ["a"]: 1 }`, `<const>{ a: -0 }`, `{ a: 1_000n }`, `({ a: (1) })`,
		`{ a: 9007199254740993, b: 1e400 }`, `{ b: 1, a: 2, 10: 3, 9: 4 }`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		b := bundleText(t, "export const config = "+expr+";\nexport default () => 1;\n")
		if b == nil {
			return
		}
		value, err := b.exported("config")
		if err != nil || value == nil {
			return
		}
		r := &literals{bundle: b}
		l := r.read(value)
		if len(r.problems)+len(r.doubles) > 0 || l == nil {
			return
		}
		var text strings.Builder
		l.json(&text)
		var got, want any
		if err := json.Unmarshal([]byte(text.String()), &got); err != nil {
			t.Fatalf("%q is read as %q: %v", expr, text.String(), err)
		}
		ran, ok := evaluate(b, "config")
		if !ok || json.Unmarshal([]byte(ran), &want) != nil {
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is read as %s and runs as %s", expr, text.String(), ran)
		}
		parseConfig("a", l, call.Limits{}) // must not panic
	})
}

// Whatever is rewritten, every mapping must still point at the same text.
func FuzzRewrite(f *testing.F) {
	for _, s := range []string{
		`const a = /\p{L}é/u, b = /\P{Nd}/u; throw b`, "const é = '日本', x = new RegExp('\\\\p{Lu}', 'u').test(é), y = /[\\p{Zs}😀]/giu; x(y)",
		"x(RegExp(`\\\\p{Zs}`, `u`), /\\p{Zs}/u, '\\n')\ny(/\\p{Zs}/u); z()",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		b := bundleText(t, "declare const z: any;\n"+source+"\nexport default 1")
		if b == nil {
			return
		}
		edits, problems := b.propertyEscapes()
		if len(edits) == 0 || len(problems) > 0 {
			return
		}
		before := textAt(b.code, b.srcs.mappings)
		starts := map[int]bool{}
		for _, e := range edits {
			starts[e.from] = true
		}
		inside := make([]bool, len(b.srcs.mappings))
		for i, m := range b.srcs.mappings {
			at := offsetOf(b.code, m)
			for _, e := range edits {
				inside[i] = inside[i] || e.from <= at && at < e.to
			}
		}
		code := b.srcs.apply(b.code, edits)
		for i, text := range textAt(code, b.srcs.mappings) {
			if !inside[i] && text != before[i] {
				t.Fatalf("mapping %d was at %q and is at %q in\n%s", i, before[i], text, code)
			}
		}
		if _, err := decodeMap(b.srcs.encode(code)); err != nil {
			t.Fatal(err)
		}
	})
}

func offsetOf(code string, m mapping) int {
	lines := strings.SplitAfter(code, "\n")
	at := 0
	for _, l := range lines[:m.line] {
		at += len(l)
	}
	return at + byteColumn(lines[m.line], int(m.column))
}

// textAt is the character at each mapping.
func textAt(code string, mappings []mapping) []string {
	out := make([]string, len(mappings))
	for i, m := range mappings {
		at := offsetOf(code, m)
		out[i] = code[at:min(at+1, len(code))]
	}
	return out
}

func TestMapRoundTrip(t *testing.T) {
	b := bundleText(t, "export const é = 'ü', f = (a: number) => a + é;\nexport default f(1);\n")
	if b == nil {
		t.Fatal("does not build")
	}
	again, err := decodeMap(b.srcs.encode(b.code))
	if err != nil {
		t.Fatal(err)
	}
	if len(again.mappings) != len(b.srcs.mappings) || !reflect.DeepEqual(again.sources, b.srcs.sources) {
		t.Fatal("the map changed")
	}
	for i, m := range b.srcs.mappings {
		m.column++ // the code is ASCII, so bytes are units
		if m.source >= 0 {
			m.srcColumn++
		}
		if again.mappings[i] != m {
			t.Fatalf("mapping %d is %+v, want %+v", i, again.mappings[i], m)
		}
	}
	for _, bad := range []string{`{`, `{"mappings":"A"}x`, `{"mappings":"AAAA","sources":[]}`, `{"mappings":"!"}`, `{"mappings":"ggggggggggggg"}`, `{"mappings":"AA","sources":["x"]}`} {
		if _, err := decodeMap([]byte(bad)); err == nil {
			t.Errorf("decodeMap(%s) is no error", bad)
		}
	}
}

func FuzzDecodeMap(f *testing.F) {
	f.Add(`{"sources":["a"],"names":["b"],"mappings":"AAAAA;;CACCA,D"}`)
	f.Fuzz(func(_ *testing.T, text string) {
		if m, err := decodeMap([]byte(text)); err == nil {
			m.encode("x")
			m.original(0, 0)
		}
	})
}
