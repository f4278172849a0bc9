package stdlib_test

import (
	"testing"

	"reprise/stdlib"
)

func TestEveryNameHasAModule(t *testing.T) {
	for _, name := range stdlib.Names() {
		if text, ok := stdlib.Module(name); !ok || text == "" {
			t.Errorf("module %q is listed and has no text", name)
		}
	}
}

func TestModuleStaysInItsFolder(t *testing.T) {
	for _, name := range []string{"", "..", "../modules", "/http", "README.md", "no-such-module"} {
		if _, ok := stdlib.Module(name); ok {
			t.Errorf("Module(%q) exists", name)
		}
	}
}
