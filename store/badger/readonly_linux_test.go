package badger_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"reprise/store"
	"reprise/store/badger"
)

// readOnlyDir names the directory that the process is to open.
const readOnlyDir = "REPRISE_TEST_READ_ONLY_DIR"

// tryReadOnly opens the directory, says how that went, and ends the process.
func tryReadOnly(dir string) {
	s, err := badger.Open(badger.Options{Dir: dir})
	if err == nil {
		err = s.Close()
	}
	fmt.Fprintln(os.Stdout, err)
	os.Exit(0)
}

// A directory that may not be written to is refused in a sentence, whether there
// is something in it or not, and is as it was for who may.
func TestReadOnlyDirectory(t *testing.T) {
	if dir := os.Getenv(readOnlyDir); dir != "" {
		tryReadOnly(dir)
	}
	const nobody = 65534
	parent := t.TempDir()
	for _, name := range []string{"used", "new"} {
		dir := filepath.Join(parent, name)
		if name == "used" {
			s := mustOpen(t, badger.Options{Dir: dir})
			if _, err := s.Commit(t.Context(), store.Commit{Rows: []store.RowOp{{Table: "t", Key: "k", Value: []byte("v")}}}); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		} else if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		mode(t, dir, 0o555)
		for up := parent; up != os.TempDir() && len(up) > 1; up = filepath.Dir(up) {
			mode(t, up, 0o755) // so that somebody else gets there
		}
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestReadOnlyDirectory$")
		cmd.Env = append(os.Environ(), readOnlyDir+"="+dir)
		if os.Getuid() == 0 { // who may write anywhere
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		for _, part := range []string{"can not be written to", dir, "permission denied"} {
			if !strings.Contains(out.String(), part) || strings.Count(out.String(), "\n") != 1 {
				t.Errorf("%s: %q does not say %q", name, out.String(), part)
			}
		}
		mode(t, dir, 0o700)
		s := mustOpen(t, badger.Options{Dir: dir})
		if _, ok, err := s.Row(t.Context(), "t", "k"); err != nil || ok != (name == "used") {
			t.Errorf("%s: afterwards Row is %v, %v", name, ok, err)
		}
	}
}

func mode(t *testing.T, path string, m os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, m); err != nil {
		t.Fatal(err)
	}
}
