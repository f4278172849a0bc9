package scripts_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"reprise/scripts"
)

func TestExamplesAreComplete(t *testing.T) {
	// Every file of the folder is embedded, those of _lib included.
	want := sources(t, os.DirFS("."))
	if got := sources(t, scripts.Examples()); !slices.Equal(got, want) || !slices.Contains(got, "_lib/api.ts") {
		t.Errorf("embedded are\n%v\nin the folder are\n%v", got, want)
	}
}

func sources(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".ts") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
