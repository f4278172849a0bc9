package script_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/script"
)

func symlink(t testing.TB, target, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func TestRevisionIDIsAboutContentOnly(t *testing.T) {
	files := map[string]string{"scripts/a.ts": "export default () => 1;\n", "scripts/_b.ts": "", "package.json": "{}"}
	first := mustBuild(t, writeProject(t, files), "a")
	if len(first.ID) != 12 || first.Bytes != len(first.Code) || first.BuiltIn <= 0 {
		t.Errorf("revision = %+v", first)
	}
	if again := mustBuild(t, writeProject(t, files), "a"); again.ID != first.ID {
		t.Error("the id depends on where the project is")
	}
	files["scripts/a.ts"] = "// a comment\n\nexport default () => 1;\n"
	commented := mustBuild(t, writeProject(t, files), "a")
	if commented.ID != first.ID {
		t.Error("a comment changes the id")
	}
	if string(commented.Map) == string(first.Map) {
		t.Error("a comment does not change the map")
	}
	files["scripts/a.ts"] = "export default () => 2;\n"
	if other := mustBuild(t, writeProject(t, files), "a"); other.ID == first.ID {
		t.Error("other code has the same id")
	}
	files["scripts/a.ts"] = "export const config = {};\nexport default () => 1;\n"
	if other := mustBuild(t, writeProject(t, files), "a"); other.ID == first.ID {
		t.Error("another config has the same id")
	}
}

// A build may read the project and its packages, by whatever way it gets there.
func TestBuildReadsNothingOutside(t *testing.T) {
	outside := t.TempDir()
	write(t, outside+"/secret.ts", "export default 'secret';")
	write(t, outside+"/package.json", `{"name": "evil", "main": "secret.ts"}`)
	p := writeProject(t, map[string]string{
		"package.json":           "{}",
		"scripts/relative.ts":    `import s from "../../` + filepath.Base(outside) + `/secret"; export default s;`,
		"scripts/absolute.ts":    `import s from "` + outside + `/secret.ts"; export default s;`,
		"scripts/link.ts":        `import s from "./_link"; export default s;`,
		"scripts/package.ts":     `import s from "evil"; export default s;`,
		"scripts/dynamic.ts":     `export default () => import("./_link");`,
		"scripts/required.ts":    `export default require("./_link");`,
		"scripts/text.ts":        `import s from "./_passwd" with { type: "text" }; export default s;`,
		"scripts/inside.ts":      `import s from "./_inside"; export default s;`,
		"config/settings.ts":     "export default 1;",
		"node_modules/.keep":     "",
		"scripts/_real/thing.ts": "export default 1;",
	})
	symlink(t, outside+"/secret.ts", p.Root+"/scripts/_link.ts")
	symlink(t, outside, p.Root+"/node_modules/evil")
	symlink(t, "/etc/passwd", p.Root+"/scripts/_passwd")
	symlink(t, "../config/settings.ts", p.Root+"/scripts/_inside.ts")
	symlink(t, outside+"/secret.ts", p.Root+"/scripts/direct.ts")
	for _, name := range []string{"relative", "absolute", "link", "package", "dynamic", "required", "text", "direct"} {
		_, err := build(t, p, name)
		if err == nil || !strings.Contains(err.Error(), "is outside of the project") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	if _, err := build(t, p, "inside"); err != nil {
		t.Errorf("a link inside of the project: %v", err)
	}
}

// esbuild follows a source's own map, and the files that the map names.
func TestBuildReadsNoForeignMaps(t *testing.T) {
	outside := t.TempDir()
	write(t, outside+"/secret", "the-secret")
	inline := base64.StdEncoding.EncodeToString([]byte(`{"version":3,"sources":["file://` + outside + `/secret"],"mappings":"AAAA"}`))
	for i, comment := range []string{
		"//# sourceMappingURL=file://" + outside + "/secret", "//@ sourceMappingURL=" + outside + "/secret", "/*# sourceMappingURL=/dev/zero */",
		"//# sourceMappingURL=data:application/json;base64," + inline,
	} {
		p := writeProject(t, map[string]string{"a.ts": "export default () => 1;\n" + comment + "\n"})
		rev, err := build(t, p, "a")
		if err != nil {
			t.Errorf("%d: %v", i, err)
			continue
		}
		if strings.Contains(string(rev.Map), "the-secret") || len(rev.Warnings) > 0 || len(rev.Sources) != 1 {
			t.Errorf("%d: the map was followed: %s %v", i, rev.Map, rev.Warnings)
		}
	}
	p := writeProject(t, map[string]string{"a.ts": "export const text = () => '//# sourceMappingURL=x' + `/*# sourceMappingURL=y`;\n"})
	vm, ns := engine(t, mustBuild(t, p, "a"))
	if got := run(t, vm, ns, "text"); got != "//# sourceMappingURL=x/*# sourceMappingURL=y" {
		t.Errorf("a string became %s", got)
	}
}

func TestBuildDoesNotHangOnAPipe(t *testing.T) {
	p := writeProject(t, map[string]string{"a.ts": `import x from "./_pipe"; export default x;`})
	if err := syscall.Mkfifo(p.Root+"/_pipe.ts", 0o600); err != nil {
		t.Fatal(err)
	}
	// esbuild itself finds no module there, or we refuse: both are an error.
	if _, err := build(t, p, "a"); err == nil {
		t.Error("a pipe was imported")
	}
}

func TestSourceLimitCountsImports(t *testing.T) {
	big := "export default `" + strings.Repeat("x", 600) + "`;"
	p := writeProject(t, map[string]string{"a.ts": `import x from "./_a"; import y from "./_b"; export default [x, y];`, "_a.ts": big, "_b.ts": big})
	list, err := p.List()
	if err != nil {
		t.Fatal(err)
	}
	b := script.NewBuilder(script.BuilderOptions{Limits: call.Limits{Source: 1 << 10}})
	_, err = b.Build(context.Background(), p, list[0])
	if err == nil || !strings.Contains(err.Error(), "are larger than 1KiB") {
		t.Errorf("error = %v", err)
	}
}

func TestBuildGivesUp(t *testing.T) {
	p := writeProject(t, map[string]string{"a.ts": `export default 1;`})
	list, err := p.List()
	if err != nil {
		t.Fatal(err)
	}
	b := script.NewBuilder(script.BuilderOptions{Timeout: time.Nanosecond})
	var e *script.BuildError
	if _, err := b.Build(context.Background(), p, list[0]); !errors.As(err, &e) {
		t.Errorf("out of time: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := testBuilder().Build(ctx, p, list[0]); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestInputsAreAllFilesRead(t *testing.T) {
	p := writeProject(t, map[string]string{
		"scripts/a.ts": `import x from "./_b"; import d from "../data.json"; export default [x, d];`, "scripts/_b.ts": "export default 1", "data.json": "[]",
	})
	rev := mustBuild(t, p, "a")
	var got []string
	for _, in := range rev.Inputs {
		got = append(got, strings.TrimPrefix(in, p.Root))
	}
	if want := "/data.json /scripts/_b.ts /scripts/a.ts"; strings.Join(got, " ") != want {
		t.Errorf("inputs = %v", got)
	}
}

func TestOpenProject(t *testing.T) {
	if _, err := script.OpenProject(filepath.Join(t.TempDir(), "nowhere")); err == nil || !strings.Contains(err.Error(), "there is no project folder") {
		t.Errorf("missing: %v", err)
	}
	file := filepath.Join(t.TempDir(), "f.ts")
	write(t, file, "")
	if _, err := script.OpenProject(file); err == nil || !strings.Contains(err.Error(), "is a file") {
		t.Errorf("file: %v", err)
	}
}

func BenchmarkBuildSmall(b *testing.B) {
	p := writeProject(b, map[string]string{"scripts/a.ts": "import { http } from 'reprise:http';\nexport const config = { timeout: '5s' } as const;\nexport default { async fetch() { return await http.get('/'); } };\n"})
	list, err := p.List()
	if err != nil {
		b.Fatal(err)
	}
	builder := testBuilder()
	for b.Loop() {
		if _, err := builder.Build(context.Background(), p, list[0]); err != nil {
			b.Fatal(err)
		}
	}
}
