package script_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reprise/runtime/call"
	"reprise/runtime/script"
)

// kept compares what a kept revision has: not how it was built, nor where in
// the sources its config stands.
var kept = cmp.Options{
	cmpopts.IgnoreFields(script.Revision{}, "Inputs", "BuiltIn", "Warnings"),
	cmpopts.IgnoreUnexported(script.Revision{}, script.Config{}),
}

func pack(t testing.TB, rev *script.Revision) []byte {
	t.Helper()
	packed, err := rev.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// Whatever a script and its config have comes back, and the same bytes each time.
func TestPackedRevisionsComeBack(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		archive, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		input, _, _ := strings.Cut(string(archive), "-- want --\n")
		p := writeProject(t, archiveFiles(input))
		list, err := p.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			rev, err := testBuilder().Build(t.Context(), p, s)
			if err != nil {
				continue
			}
			seen++
			rev.Handlers = []string{"fetch", "run"}
			packed := pack(t, rev)
			if !bytes.Equal(packed, pack(t, rev)) {
				t.Errorf("%s of %s is packed in two ways", s.Name, file)
			}
			got, err := script.Unpack(packed)
			if err != nil {
				t.Fatalf("%s of %s: %v", s.Name, file, err)
			}
			if diff := cmp.Diff(rev, got, kept); diff != "" {
				t.Errorf("%s of %s (-built +kept):\n%s", s.Name, file, diff)
			}
		}
	}
	if seen < 15 {
		t.Fatalf("only %d scripts were packed", seen)
	}
}

// A revision that came back runs, and shows the user's lines.
func TestKeptRevisionRuns(t *testing.T) {
	rev := mustBuild(t, writeProject(t, map[string]string{
		"scripts/a.ts": "export const config = { timeout: '7s' };\n\nexport function fail(): never {\n  throw new Error('x');\n}\n",
	}), "a")
	again, err := script.Unpack(pack(t, rev))
	if err != nil {
		t.Fatal(err)
	}
	vm, ns := engine(t, again)
	if got := run(t, vm, ns, "fail"); !strings.Contains(got, "scripts/a.ts:4:9") {
		t.Errorf("stack is %s", got)
	}
	if e := again.ConfigError([]string{"timeout"}, "no"); e.Pos.File != "scripts/a.ts" {
		t.Errorf("a config error without a position: %+v", e)
	}
}

// No bit of a kept revision can change unnoticed, and none makes a panic.
func TestDamagedRevisions(t *testing.T) {
	rev := mustBuild(t, writeProject(t, map[string]string{"scripts/a.js": js(1)}), "a")
	packed := pack(t, rev)
	refused := func(what string, b []byte) {
		got, err := script.Unpack(b)
		var e *call.Error
		if !errors.As(err, &e) || e.Code != string(call.CodeStore) || !strings.Contains(e.Message, "a kept revision can not be read: ") {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	for i := range packed {
		refused("cut short", packed[:i])
		b := bytes.Clone(packed)
		b[i] ^= 0x40
		// A bit of the compression's own may say the same in another way.
		if got, err := script.Unpack(b); err != nil || cmp.Diff(rev, got, kept) != "" {
			refused("a bit is wrong", b)
		}
	}
	refused("longer", append(bytes.Clone(packed), 0))
	newer := bytes.Clone(packed)
	newer[2]++
	if _, err := script.Unpack(newer); err == nil || !strings.Contains(err.Error(), "a newer version of Reprise has kept it") {
		t.Errorf("a newer form: %v", err)
	}
	rev.ID = "0123456789ab"
	if _, err := script.Unpack(pack(t, rev)); err == nil || !strings.Contains(err.Error(), `"0123456789ab" of "a" has the content of`) {
		t.Errorf("another id: %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	dir := f.TempDir()
	write(f, filepath.Join(dir, "a.js"), js(1))
	p := openProject(f, dir)
	f.Add(pack(f, mustBuild(f, p, "a")))
	f.Add([]byte("RV\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rev, err := script.Unpack(b)
		if err != nil {
			return
		}
		again, err := script.Unpack(pack(t, rev))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rev, again, kept, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A candidate is built from text that is in no file, with the imports that are.
func TestBuildText(t *testing.T) {
	p := writeProject(t, map[string]string{
		"scripts/a.ts":    "export default () => 1;\n",
		"scripts/_lib.ts": "import self from './a';\nexport const two = (): number => self() + 1;\n",
	})
	list, err := p.List()
	if err != nil {
		t.Fatal(err)
	}
	rev, err := testBuilder().BuildText(t.Context(), p, list[0], "import { two } from './_lib';\nexport default () => 1;\nexport const check = () => two();\n")
	if err != nil {
		t.Fatal(text(err))
	}
	vm, ns := engine(t, rev)
	if got := run(t, vm, ns, "check"); got != "2" {
		t.Errorf("check() = %s", got)
	}
	if rev.ID == mustBuild(t, p, "a").ID || rev.Script != "a" || rev.File != "scripts/a.ts" {
		t.Errorf("revision %+v", rev)
	}
	if b, err := os.ReadFile(list[0].Path); err != nil || string(b) != "export default () => 1;\n" {
		t.Errorf("the file has changed: %q, %v", b, err)
	}
	_, err = testBuilder().BuildText(t.Context(), p, list[0], "\nexport default (;\n")
	if e, ok := errors.AsType[*script.BuildError](err); !ok || e.Pos.Line != 2 || !strings.Contains(e.Frame, "export default (;") {
		t.Errorf("error is %v", err)
	}
	small := script.NewBuilder(script.BuilderOptions{Limits: call.Limits{Source: 100}})
	if _, err = small.BuildText(t.Context(), p, list[0], "//"+strings.Repeat("x", 200)); err == nil || !strings.Contains(err.Error(), "sources of this script are larger") {
		t.Errorf("too much text: %v", err)
	}
	link := filepath.Join(p.Root, "scripts", "linked.ts")
	symlink(t, list[0].Path, link)
	linked := script.Script{Name: "linked", File: "scripts/linked.ts", Path: link}
	if rev, err = testBuilder().BuildText(context.WithoutCancel(t.Context()), p, linked, "export default () => 5;\n"); err != nil || !strings.Contains(string(rev.Code), "=> 5") {
		t.Errorf("through a link: %v", err)
	}
}

func BenchmarkPack(b *testing.B) {
	dir := b.TempDir()
	var text strings.Builder
	for i := range 400 {
		text.WriteString("export function f" + string(rune('a'+i%26)) + strings.Repeat("x", i%7) + "(n: number): number {\n  // a comment\n  return n * 2;\n}\n")
		if i == 0 {
			text.Reset()
		}
	}
	write(b, filepath.Join(dir, "a.js"), "export default () => 1;\nglobalThis.text = `"+text.String()+"`;\n")
	rev := mustBuild(b, openProject(b, dir), "a")
	b.Run("pack", func(b *testing.B) {
		for b.Loop() {
			pack(b, rev)
		}
	})
	packed := pack(b, rev)
	b.Run("unpack", func(b *testing.B) {
		for b.Loop() {
			if _, err := script.Unpack(packed); err != nil {
				b.Fatal(err)
			}
		}
	})
	whole := len(rev.Code) + len(rev.Map)
	for _, s := range rev.Sources {
		whole += len(s.Content)
	}
	b.Logf("%d bytes of code, map and sources are %d", whole, len(packed))
}
