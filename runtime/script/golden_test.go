package script_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/call"
	"reprise/runtime/script"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// testModules are the virtual modules of the tests.
var testModules = map[string]string{
	"http": `const m = __reprise.module("http"); export const http = m.http;`,
	"kv":   `const m = __reprise.module("kv"); export const kv = m.kv; export type Key = string;`,
}

func testBuilder() *script.Builder {
	return script.NewBuilder(script.BuilderOptions{
		Module:      func(name string) (string, bool) { text, ok := testModules[name]; return text, ok },
		ModuleNames: func() []string { return []string{"http", "kv"} },
	})
}

// writeProject lays files out in a new folder and opens it.
func writeProject(t testing.TB, files map[string]string) *script.Project {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return openProject(t, dir)
}

func openProject(t testing.TB, dir string) *script.Project {
	t.Helper()
	p, err := script.OpenProject(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func build(t testing.TB, p *script.Project, name string) (*script.Revision, error) {
	t.Helper()
	list, err := p.List()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(s script.Script) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no script %q in %v", name, list)
	}
	return testBuilder().Build(context.Background(), p, list[i])
}

func mustBuild(t testing.TB, p *script.Project, name string) *script.Revision {
	t.Helper()
	rev, err := build(t, p, name)
	if err != nil {
		t.Fatal(text(err))
	}
	return rev
}

// text is an error as a terminal shows it.
func text(err error) string {
	if e, ok := errors.AsType[*script.BuildError](err); ok {
		return string(e.Code) + "\n" + e.Text()
	}
	return err.Error()
}

// Each file in testdata/build is a project and, as "want", what its scripts
// become: code, config, sources and warnings, or the error.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			golden(t, file)
		})
	}
}

func golden(t *testing.T, file string) {
	archive, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	input, want, _ := strings.Cut(string(archive), "-- want --\n")
	p := writeProject(t, archiveFiles(input))
	got := describeAll(t, p, strings.Contains(file, "/build/"))
	got = strings.ReplaceAll(got, p.Root, "PROJECT")
	if *update {
		write(t, file, input+"-- want --\n"+got)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got), -update accepts:\n%s", file, diff)
	}
}

// archiveFiles reads the txtar format: files, each after a line "-- name --".
// DEEP stands for code that no file should hold.
func archiveFiles(text string) map[string]string {
	text = strings.ReplaceAll(text, "DEEP", strings.Repeat("() => ", 5000)+"1")
	files := map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		if marker, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(line, " --\n") {
			name = strings.TrimSuffix(marker, " --\n")
			files[name] = ""
		} else if name != "" {
			files[name] += line
		}
	}
	return files
}

func describeAll(t *testing.T, p *script.Project, code bool) string {
	list, err := p.List()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "== %s (%s)\n", s.Name, s.File)
		rev, err := testBuilder().Build(context.Background(), p, s)
		if err != nil {
			b.WriteString(text(err) + "\n")
			continue
		}
		describe(t, &b, rev, code)
	}
	return b.String()
}

func describe(t *testing.T, b *strings.Builder, rev *script.Revision, code bool) {
	if rev.Config.Raw != nil {
		typed, err := json.Marshal(rev.Config)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, "raw:    %s\nconfig: %s\n", rev.Config.Raw, typed)
	}
	for _, w := range rev.Warnings {
		fmt.Fprintf(b, "warning: %s\n", w)
	}
	if !code {
		return
	}
	for _, s := range rev.Sources {
		fmt.Fprintf(b, "source: %s\n", s.Path)
	}
	fmt.Fprintf(b, "%s\n", rev.Code)
}

func TestBuildErrorBecomesACallError(t *testing.T) {
	p := writeProject(t, map[string]string{"scripts/a.ts": "export default {\n  fetch( {}\n}\n"})
	_, err := build(t, p, "a")
	var e *call.Error
	if !errors.As(err, &e) || e.Code != string(call.CodeCompile) || e.Name != "CompileError" {
		t.Fatalf("error = %#v", err)
	}
	var data struct {
		Src   call.Position
		Frame string
	}
	if err := json.Unmarshal(e.Data, &data); err != nil {
		t.Fatal(err)
	}
	want := "  1 | export default {\n  2 |   fetch( {}\n> 3 | }\n    | ^"
	if data.Src != (call.Position{File: "scripts/a.ts", Line: 3, Column: 1}) || data.Frame != want {
		t.Errorf("src %v, frame:\n%s", data.Src, data.Frame)
	}
	if call.From(err).Code != string(call.CodeCompile) {
		t.Error("call.From loses the code")
	}
}
