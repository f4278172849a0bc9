package cli

import (
	"path/filepath"
	"strings"
	"testing"
)

// testConfig is a server of an empty project on free ports.
func testConfig(t *testing.T) *Config {
	t.Helper()
	dir := t.TempDir()
	return &Config{Dir: dir, Addr: "127.0.0.1:0", Admin: "127.0.0.1:0", Data: filepath.Join(dir, ".reprise"), LogFormat: "text"}
}

func TestStartFails(t *testing.T) {
	// A start that fails says why and takes back what it had begun.
	c := testConfig(t)
	first, err := startApp(t.Context(), c, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("data folder in use", func(t *testing.T) {
		_, err := startApp(t.Context(), c, appOptions{})
		if err == nil || !strings.Contains(err.Error(), "is in use by process") {
			t.Fatalf("err = %v", err)
		}
	})
	t.Run("address in use", func(t *testing.T) {
		other := testConfig(t)
		other.Admin = first.server.Addr()
		_, err := startApp(t.Context(), other, appOptions{})
		if err == nil || !strings.Contains(err.Error(), "choose another address with --admin") {
			t.Fatalf("err = %v", err)
		}
		if strings.Contains(err.Error(), "closed network connection") {
			t.Fatalf("the listener of the script origin was closed twice: %v", err)
		}
	})
	if err := first.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := startApp(t.Context(), c, appOptions{})
	if err != nil {
		t.Fatalf("the data folder is still held: %v", err)
	}
	if err := again.close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
