package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// load reads the settings of a server whose project has this reprise.yaml.
func load(t *testing.T, yaml string, environ []string, flags ...string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	if yaml != "" {
		if err := os.WriteFile(filepath.Join(dir, configFile), []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := newServe(IO{})
	if err := cmd.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(cmd, dir, environ, false)
	if err == nil {
		err = c.checkAddresses()
	}
	return c, err
}

func TestConfigPrecedence(t *testing.T) {
	// A flag wins over a variable, that over reprise.yaml, that over the default.
	c, err := load(t, "addr: 127.0.0.1:1\nadmin: 127.0.0.1:2\nlogFormat: json\nlogs:\n  retention: 2 days\nenv: {region: eu}\n",
		[]string{"REPRISE_ADDR=127.0.0.1:3", "REPRISE_ADMIN=127.0.0.1:4", "REPRISE_SECRET_KEY=abcd", "REPRISE_POLL=", "REPRISE_DATA=", ""}, "--addr", "127.0.0.1:5")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Dir: c.Dir, Addr: "127.0.0.1:5", Admin: "127.0.0.1:4", Data: filepath.Join(c.Dir, ".reprise"), LogFormat: "json",
		LogRetention: 48 * time.Hour, LogMaxBytes: 1 << 30, Env: map[string]any{"region": "eu"},
		SecretHosts: map[string][]string{}, Secrets: map[string]string{"KEY": "abcd"},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

func TestPathsOfTheFile(t *testing.T) {
	// reprise.yaml names files beside it, a flag those of the current folder.
	c, err := load(t, "tlsCert: cert.pem\ntlsKey: /etc/key.pem\n", nil)
	if err != nil || c.TLSCert != filepath.Join(c.Dir, "cert.pem") || c.TLSKey != "/etc/key.pem" {
		t.Fatalf("%q, %q, %v", c.TLSCert, c.TLSKey, err)
	}
	if c, err = load(t, "", nil, "--tls-cert", "cert.pem", "--tls-key", "key.pem"); err != nil || c.TLSCert != "cert.pem" {
		t.Fatalf("%q, %v", c.TLSCert, err)
	}
}

func TestDataFolder(t *testing.T) {
	// A command that keeps nothing still has a data folder that is not the
	// project: what is in the data folder is no script.
	cmd := newRun(IO{})
	if err := cmd.ParseFlags(nil); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(cmd, t.TempDir(), nil, true)
	if err != nil || c.Data != filepath.Join(c.Dir, ".reprise") {
		t.Fatalf("data = %q, %v", c.Data, err)
	}
}

func TestConfigErrors(t *testing.T) {
	// Each mistake is a usage error that names the place and what is expected.
	for name, tc := range map[string]struct {
		yaml, env string
		flags     []string
		want      string
	}{
		"unknown key":      {yaml: "addr: 127.0.0.1:0\nadress: x\n", want: "reprise.yaml:2:1: there is no setting \"adress\"\n   1 | addr: 127.0.0.1:0\n>  2 | adress: x\n       ^"},
		"wrong type":       {yaml: "noAdmin: maybe\n", want: "reprise.yaml:1:10: this is text; it should be true or false"},
		"syntax":           {yaml: "addr: [1\n", want: "reprise.yaml:1:7: "},
		"key twice":        {yaml: "env:\n  a: 1\n  a: 2\n", want: "reprise.yaml:3:3: "},
		"env.self":         {yaml: "env: {self: 1}\n", want: "env.self is the built-in connection"},
		"no hosts":         {yaml: "secrets: {A: {hosts: []}}\n", want: "secrets.A.hosts is empty"},
		"retention":        {yaml: "logs: {retention: soon}\n", want: "logs.retention: "},
		"variable bool":    {env: "REPRISE_NO_ADMIN=maybe", want: `REPRISE_NO_ADMIN is "maybe"; it is true or false`},
		"variable number":  {env: "REPRISE_LOG_MAX_BYTES=many", want: `REPRISE_LOG_MAX_BYTES is "many"`},
		"variable address": {env: "REPRISE_ADMIN=8081", want: `--admin is "8081"; it is host:port`},
		"address":          {flags: []string{"--addr", "127.0.0.1:99999"}, want: `--addr is "127.0.0.1:99999"`},
		"empty address":    {yaml: "addr: \"\"\n", want: `--addr is ""`},
		"data is project":  {flags: []string{"--data", "."}, want: "where the scripts are"},
		"data is scripts":  {flags: []string{"--data", "scripts"}, want: "where the scripts are"},
		"data is above":    {flags: []string{"--data", ".."}, want: "where the scripts are"},
		"negative":         {flags: []string{"--log-max-bytes", "-1"}, want: "can not be negative"},
		"format":           {flags: []string{"--log-format", "xml"}, want: "it is text or json"},
		"half a key pair":  {flags: []string{"--tls-cert", "x"}, want: "go together"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.yaml, []string{tc.env}, tc.flags...)
			var usage *usageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("err = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestMisspeltVariables(t *testing.T) {
	// A variable that was meant as a setting is not ignored; others are not ours.
	if err := checkEnv([]string{"REPRISE_ADR=:1"}); err == nil || !strings.Contains(err.Error(), "did you mean REPRISE_ADDR") {
		t.Errorf("err = %v", err)
	}
	for _, name := range []string{"REPRISE_SECRET_ADRR", "REPRISE_TOKEN", "REPRISE_BENCH_ROLE", "ADR", "REPRISE_ADDR"} {
		if err := checkEnv([]string{name + "=x"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
