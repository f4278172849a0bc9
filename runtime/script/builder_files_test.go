package script_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reprise/runtime/script"
)

// same compares what a process makes of a script with what this one makes of it.
func same(t *testing.T, b *processes, p *script.Project, s script.Script) {
	t.Helper()
	want, wantErr := testBuilder().Build(t.Context(), p, s)
	got, err := b.Build(t.Context(), p, s)
	if here, there := script.Stamps(want, wantErr), script.Stamps(got, err); !maps.Equal(here, there) { // to the bit, or it would be built for ever
		t.Errorf("%s depends on %v here, on %v there", s.Name, here, there)
	}
	if wantErr != nil {
		if err == nil || text(err) != text(wantErr) {
			t.Errorf("%s: here: %v\nthere: %v", s.Name, wantErr, err)
		}
		var e, w *script.BuildError
		if errors.As(err, &e) && errors.As(wantErr, &w) && !slices.Equal(e.Inputs, w.Inputs) {
			t.Errorf("%s: inputs %q", s.Name, e.Inputs)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", s.Name, text(err))
		return
	}
	unexported := cmpopts.IgnoreUnexported(script.Revision{}, script.Config{})
	if diff := cmp.Diff(want, got, unexported, cmpopts.IgnoreFields(script.Revision{}, "BuiltIn"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-here +there):\n%s", s.Name, diff)
	}
	keys := []string{"http", "path"}
	if want.Position(keys...) != got.Position(keys...) || want.ConfigError(keys, "no").Text() != got.ConfigError(keys, "no").Text() {
		t.Errorf("%s: the config stands at %v, not at %v", s.Name, got.Position(keys...), want.Position(keys...))
	}
}

func TestAProcessBuildsTheSame(t *testing.T) {
	// Whatever this process makes of a project, a builder process makes, too: code,
	// map, config with positions, warnings, errors, and what they depend on.
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, _, _ := strings.Cut(string(archive), "-- want --\n")
			p := writeProject(t, archiveFiles(input))
			b := startBuilder(t, "builder", script.BuilderProcessOptions{})
			list, err := p.List()
			if err != nil || len(list) == 0 {
				t.Fatal(err)
			}
			for _, s := range list {
				same(t, b, p, s)
			}
		})
	}
}

// monorepo is a project within a workspace: packages above it, and one that is
// linked.
func monorepo(t testing.TB) *script.Project {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"package.json":                   `{"workspaces":["apps/*","packages/*"],"private":true}`,
		"tsconfig.json":                  `{"compilerOptions":{"jsx":"react"}}`,
		"secret.txt":                     "hunter2",
		"node_modules/dep/package.json":  `{"name":"dep","main":"./lib"}`,
		"node_modules/dep/lib/index.js":  `module.exports = require("other") + 1;`,
		"node_modules/other/index.js":    `module.exports = 41;`,
		"packages/lib/package.json":      `{"name":"@ours/lib","main":"src/index.ts"}`,
		"packages/lib/src/index.ts":      `import d from "dep"; export const lib: number = d + 1;`,
		"packages/private/index.ts":      `export const secret = "hunter2";`,
		"apps/shop/package.json":         `{"name":"shop","imports":{"#rates":"./rates.json"}}`,
		"apps/shop/rates.json":           `{"eur":1}`,
		"apps/shop/scripts/packages.ts":  `import d from "dep"; import { lib } from "@ours/lib"; import rates from "#rates"; export default [d, lib, rates];`,
		"apps/shop/scripts/file.ts":      `import x from "../../../secret.txt"; export default x;`,
		"apps/shop/scripts/member.ts":    `import x from "../../../packages/private"; export default x;`,
		"apps/shop/scripts/absolute.ts":  `import x from "` + dir + `/secret.txt"; export default x;`,
		"apps/shop/scripts/far.ts":       `import x from "../../../../../../../../../../etc/passwd"; export default x;`,
		"apps/shop/scripts/nowhere.ts":   `import x from "../../../../nowhere/at/all"; export default x;`,
		"apps/shop/scripts/link.ts":      `import x from "./secret.txt"; export default x;`,
		"apps/shop/scripts/folder.ts":    `import x from "./packages/private/index"; export default x;`,
		"apps/shop/scripts/missing.ts":   `import x from "not-installed"; import y from "./not-there"; export default [x, y];`,
		"apps/shop/scripts/traversal.ts": `import x from "dep/../../secret.txt"; export default x;`,
	} {
		write(t, filepath.Join(dir, name), text)
	}
	for link, target := range map[string]string{
		"node_modules/@ours/lib":     "packages/lib",
		"apps/shop/scripts/packages": "packages",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, link)), 0o755); err != nil {
			t.Fatal(err)
		}
		symlink(t, filepath.Join(dir, target), filepath.Join(dir, link))
	}
	symlink(t, filepath.Join(dir, "secret.txt"), filepath.Join(dir, "apps/shop/scripts/secret.txt"))
	return openProject(t, filepath.Join(dir, "apps/shop"))
}

func TestAProcessFindsThePackagesOfAWorkspace(t *testing.T) {
	p := monorepo(t)
	b := startBuilder(t, "builder", script.BuilderProcessOptions{})
	list, err := p.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		same(t, b, p, s)
	}
	for name, want := range map[string]string{"packages": "", "file": "secret.txt is outside of the project", "far": "/etc/passwd is outside of the project", "nowhere": "there is no file"} {
		_, err := b.Build(t.Context(), p, named(t, p, name))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPackagesThatAreInstalledAnewAreSeen(t *testing.T) {
	// The kernel remembers folders, not paths: after a clean installation they are
	// others, and so must be what may be read.
	p := monorepo(t)
	b := startBuilder(t, "builder", script.BuilderProcessOptions{})
	s := named(t, p, "packages")
	if _, err := b.Build(t.Context(), p, s); err != nil {
		t.Fatal(text(err))
	}
	first := <-b.spawned
	workspace := filepath.Dir(filepath.Dir(p.Root))
	modules := filepath.Join(workspace, "node_modules")
	if err := os.Rename(modules, filepath.Join(workspace, "node_modules.old")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(modules, "dep/index.js"), `module.exports = "new";`)
	write(t, filepath.Join(workspace, "packages/lib2/index.ts"), `export const lib = "another";`)
	if err := os.MkdirAll(filepath.Join(modules, "@ours"), 0o755); err != nil {
		t.Fatal(err)
	}
	symlink(t, filepath.Join(workspace, "packages/lib2"), filepath.Join(modules, "@ours/lib"))
	rev, err := b.Build(t.Context(), p, s)
	if err != nil || !strings.Contains(string(rev.Code), `"new"`) || !strings.Contains(string(rev.Code), `"another"`) {
		t.Fatalf("%v", err)
	}
	<-first.Done() // it may see what is no longer of this project
	if len(b.ended) > 0 {
		t.Errorf("the end of a process that was dismissed is told: %+v", <-b.ended)
	}
}

func TestAProcessReadsTheProjectOnly(t *testing.T) {
	// What the kernel refuses when nothing of ours does: modules of the test try to
	// read files that no import would be let through to.
	p := monorepo(t)
	workspace := filepath.Dir(filepath.Dir(p.Root))
	b := startBuilder(t, "bombs", script.BuilderProcessOptions{}, p.Root)
	try := func(what, path string) string {
		t.Helper()
		rev, err := b.BuildText(t.Context(), p, named(t, p, "packages"), fmt.Sprintf("import x from %q; export default x;", "reprise:"+what+path))
		if err != nil {
			t.Fatal(text(err))
		}
		return string(rev.Code)
	}
	for path, want := range map[string]string{
		p.Root + "/rates.json":                        "eur",
		workspace + "/node_modules/other/index.js":    "41",
		workspace + "/packages/lib/src/index.ts":      "lib: number",
		workspace + "/package.json":                   "workspaces",
		p.Root + "/scripts/packages/lib/package.json": "@ours/lib", // through the link, which is no reason to refuse it
	} {
		if got := try("read", path); !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
	var c confinement
	if err := json.Unmarshal(<-b.reported, &c); err != nil {
		t.Fatal(err)
	}
	if c.Landlock == 0 {
		t.Logf("NOT TESTED: this system does not confine a builder to the project: %q", c.Missing)
		return
	}
	if len(c.Allowed) > 0 {
		t.Errorf("a builder can still %q", c.Allowed)
	}
	for _, path := range []string{workspace + "/secret.txt", workspace + "/packages/private/index.ts", "/etc/passwd", "/proc/self/environ", p.Root + "/scripts/secret.txt"} {
		if got := try("read", path); !strings.Contains(got, "permission denied") || strings.Contains(got, "hunter2") {
			t.Errorf("%s can be read: %s", path, got)
		}
	}
	for path, want := range map[string]string{workspace + "/packages": "private", filepath.Dir(workspace): "permission denied", "/": "permission denied"} {
		if got := try("list", path); !strings.Contains(got, want) {
			t.Errorf("list %s: %s", path, got)
		}
	}
}

func TestManyFilesAreReadWithFewOpen(t *testing.T) {
	// A process may have 256 files open, and a bundler asks for all imports at once.
	files := map[string]string{}
	var imports strings.Builder
	for i := range 1500 {
		files[fmt.Sprintf("_parts/p%d.ts", i)] = fmt.Sprintf("export default %d;", i)
		fmt.Fprintf(&imports, "import p%d from './_parts/p%d'; globalThis.sum += p%d;\n", i, i, i)
	}
	files["many.ts"] = imports.String() + "export default 1;"
	p := writeProject(t, files)
	b := startBuilder(t, "builder", script.BuilderProcessOptions{})
	rev, err := b.Build(t.Context(), p, named(t, p, "many"))
	if err != nil {
		t.Fatal(text(err))
	}
	if len(rev.Inputs) != 1501 {
		t.Errorf("%d inputs", len(rev.Inputs))
	}
}

func inside(t *testing.T, p *script.Project, paths []string) {
	t.Helper()
	for _, path := range paths {
		if path != p.Root && !strings.HasPrefix(path, p.Root+"/") {
			t.Errorf("a build depends on %q", path)
		}
	}
}
