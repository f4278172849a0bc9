//go:build amd64 || arm64

package proc_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"reprise/runtime/proc"
)

func init() {
	roles["bundle"] = func(c *proc.Conn, args []string) int {
		if _, err := proc.GiveUp(proc.Rights{ReadOnly: args[:1]}); err != nil {
			c.Send(1, []byte(err.Error()))
			return 1
		}
		result := api.Build(api.BuildOptions{EntryPoints: args[1:], Bundle: true, AbsWorkingDir: args[0], Format: api.FormatESModule})
		out := map[string]string{}
		for _, f := range result.OutputFiles {
			out["code"] += string(f.Contents)
		}
		for _, m := range result.Errors {
			out["errors"] += m.Text + "\n"
		}
		b, err := json.Marshal(out)
		if err != nil {
			panic(err)
		}
		c.Send(1, b)
		return 0
	}
}

func TestABundlerWorksWithTheRightsOfABuilder(t *testing.T) {
	// What it may read is enough for it, and what it may not read is not there.
	dir, other := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(dir, "package.json"):                        `{"dependencies":{"dep":"1"}}`,
		filepath.Join(dir, "tsconfig.json"):                       `{}`,
		filepath.Join(dir, "scripts", "a.ts"):                     `import d from "dep"; import { b } from "./b"; const x: number = b; export default [x, d];`,
		filepath.Join(dir, "scripts", "b.ts"):                     `export const b = 42;`,
		filepath.Join(dir, "scripts", "evil.ts"):                  `import x from "` + other + `/secret.json"; export default x;`,
		filepath.Join(dir, "node_modules", "dep", "package.json"): `{"name":"dep","main":"lib/index.js"}`,
		filepath.Join(dir, "node_modules", "dep", "lib/index.js"): `module.exports = "from the package";`,
		filepath.Join(other, "secret.json"):                       `{"key":"hunter2"}`,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bundle := func(script string) (out map[string]string) {
		p := start(t, "bundle", proc.Options{Args: []string{dir, script}})
		parse(t, receive(t, p.Conn()), &out)
		return out
	}
	if out := bundle("scripts/a.ts"); out["errors"] != "" || !strings.Contains(out["code"], "42") || !strings.Contains(out["code"], "from the package") {
		t.Errorf("%q", out)
	}
	if out := bundle("scripts/evil.ts"); out["errors"] == "" || strings.Contains(out["code"]+out["errors"], "hunter2") {
		t.Errorf("%q", out)
	}
}
