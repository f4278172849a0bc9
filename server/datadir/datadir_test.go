package datadir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
)

func TestTokenIsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	first, err := LoadToken(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9A-Za-z]{43}$`).MatchString(first) {
		t.Errorf("token is %q", first)
	}
	info, err := os.Stat(filepath.Join(dir, TokenFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
	if again, err := LoadToken(dir); err != nil || again != first {
		t.Errorf("the second start has token %q, %v", again, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	other, err := LoadToken(t.TempDir())
	if err != nil || other == first {
		t.Errorf("two directories share a token, %v", err)
	}
}

// Two programs that start at once agree on one token.
func TestTokenRace(t *testing.T) {
	dir := t.TempDir()
	tokens := make([]string, 8)
	var wg sync.WaitGroup
	for i := range tokens {
		wg.Go(func() {
			var err error
			if tokens[i], err = LoadToken(dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, token := range tokens {
		if token != tokens[0] {
			t.Fatalf("different tokens: %v", tokens)
		}
	}
}

func TestTokenFileIsClosedToOthers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, TokenFile)
	if err := os.WriteFile(path, []byte("a-token-of-my-own-making\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if token, err := LoadToken(dir); err != nil || token != "a-token-of-my-own-making" {
		t.Errorf("token is %q, %v", token, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
}

func TestTokenFileWithoutToken(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{"", "short", "two words are not a token"} {
		if err := os.WriteFile(filepath.Join(dir, TokenFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if token, err := LoadToken(dir); err == nil {
			t.Errorf("%q gives the token %q", content, token)
		}
	}
}

func TestInfo(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadInfo(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	want := Info{Addr: "127.0.0.1:8080", Admin: "127.0.0.1:8081", PID: 7, AdminURL: "http://127.0.0.1:8081"}
	if err := WriteInfo(dir, want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadInfo(dir); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := RemoveInfo(dir, 8); err != nil {
		t.Error(err)
	}
	if _, err := ReadInfo(dir); err != nil {
		t.Error("another process removed it")
	}
	if err := RemoveInfo(dir, 7); err != nil {
		t.Error(err)
	}
	if _, err := ReadInfo(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if err := RemoveInfo(dir, 7); err != nil {
		t.Errorf("removing it again: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, InfoFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadInfo(dir); err == nil {
		t.Error("a damaged file is read")
	}
}
