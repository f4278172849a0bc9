package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reprise/connections/vault"
)

func TestMasterKeySettings(t *testing.T) {
	// The variable wins over the file; the file is beside reprise.yaml and never in the data folder.
	key := strings.Repeat("ab", 32)
	c, err := load(t, "masterKeyFile: keys/a.key\n", []string{"REPRISE_MASTER_KEY=" + key})
	if err != nil || c.MasterKeyFile != filepath.Join(c.Dir, "keys", "a.key") || c.MasterKey == nil || !c.masterKey().There() {
		t.Fatalf("%q, %v", c.MasterKeyFile, err)
	}
	if c, err = load(t, "masterKeyFile: keys/a.key\n", []string{"REPRISE_MASTER_KEY_FILE=/b.key", "REPRISE_MASTER_KEY="}); err != nil || c.MasterKeyFile != "/b.key" || c.MasterKey != nil || c.masterKey().There() {
		t.Fatalf("%q, %v", c.MasterKeyFile, err)
	}
	if _, err := load(t, "masterKeyFile: .reprise/a.key\n", nil); err == nil || !strings.Contains(err.Error(), "in the data folder") {
		t.Errorf("a key among the data: %v", err)
	}
	if _, err := load(t, "", []string{"REPRISE_MASTER_KEY=" + key[1:]}); err == nil || !strings.Contains(err.Error(), "REPRISE_MASTER_KEY: it is not a master key") || strings.Contains(err.Error(), key[1:]) {
		t.Errorf("a key that lacks a letter: %v", err)
	}
}

func TestOwnKeyFile(t *testing.T) {
	// Each data folder has a key of its own, whichever way one gets there.
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	data := filepath.Join(home, "data")
	before := (&Config{Data: data}).masterKey()
	if err := os.MkdirAll(filepath.Join(home, "other"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(home, "link")
	if err := os.Symlink(data, link); err != nil {
		t.Fatal(err)
	}
	for _, same := range []string{data, link, filepath.Join(home, "other", "..", "data")} {
		if got := (&Config{Data: same}).masterKey(); got != before {
			t.Errorf("%s has another key: %v, %v", same, got, before)
		}
	}
	if got := (&Config{Data: filepath.Join(home, "other")}).masterKey(); got == before {
		t.Error("two folders share a key")
	}
	if got := (&Config{Data: home}).masterKey(); got != vault.Nowhere("the user's folder for configuration is in the data folder; say where the key is, with --master-key-file or REPRISE_MASTER_KEY") {
		t.Errorf("the key would be in the data folder: %v", got)
	}
}

func TestReadValue(t *testing.T) {
	// One line break at the end is left out, and nothing else.
	for in, want := range map[string]string{"a\n": "a", "a\r\n": "a", "a": "a", " a \n\n": " a \n", "a\rb\n": "a\rb"} {
		r := &remote{stdio: IO{In: strings.NewReader(in)}}
		if got, err := r.readValue(t.Context(), "A", ""); err != nil || string(got) != want {
			t.Errorf("%q is %q, %v", in, got, err)
		}
	}
	most := strings.Repeat("x", vault.MaxValue)
	for in, ok := range map[string]bool{most: true, most + "\n": true, most + "\r\n": true, most + "x": false, "": false, "\n": false, "c4nary\xff": false} {
		r := &remote{stdio: IO{In: strings.NewReader(in)}}
		if _, err := r.readValue(t.Context(), "A", ""); (err == nil) != ok || err != nil && strings.Contains(err.Error(), "c4nary") {
			t.Errorf("%d bytes: %v", len(in), err)
		}
	}
}

var exampleNow = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)

func TestPrintSecrets(t *testing.T) {
	var out, errs bytes.Buffer
	r := &remote{stdio: IO{Out: &out, Err: &errs}}
	if err := r.printSecrets(nil, exampleNow); err != nil || errs.String() != "there are no secrets\n" {
		t.Errorf("%q, %v", errs.String(), err)
	}
	at := exampleNow.Add(-90 * time.Minute)
	all := []vault.Secret{
		{Name: "A", Source: vault.Stored, Version: 3, SetAt: &at, Hosts: []string{"a.example.com", "*.b.example.com"}},
		{Name: "B", Source: vault.Environment},
		{Name: "C", Source: vault.Environment, Version: 1, SetAt: &at},
	}
	if err := r.printSecrets(all, exampleNow); err != nil {
		t.Fatal(err)
	}
	want := `NAME  VERSION  SET     FROM                                    HOSTS
A     3        1h ago  store                                   a.example.com, *.b.example.com
B     -        -       environment                             any
C     1        1h ago  environment, which wins over the store  any
`
	if out.String() != want {
		t.Errorf("printed:\n%s", out.String())
	}
}
