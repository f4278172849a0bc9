package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"reprise/runtime"
	"reprise/runtime/script"
	"reprise/runtime/worker"
	"reprise/store"
	"reprise/store/badger"
)

// once starts the program, has something done, and ends it. It returns what
// the terminal showed.
func once(t *testing.T, c *Config, o appOptions, do func(a *app)) string {
	t.Helper()
	var out bytes.Buffer
	o.show, o.choose = &out, everything
	a, err := startApp(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	if do != nil {
		do(a)
	}
	if err := a.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// inStore does something to the store of a program that does not run.
func inStore(t *testing.T, c *Config, do func(ctx context.Context, s store.Store) error) {
	t.Helper()
	s, err := badger.Open(badger.Options{Dir: filepath.Join(c.Data, "store")})
	if err != nil {
		t.Fatal(err)
	}
	if err := do(t.Context(), s); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(table, key string, value []byte) func(context.Context, store.Store) error {
	return func(ctx context.Context, s store.Store) error {
		_, err := s.Commit(ctx, store.Commit{Rows: []store.RowOp{{Table: table, Key: key, Value: value}}})
		return err
	}
}

var watching = appOptions{watch: true}

// What served last is in the store, and serves if the file is broken; the log
// says why it does not where it can not.
func TestWhatServedLast(t *testing.T) {
	for name, tc := range map[string]struct {
		meanwhile func(last runtime.Served) func(context.Context, store.Store) error
		says      string // why it can not serve; empty if it can
	}{
		"nothing happens": {nil, ""},
		"another engine": {func(last runtime.Served) func(context.Context, store.Store) error {
			last.Engine = worker.Engine + 98
			value, err := json.Marshal(last)
			if err != nil {
				t.Fatal(err)
			}
			return put("scripts.served", "a", value)
		}, fmt.Sprintf("it was served by another version of Reprise, with engine %d", worker.Engine+98)},
		"the revision is lost": {func(last runtime.Served) func(context.Context, store.Store) error {
			return put("revisions", last.Revision, nil)
		}, "is not in the store"},
		"its bytes are lost": {func(last runtime.Served) func(context.Context, store.Store) error {
			return put("revisions", last.Revision, make([]byte, 32))
		}, "there is no such payload"},
		"the row is damaged": {func(runtime.Served) func(context.Context, store.Store) error {
			return put("scripts.served", "a", []byte("{"))
		}, "-"},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t)
			file := filepath.Join(c.Dir, "a.js")
			save(t, file, `export default { run: () => "works" };`)
			var first script.State
			once(t, c, watching, func(a *app) { first, _ = a.scripts.registry.Get("a") })
			inStore(t, c, func(ctx context.Context, s store.Store) error {
				served, err := runtime.ReadServed(ctx, s)
				last := served["a"]
				if len(served) != 1 || last.Revision != first.Revision.ID || !last.Since.Equal(first.LoadedAt) || last.Engine != worker.Engine {
					t.Errorf("kept: %+v", served)
				}
				if err == nil && tc.meanwhile != nil {
					err = tc.meanwhile(last)(ctx, s)
				}
				return err
			})
			save(t, file, `export default {`)
			var state script.State
			var run runtime.Run
			var refused error
			text := once(t, c, watching, func(a *app) {
				state, _ = a.scripts.registry.Get("a")
				run, _, refused = a.engine.Start(t.Context(), runtime.StartRequest{Script: "a"})
				if refused == nil {
					run, refused = a.awaitEnd(t.Context(), run.ID)
				}
			})
			const instead = "which served last, can not serve instead: "
			if tc.says != "" {
				if state.Status != script.Broken || refused == nil || strings.Contains(text, "goes on serving") {
					t.Errorf("%+v, %v\n%s", state, refused, text)
				}
				if says := strings.Contains(text, instead) && strings.Contains(text, tc.says); says != (tc.says != "-") {
					t.Errorf("the terminal shows\n%s", text)
				}
				return
			}
			if state.Status != script.Stale || state.Revision.ID != first.Revision.ID || !state.LoadedAt.Equal(first.LoadedAt) || string(run.Output) != `"works"` {
				t.Errorf("%+v, %+v, %v", state, run, refused)
			}
			want := "a: the file does not load; revision " + first.Revision.ID + " of " + first.LoadedAt.UTC().Format("2006-01-02 15:04:05 UTC") + ", which served last, goes on serving: "
			if strings.Count(text, want) != 1 || strings.Contains(text, instead) {
				t.Errorf("the terminal shows\n%s", text)
			}
		})
	}
}

func TestOneRunKeepsNothingOfWhatServes(t *testing.T) {
	// "reprise run --data" is about the file as it is: it does not fall back, and
	// does not change what does.
	c := testConfig(t)
	file := filepath.Join(c.Dir, "a.js")
	save(t, file, `export default { run: () => 1 };`)
	var first string
	once(t, c, watching, func(a *app) { first = a.scripts.Current("a").Revision })
	kept := func(want map[string]string) {
		t.Helper()
		inStore(t, c, func(ctx context.Context, s store.Store) error {
			served, err := runtime.ReadServed(ctx, s)
			if len(served) != len(want) || served["a"].Revision != want["a"] {
				t.Errorf("kept: %+v, want %v", served, want)
			}
			return err
		})
	}
	save(t, file, `export default { run: () => 2 };`)
	save(t, filepath.Join(c.Dir, "b.js"), `export default { run: () => 3 };`)
	once(t, c, appOptions{}, nil)
	kept(map[string]string{"a": first})
	save(t, file, `export default {`)
	once(t, c, appOptions{}, func(a *app) {
		if s, _ := a.scripts.registry.Get("a"); s.Status != script.Broken {
			t.Errorf("the state of a broken file is %+v", s)
		}
	})
	kept(map[string]string{"a": first})
}
