package unicodeclass

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/dop251/goja"
)

// The reference was made by another implementation of the Unicode database: for
// each property how many assigned characters have it, and a checksum of them.
func TestPropertiesMatchTheReference(t *testing.T) {
	text, err := os.ReadFile("testdata/properties.txt")
	if err != nil {
		t.Fatal(err)
	}
	unassigned := fromTables(unicode.Categories["Cn"])
	// The reference is of Unicode 17: since Go's version some characters that
	// already existed gained or lost these properties.
	changed := map[string]int{
		"Alphabetic": 33, "Alpha": 33, "Cased": 1, "Diacritic": 54, "Extender": 3, "Grapheme_Base": 25, "Grapheme_Extend": 25,
		"ID_Continue": 4, "Lowercase": 1, "Sentence_Terminal": 9, "Terminal_Punctuation": 6, "Ll": 1, "LC": 1, "Lo": 1, "Mn": 1, "Mc": 1,
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		s, err := property(f[0])
		if err != nil {
			t.Errorf("%s: %v", f[0], err)
			continue
		}
		n, sum := 0, 0
		for _, r := range s.minus(unassigned) {
			for c := r.lo; c <= r.hi; c++ {
				n++
				sum = (sum + int(c)*(n%97+1)) % 1000003
			}
		}
		wantN, _ := strconv.Atoi(f[1])
		wantSum, _ := strconv.Atoi(f[2])
		if off, known := changed[f[0]]; known && max(n, wantN)-min(n, wantN) <= off {
			continue
		}
		if n != wantN || sum != wantSum {
			t.Errorf("%s: %d characters, checksum %d; want %d, %d", f[0], n, sum, wantN, wantSum)
		}
	}
}

func TestExpandMeansTheSameInTheEngine(t *testing.T) {
	tests := []struct {
		pattern, flags string
		yes, no        []string
	}{
		{`^\p{L}+$`, "u", []string{"abc", "é", "日本", "𝒳", "ß"}, []string{"1", " ", "😀", ""}},
		{`^\P{L}+$`, "u", []string{"1", "😀", " "}, []string{"a", "日"}},
		{`^[\p{L}\p{N}_-]+$`, "u", []string{"a1_-", "日٣"}, []string{"a b", "+"}},
		{`^[^\p{L}]$`, "u", []string{"1", "😀"}, []string{"a", "é", "𝒳"}},
		{`^[\P{L}a]$`, "u", []string{"1", "a"}, []string{"b"}},
		{`^\p{Lu}$`, "u", []string{"A", "É"}, []string{"a", "é"}},
		{`^\p{Lu}$`, "iu", []string{"A", "a", "é", "É"}, []string{"1", "日"}},
		{`^\P{Lu}$`, "iu", []string{"A", "a", "1"}, nil},
		{`^[^\P{Lu}]$`, "iu", nil, []string{"A", "a", "1"}},
		{`^\p{Script=Greek}+$`, "u", []string{"αβγ"}, []string{"abc"}},
		{`^\p{sc=Grek}$`, "u", []string{"Ω"}, []string{"O"}},
		{`^\p{scx=Hira}$`, "u", []string{"ー", "あ"}, []string{"ア"}},
		{`^\p{Emoji_Presentation}$`, "u", []string{"😀", "🚀"}, []string{"1", "a"}},
		{`^\p{Extended_Pictographic}$`, "u", []string{"😀", "❤"}, []string{"1"}},
		{`^\p{Any}$`, "u", []string{"a", "😀"}, []string{"", "ab"}},
		{`^\P{Any}$`, "u", nil, []string{"a", "😀"}},
		{`^\p{ASCII}+$`, "u", []string{"az~"}, []string{"é"}},
		{`^\p{ID_Start}\p{ID_Continue}*$`, "u", []string{"a1", "é_"}, []string{"1a"}},
		{`^\p{White_Space}$`, "u", []string{" ", "\u2003"}, []string{"x"}},
		{`^\p{Lowercase}\p{Uppercase}\p{Alphabetic}$`, "u", []string{"aBc", "éÉé"}, []string{"ABc"}},
		{`(?<=\p{Sc})\p{Nd}+`, "u", []string{"€20"}, []string{"20"}},
		{`^\\p{L}$`, "u", nil, []string{"a"}},
		{`^p\{L\}\p{L}$`, "u", []string{"p{L}x"}, []string{"x"}},
		{`^[a-z-\p{Lu}]$`, "u", []string{"a", "-", "É"}, []string{"1"}},
		{`^\p{Cs}$`, "u", nil, []string{"😀", "a"}},
		{`^\p{L}$`, "", []string{"p{L}"}, []string{"a"}},
	}
	vm := goja.New()
	match, err := vm.RunString(`(p, f, s) => new RegExp(p, f).test(s)`)
	if err != nil {
		t.Fatal(err)
	}
	test, _ := goja.AssertFunction(match)
	for _, tt := range tests {
		out, err := Expand(tt.pattern, tt.flags)
		if err != nil {
			t.Errorf("Expand(%q, %q): %v", tt.pattern, tt.flags, err)
			continue
		}
		check := func(s string, want bool) {
			v, err := test(nil, vm.ToValue(out), vm.ToValue(tt.flags), vm.ToValue(s))
			if err != nil {
				t.Errorf("/%s/%s on %q: %v", tt.pattern, tt.flags, s, err)
			} else if v.ToBoolean() != want {
				t.Errorf("/%s/%s.test(%q) = %v, want %v", tt.pattern, tt.flags, s, v, want)
			}
		}
		for _, s := range tt.yes {
			check(s, true)
		}
		for _, s := range tt.no {
			check(s, false)
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	tests := map[string]string{
		`a\p{Nope}`:       `there is no Unicode property "Nope"`,
		`\p{Script=Nope}`: `there is no script "Nope"`,
		`\p{gc=Nope}`:     `there is no general category "Nope"`,
		`\p{Greek}`:       `"Greek" is a script: write Script=Greek`,
		`\p{Foo=Bar}`:     `there is no Unicode property "Foo" with values; use General_Category, Script or Script_Extensions`,
		`\p{L}\pL`:        `\p needs a property in braces, such as \p{L}, in a regular expression with the u flag`,
		`[\p{L}-z]`:       `\p{L} can not be the end of a range`,
		`[a-\p{L}]`:       `\p{L} can not be the end of a range`,
		`\p{hyphen}`:      `there is no Unicode property "hyphen"`,
		`\p{Hyphen}`:      `there is no Unicode property "Hyphen"`,
	}
	for pattern, want := range tests {
		_, err := Expand(pattern, "u")
		var e *Error
		if !errors.As(err, &e) || e.Reason != want {
			t.Errorf("Expand(%q) = %v, want %q", pattern, err, want)
		}
	}
	var e *Error
	if _, err := Expand(`ab\p{Nope}`, "u"); !errors.As(err, &e) || e.Offset != 2 {
		t.Errorf("offset = %+v, want 2", e)
	}
}

// Whatever the pattern, an expansion has no property escape left, and a pattern
// the engine took before is one that it takes after.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{`\p{L}`, `[\P{Lu}-]`, `[^\p{sc=Grek}\\p]`, `\u{1f600}\p{Emoji}`, `[\ud83d\p{Cs}]`, `\p`, `[[\p{L}]`} {
		f.Add(s, "u")
		f.Add(s, "iu")
	}
	f.Fuzz(func(t *testing.T, pattern, flags string) {
		if len(pattern) > 64 || strings.Count(pattern, `\`) > 4 {
			return // not an input of this test
		}
		out, err := Expand(pattern, flags)
		if err != nil {
			return
		}
		again, err := Expand(out, flags)
		if err != nil || again != out {
			t.Fatalf("Expand(%q) = %q, which expands again to %q, %v", pattern, out, again, err)
		}
		if compiles(pattern, flags) && !compiles(out, flags) {
			t.Fatalf("the engine takes /%s/%s and not /%s/", pattern, flags, out)
		}
	})
}

func compiles(pattern, flags string) bool {
	vm := goja.New()
	_ = vm.Set("p", pattern)
	_ = vm.Set("f", flags)
	_, err := vm.RunString("new RegExp(p, f)")
	return err == nil
}

func BenchmarkExpand(b *testing.B) {
	for b.Loop() {
		if _, err := Expand(`^[\p{L}\p{N}]+$`, "iu"); err != nil {
			b.Fatal(err)
		}
	}
}
