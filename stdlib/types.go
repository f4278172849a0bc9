package stdlib

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed types
var typeFiles embed.FS

// Types returns the type declarations of everything scripts can use, as the
// text of one .d.ts file: the globals, the modules, and the shape of a script.
func Types() string {
	entries, err := fs.ReadDir(typeFiles, "types")
	if err != nil {
		panic("stdlib: embedded types are missing: " + err.Error())
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".d.ts") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("// Types of Reprise, written by `reprise types`. Do not edit: run it again after an upgrade.\n")
	for _, name := range names {
		text, err := typeFiles.ReadFile("types/" + name)
		if err != nil {
			panic("stdlib: embedded types are missing: " + err.Error())
		}
		b.WriteString("\n// ---- " + name + "\n\n")
		b.Write(text)
	}
	return b.String()
}
