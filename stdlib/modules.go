package stdlib

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed modules
var modules embed.FS

// Module returns the source text of the module that scripts import as
// "reprise:" + name. It is TypeScript, of which JavaScript is a part.
func Module(name string) (text string, ok bool) {
	if !fs.ValidPath(name) {
		return "", false
	}
	for _, ext := range []string{".ts", ".js"} {
		if b, err := modules.ReadFile("modules/" + name + ext); err == nil {
			return string(b), true
		}
	}
	return "", false
}

// Names returns the names of all modules in alphabetical order.
func Names() []string {
	var names []string
	// An embedded tree can be read: no error is possible here, and none is made.
	_ = fs.WalkDir(modules, "modules", func(path string, d fs.DirEntry, err error) error {
		if name, ok := moduleName(path); err == nil && !d.IsDir() && ok {
			names = append(names, name)
		}
		return err
	})
	slices.Sort(names)
	return slices.Compact(names)
}

func moduleName(path string) (string, bool) {
	path = strings.TrimPrefix(path, "modules/")
	for _, ext := range []string{".ts", ".js"} {
		if name, ok := strings.CutSuffix(path, ext); ok && !strings.HasSuffix(name, ".d") {
			return name, true
		}
	}
	return "", false
}
