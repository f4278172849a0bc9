package cli

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/schedule"
	"reprise/runtime/script"
	"reprise/runtime/vm/web"
	"reprise/runtime/worker"
)

// loadScripts loads a project of these files, without watching it.
func loadScripts(t *testing.T, files map[string]string) *scripts {
	t.Helper()
	c := testConfig(t)
	for name, text := range files {
		save(t, filepath.Join(c.Dir, name), text)
	}
	project, err := script.OpenProject(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	workers := worker.New(worker.Options{Platform: web.Platform(), Modules: modules()})
	s := newScripts(c, project, script.NewBuilder(script.BuilderOptions{}), workers, noUpstreams(t), slog.New(slog.DiscardHandler))
	if err := s.registry.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func save(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestScriptSettings(t *testing.T) {
	// The engine is told what a config says of durable runs.
	s := loadScripts(t, map[string]string{
		"plain.js": `export default { run: () => 1 };`,
		"all.js": `export const config = { timeout: "7s", limits: { turnCpu: "500ms", calls: 70 }, durability: "strict", onFailure: "pause", onFailed: "plain", schedule: { cron: "0 3 * * *", timezone: "Europe/Oslo" },
			concurrency: { limit: 2, key: "input.id" }, rate: { limit: 5, per: "1 minute", key: "input.id" } };
			export default { run: () => 1, scheduled: () => 2 };`,
	})
	for name, want := range map[string]*runtime.Script{
		"plain": {Name: "plain", File: "plain.js", Handlers: []string{"run"}, Timeout: script.DefaultTimeout, Limits: call.Limits{}.OrDefaults()},
		"all": {
			Name: "all", File: "all.js", Handlers: []string{"run", "scheduled"}, Timeout: 7 * time.Second, Limits: call.Limits{TurnCPU: 500 * time.Millisecond, Calls: 70}.OrDefaults(), Strict: true, PauseOnFailure: true, OnFailed: "plain",
			Schedule:    &schedule.Spec{Cron: "0 3 * * *", Timezone: "Europe/Oslo", Name: "all"},
			Concurrency: &runtime.Concurrency{Limit: 2, Key: "input.id"}, Rate: &runtime.Rate{Limit: 5, Per: time.Minute, Key: "input.id"},
		},
	} {
		got := s.Current(name)
		if got == nil {
			state, _ := s.registry.Get(name)
			t.Fatalf("%s: %v", name, state.Err)
		}
		want.Revision = got.Revision
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		// It is the same when the revision comes back from the store.
		packed, err := s.Pack(got.Revision)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Unpack(packed)
		if diff := cmp.Diff(want, again); diff != "" || err != nil {
			t.Errorf("%s, kept (-want +got):\n%s%v", name, diff, err)
		}
		s.workers.Forget(got.Revision)
	}
}

func TestRevisionsAreKept(t *testing.T) {
	s := loadScripts(t, map[string]string{"a.js": `export default { run: () => 1 };`})
	first := s.Current("a")
	packed, err := s.Pack(first.Revision)
	if err != nil {
		t.Fatal(err)
	}
	s.workers.Hold(first.Revision) // a run begins with it

	// It can be packed as long as somebody runs it, though it serves no more.
	save(t, filepath.Join(s.project.Root, "a.js"), `export default { run: () => 2 };`)
	if err := s.registry.Load(t.Context()); err != nil || s.Current("a").Revision == first.Revision {
		t.Fatalf("%+v, %v", s.Current("a"), err)
	}
	if again, err := s.Pack(first.Revision); err != nil || string(again) != string(packed) {
		t.Errorf("the revision of a run is gone: %v", err)
	}
	s.workers.Forget(first.Revision)
	if s.workers.Hold(first.Revision) {
		t.Fatal("nobody runs it, and it is loaded")
	}

	// From its packed form it is loaded again; each Unpack needs a Forget.
	for range 2 {
		if got, err := s.Unpack(packed); err != nil || !cmp.Equal(first, got) {
			t.Fatalf("%+v, %v, want %+v", got, err, first)
		}
	}
	s.workers.Forget(first.Revision)
	if _, err := s.Pack(first.Revision); err != nil {
		t.Errorf("a revision that was unpacked can not be packed: %v", err)
	}
	s.workers.Forget(first.Revision)
	if s.workers.Hold(first.Revision) {
		t.Error("it is still loaded after as many Forgets as loads")
	}

	// What nobody runs is let go of with the next load.
	save(t, filepath.Join(s.project.Root, "a.js"), `export default { run: () => 3 };`)
	if err := s.registry.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pack(first.Revision); call.CodeOf(err) != call.CodeNotFound {
		t.Errorf("error is %v", err)
	}
	if len(s.loaded) > 2 {
		t.Errorf("%d revisions are held", len(s.loaded))
	}
	if _, err := s.Unpack(packed[:9]); call.CodeOf(err) != call.CodeStore {
		t.Errorf("damaged: %v", err)
	}
}

func TestCandidates(t *testing.T) {
	const text = "export default { run: () => 1 };\n"
	s := loadScripts(t, map[string]string{"a.js": text})
	serving := s.Current("a")

	// Another text is another revision, which is loaded and serves nobody.
	got, packed, err := s.Build(t.Context(), "a", "export default { fetch: () => 1, run: () => 2 };\n")
	if err != nil {
		t.Fatal(err)
	}
	if got.Revision == serving.Revision || !cmp.Equal(got.Handlers, []string{"run", "fetch"}) || s.Current("a") != serving {
		t.Errorf("the candidate is %+v", got)
	}
	if rev, err := script.Unpack(packed); err != nil || rev.ID != got.Revision {
		t.Errorf("packed: %+v, %v", rev, err)
	}
	s.workers.Forget(got.Revision)
	if s.workers.Hold(got.Revision) {
		t.Error("the candidate is still loaded")
	}

	// The same code with other lines does not move those of the one that serves.
	got, _, err = s.Build(t.Context(), "a", "// a comment\n\n"+text)
	if err != nil || got.Revision != serving.Revision {
		t.Fatalf("%+v, %v", got, err)
	}
	if known := s.find(got.Revision); !strings.HasPrefix(known.Sources[0].Content, "export default") {
		t.Errorf("the sources of what serves are now %q", known.Sources[0].Content)
	}
	s.workers.Forget(got.Revision)

	// Without a text it is the file as it is now.
	save(t, filepath.Join(s.project.Root, "a.js"), "export default { run: () => 5 };\n")
	if got, _, err = s.Build(t.Context(), "a", ""); err != nil || got.Revision == serving.Revision {
		t.Errorf("%+v, %v", got, err)
	}

	if _, _, err := s.Build(t.Context(), "b", "x"); call.CodeOf(err) != call.CodeNotFound {
		t.Errorf("no such script: %v", err)
	}
	for text, want := range map[string]call.Code{"export default (": call.CodeCompile, "export const config = { nope: 1 }; export default 1": call.CodeConfig, "throw new Error('top')": ""} {
		_, _, err := s.Build(t.Context(), "a", text)
		var e *call.Error
		if !errors.As(err, &e) || want != "" && e.Code != string(want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
