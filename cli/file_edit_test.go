package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

func TestAConnectionIsAddedAndNothingElseChanges(t *testing.T) {
	// Comments, order, quotes and indentation stay; what can not be added to safely
	// is not touched. Each case of the file is its flags, what was and what is then.
	a, err := txtar.ParseFile("testdata/file_edit.txtar")
	if err != nil {
		t.Fatal(err)
	}
	entry := yaml.MapSlice{{Key: "baseURL", Value: "https://a.example.com"}, {Key: "auth", Value: yaml.MapSlice{{Key: "bearer", Value: "${secret:CRM_KEY}"}}}}
	for i := 0; i+1 < len(a.Files); i += 2 {
		before, after := a.Files[i], a.Files[i+1]
		t.Run(before.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "reprise.yaml")
			if !strings.HasSuffix(before.Name, "no file") {
				if err := os.WriteFile(path, before.Data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := withConnection(path, "crm", entry, strings.HasPrefix(before.Name, "force"))
			if err != nil {
				got = []byte(strings.SplitN(strings.ReplaceAll(err.Error(), path, "reprise.yaml"), "\n", 2)[0] + "\n")
			}
			if diff := cmp.Diff(string(after.Data), string(got)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		})
	}
}

// endless is a description that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestADescriptionHasALimit(t *testing.T) {
	// A server that goes on and on does not fill the memory.
	if _, err := bounded("https://a.example.com", endless{}); err == nil || !strings.Contains(err.Error(), "more than 32 MiB") {
		t.Fatal(err)
	}
}
