package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// rooms says which of our packages a room may import (DESIGN: "Who may import
// whom"). A room also imports itself and its own sub-rooms. The reason is what
// the failure says.
var rooms = []struct {
	room   string
	may    []string
	reason string
}{
	{"runtime/call", nil, "call is a leaf: everyone shares its words"},
	{"runtime/proc", nil, "proc is a leaf: it carries frames and knows no meaning"},
	{"stdlib", nil, "stdlib is embedded text"},
	{"store", []string{"runtime/call"}, "store is the seam; it knows no runs"},
	{"runtime/journal", []string{"runtime/call"}, "the journal is records and a cursor"},
	{"runtime/schedule", []string{"runtime/call"}, "when a cron expression fires is arithmetic; call has the did-you-mean"},
	{"runtime/scheduler", []string{"runtime/schedule"}, "when runs are due, and not what they are; it is given functions"},
	{"runtime/blobs", []string{"runtime/call", "store"}, "a keeper of bytes knows no runs"},
	{"runtime/vm", []string{"runtime/call", "runtime/journal", "runtime/script/unicodeclass"}, "the VM does no I/O and knows no host"},
	{"runtime/worker", []string{"runtime/vm", "runtime/call", "runtime/proc"}, "a worker holds VMs and nothing else"},
	{"runtime/script", []string{"runtime/call", "runtime/proc", "runtime/schedule", "stdlib"}, "building a script must not need a VM or a store"},
	{"runtime/logs", []string{"runtime/call", "store"}, "logs are apart from runs"},
	{"runtime", []string{"runtime/worker", "runtime/script", "runtime/logs", "runtime/journal", "runtime/schedule", "runtime/scheduler", "runtime/blobs", "runtime/call", "store"}, "the engine knows the Binding interface, not the list"},
	{"connections/openapi", nil, "a description is text, and so is what is made of it"},
	{"connections", []string{"runtime/call", "store"}, "upstreams do not know who calls them"},
	{"bindings", []string{"runtime/vm", "runtime/call", "store", "connections"}, "a binding performs calls; it must not know the engine"},
	{"server", []string{"runtime", "runtime/script", "runtime/worker", "runtime/logs", "runtime/call", "connections", "store"}, "HTTP in and out; the VM is behind the engine"},
	{"scripts", nil, "examples are data"},
}

// owners says which packages may import a heavy dependency.
var owners = map[string][]string{
	"github.com/dop251/goja":              {"runtime/vm", "runtime/worker", "bindings", "runtime/script", "cli"},
	"github.com/evanw/esbuild":            {"runtime/script"},
	"github.com/fsnotify/fsnotify":        {"runtime/script"},
	"github.com/go-resty/resty":           {"bindings/httpbind"},
	"github.com/dgraph-io/badger":         {"store/badger"},
	"github.com/gorilla/websocket":        {"server"},
	"github.com/danielgtaylor/huma":       {"server"},
	"github.com/spf13/cobra":              {"cli"},
	"github.com/knadh/koanf":              {"cli"},
	"github.com/prometheus/client_golang": {"server"},
	"github.com/getkin/kin-openapi":       {"connections/openapi"},
	"github.com/netresearch/go-cron":      {"runtime/schedule"},
	"github.com/pquerna/cachecontrol":     {"connections/cache"},
	"github.com/landlock-lsm/go-landlock": {"runtime/proc"},
	"golang.org/x/net/bpf":                {"runtime/proc"},
	"github.com/zitadel/oidc":             {"tests alone: it is a provider to log in at"},
	"github.com/go-jose/go-jose":          {"tests alone: the program has jwx"},
}

type source struct {
	dir, path string
	test      bool
	file      *ast.File
}

// sources parses every Go file of the house up to its imports.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, source{dir: filepath.ToSlash(filepath.Dir(path)), path: path, test: strings.HasSuffix(path, "_test.go"), file: f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("only %d Go files found", len(out))
	}
	return out
}

func within(dir, room string) bool { return dir == room || strings.HasPrefix(dir, room+"/") }

func TestImportsStayInTheirRooms(t *testing.T) {
	// Every import between rooms is one the design draws.
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, room := range rooms {
			if !within(s.dir, room.room) {
				continue
			}
			for _, spec := range s.file.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				imported, ours := strings.CutPrefix(path, "reprise/")
				if !ours || within(imported, room.room) || allowed(imported, room.may) {
					continue
				}
				t.Errorf("%s imports %s: %s", s.path, imported, room.reason)
			}
			break // the first room that fits is the narrowest
		}
	}
}

func allowed(imported string, may []string) bool {
	for _, m := range may {
		// The engine's own package is meant exactly; other rooms with their sub-rooms.
		if imported == m || m != "runtime" && within(imported, m) {
			return true
		}
	}
	return false
}

func TestHeavyDependenciesHaveOneOwner(t *testing.T) {
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			for dep, rooms := range owners {
				if !within(path, dep) || s.test || allowed(s.dir, rooms) {
					continue
				}
				t.Errorf("%s imports %s, which belongs to %s", s.path, path, strings.Join(rooms, ", "))
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	// A newcomer reads doc.go first.
	documented := map[string]bool{}
	packages := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		packages[s.dir] = true
		if s.file.Doc != nil && len(s.file.Doc.Text()) > 40 {
			documented[s.dir] = true
		}
	}
	for dir := range packages {
		if !documented[dir] {
			t.Errorf("%s has no package comment; write %s/doc.go", dir, dir)
		}
	}
}

// skips finds tests that skip themselves. A fuzz target returns from an input that
// is none of its own.
var skips = regexp.MustCompile(`\b[tbf]\.(Skip|Skipf|SkipNow)\(`)

func TestNothingIsSkipped(t *testing.T) {
	// A test that is skipped proves nothing.
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		text, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		if at := skips.Find(text); at != nil {
			t.Errorf("%s skips a test: %s", s.path, at)
		}
	}
}
