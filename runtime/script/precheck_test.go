package script

import (
	"strings"
	"testing"
	"time"
)

func TestPrecheckLetsCodePass(t *testing.T) {
	for name, src := range map[string]string{
		"many arrows":     strings.Repeat("const f = (a) => b => c\n", 2000),
		"arguments":       "f(" + strings.Repeat("a => a,", 5000) + "1)",
		"template":        "`${a.map((x) => `<${x}>`).join(`\"`)} ( ( (`",
		"regexps":         strings.Repeat("if (x) /[(]\"/.test(y)\nx = a / b / (c)\n", 1000),
		"strings":         `"` + strings.Repeat("(", 1000) + `"`,
		"comments":        "/*" + strings.Repeat("(", 1000) + "*/ //" + strings.Repeat("[", 1000),
		"branches":        strings.Repeat("if (a) { b() } else if (c) { d() }\n", 3000),
		"assignments":     strings.Repeat("a = b\n", 20000),
		"long sums":       "x = " + strings.Repeat("a + ", 50000) + "1",
		"flat json":       "[" + strings.Repeat(`{"a":[1,2]},`, 20000) + "1]",
		"object after }":  strings.Repeat("function f() {}\n/[(]/.test(x)\n", 1000),
		"blocks":          strings.Repeat("for (const x of y) { while (z) { { q(x) } } }", 3000),
		"class":           "class A {" + strings.Repeat("get a() { return this.#b?.c ?? [] }\n", 3000) + "}",
		"generics":        strings.Repeat("const m: Map<string, Array<Record<string, number>>> = new Map()\n", 3000),
		"bad brackets":    ")))]]]}}}",
		"unclosed string": "'abc\n\"def\n`ghi",
	} {
		if message, at, bad := precheck(src); bad {
			t.Errorf("%s: refused at %d: %s", name, at, message)
		}
	}
}

func TestPrecheckRefusesWhatHurtsParsers(t *testing.T) {
	const n = 300_000
	for name, src := range map[string]string{
		"parens":             strings.Repeat("(", n),
		"brackets":           strings.Repeat("[", n),
		"objects":            strings.Repeat("{a:", n),
		"templates":          strings.Repeat("`${", n),
		"arrows":             strings.Repeat("a=>", n),
		"arrows on lines":    strings.Repeat("a=>\n", n),
		"arrows with parens": strings.Repeat("()=>", n),
		"functions":          strings.Repeat("function f(){", n),
		"not":                strings.Repeat("!", n),
		"minus":              strings.Repeat("- ", n),
		"plus plus":          strings.Repeat("+ +", n),
		"assign":             strings.Repeat("a=", n),
		"assign on lines":    strings.Repeat("a\n=", n),
		"conditional":        strings.Repeat("a?", n),
		"conditional 2":      strings.Repeat("a?b:", n),
		"power":              strings.Repeat("a**", n),
		"new":                strings.Repeat("new ", n),
		"typeof on lines":    strings.Repeat("typeof\n", n),
		"else":               strings.Repeat("if(a)b;else ", n),
		"else blocks":        strings.Repeat("if(a){}else ", n),
		"if":                 strings.Repeat("if(a)", n),
		"labels":             strings.Repeat("a:", n),
		"types":              "let x: " + strings.Repeat("A<", n),
		"keyof":              "let x: " + strings.Repeat("keyof ", n),
		"after a regexp":     "if (x) /\"/; " + strings.Repeat("[", n),
		"in a false string":  "a = b /\"/ " + strings.Repeat("[", n),
		"hidden by quotes":   `"` + strings.Repeat("(", n) + `"`,
		"closers in strings": strings.Repeat("['])'+", n),
	} {
		start := time.Now()
		if _, _, bad := precheck(src); !bad {
			t.Errorf("%s: let through", name)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func FuzzPrecheck(f *testing.F) {
	for _, s := range []string{"`${a}`", "a/b/c", "'\\", "`\\", "/[/]/", "if(a)/b/", "${}`"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, src string) { precheck(src) }) // ends, and does not panic
}
