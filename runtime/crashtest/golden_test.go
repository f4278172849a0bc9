package crashtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rogpeppe/go-internal/txtar"

	"reprise/runtime"
	"reprise/runtime/journal"
	"reprise/runtime/script"
	"reprise/store"
	"reprise/store/storetest"
)

var update = flag.Bool("update", false, "write the golden journals anew")

// A golden journal is kept in two forms. journals/NAME.txt is how an example run
// reads today; it changes with the examples and with what a journal says.
// journals/NAME.txtar is a journal as some Reprise wrote it: the revision that it
// belongs to, its records and its payloads. That must replay for ever: it is
// written when there is none, and -update leaves it alone.
const journals = "../testdata/journals"

const (
	dumpExt = ".txt"
	rawExt  = ".txtar"
)

// askKeys are different in every store.
var askKeys = regexp.MustCompile(`\?key=[0-9a-f]+`)

// old lists, beside the examples, the runs whose journals must replay for ever.
var old = []string{"race", "steps", "timers", "signals", "ask", "children", "continue", "counters", "errors", "retries", "cancel", "held", "generators"}

func TestGoldenJournals(t *testing.T) {
	// The journals of the example runs read as they did.
	for _, s := range examples {
		t.Run(s.name, func(t *testing.T) {
			dump, archive := journalOf(t, &s)
			compareFile(t, filepath.Join(journals, s.name+dumpExt), dump, *update)
			writeOnce(t, s.name, archive)
		})
	}
	for _, s := range nasty {
		if *update && slices.Contains(old, s.name) {
			_, archive := journalOf(t, &s)
			writeOnce(t, s.name, archive)
		}
	}
}

// writeOnce writes a journal that there is not yet.
func writeOnce(t *testing.T, name string, archive []byte) {
	t.Helper()
	raw := filepath.Join(journals, name+rawExt)
	if _, err := os.Stat(raw); *update && os.IsNotExist(err) {
		compareFile(t, raw, archive, true)
	}
}

func compareFile(t *testing.T, name string, text []byte, write bool) {
	t.Helper()
	if write {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n")), text) {
		t.Errorf("%s has\n%s\nand the journal is\n%s\nIf that is meant: go test ./runtime/crashtest -run Golden -update", name, want, text)
	}
}

// journalOf runs an example and returns its journal in both forms.
func journalOf(t *testing.T, s *scenario) (dump, archive []byte) {
	t.Helper()
	rev := theLab(t).sources[s.script]
	packed, err := rev.Pack()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		kept := newMemory()
		f := storetest.NewFaults(kept)
		w := newWorld(t, s)
		w.life(f, nil)
		records, err := kept.Journal(t.Context(), w.run, 0)
		if err != nil {
			t.Fatal(err)
		}
		text, err := journal.Dump(records, nil, journal.DumpOptions{Stable: true})
		if err != nil {
			t.Fatal(err)
		}
		dump = askKeys.ReplaceAll([]byte(text), []byte("?key=KEY"))
		row, _, err := kept.Row(t.Context(), "runs", w.run)
		if err != nil {
			t.Fatal(err)
		}
		a := &txtar.Archive{Comment: []byte("A run of " + s.script + " as it was recorded. Do not write this file anew: what it holds must replay.\n")}
		add := func(name string, b ...[]byte) {
			var text strings.Builder
			for _, b := range b {
				text.WriteString(base64.StdEncoding.EncodeToString(b) + "\n")
			}
			a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text.String())})
		}
		add("run", []byte(w.run))
		add("row", row)
		add("records", records...)
		add("revision", packed)
		archive = txtar.Format(a)
	})
	return dump, archive
}

func TestOldJournalsReplay(t *testing.T) {
	// What an older version recorded replays to the end that it had.
	files, err := filepath.Glob(filepath.Join(journals, "*"+rawExt))
	if err != nil || len(files) < len(examples)+len(old) {
		t.Fatalf("%d journals for %d runs, %v; go test ./runtime/crashtest -run Golden -update", len(files), len(examples)+len(old), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { replayFile(t, file) })
	}
}

func replayFile(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][][]byte{}
	for _, f := range a.Files {
		for line := range strings.FieldsSeq(string(f.Data)) {
			b, err := base64.StdEncoding.DecodeString(line)
			if err != nil {
				t.Fatal(err)
			}
			parts[f.Name] = append(parts[f.Name], b)
		}
	}
	rev, err := script.Unpack(parts["revision"][0])
	if err != nil {
		t.Fatal(err)
	}
	l := newLab() // with this revision and no other
	if err := l.load(rev); err != nil {
		t.Fatal(err)
	}
	run := string(parts["run"][0])
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		commit := store.Commit{Run: run, Appends: parts["records"], Rows: []store.RowOp{{Table: "runs", Key: run, Value: parts["row"][0]}}}
		if _, err := s.Commit(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
		e, http, err := l.engine(t.Context(), s, newUpstream(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer http.Close()
		r, err := e.Get(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		report, err := e.Replay(t.Context(), run, runtime.ReplayRequest{})
		// A run that continueAs ended, or a cancel, leaves its handler where it was.
		settled := r.Successor == "" && r.Status == runtime.Succeeded
		if err != nil || report.Result == "diverges" || settled && (report.Result != "same" || !bytes.Equal(report.Output, r.Output)) {
			t.Errorf("the replay: %s %s, %+v, %v; it ended with %s", report.Result, report.Output, report.Divergence, err, r.Output)
		}
		if err := e.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}
