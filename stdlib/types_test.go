package stdlib_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"reprise/stdlib"
)

var (
	exported = regexp.MustCompile(`(?m)^export (?:const|class|async function|function) (\w+)`)
	declared = regexp.MustCompile(`(?m)^\texport (?:const|class|function) (\w+)`)
)

// names are what a text exports or declares, each once, in order.
func names(text string, what *regexp.Regexp) []string {
	var out []string
	for _, m := range what.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out) // overloads
}

func TestWhatModulesExportIsDeclared(t *testing.T) {
	// An editor must offer what is there, and nothing else.
	types := stdlib.Types()
	for _, name := range stdlib.Names() {
		text, _ := stdlib.Module(name)
		_, declaration, ok := strings.Cut(types, "declare module \"reprise:"+name+"\" {\n")
		if !ok {
			t.Errorf("reprise:%s has no types", name)
			continue
		}
		declaration, _, _ = strings.Cut(declaration, "\n}\n")
		got, want := names(declaration, declared), names(text, exported)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("reprise:%s exports %v; declared are %v", name, want, got)
		}
	}
}
