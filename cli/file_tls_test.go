package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reprise/connections"
)

// aPair is a certificate and its key.
func aPair(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}))
}

func TestCertificatesOfAConnection(t *testing.T) {
	// Files are relative to the project. What is wrong with one makes a broken
	// connection, and is no mistake in reprise.yaml.
	cert, key := aPair(t)
	_, other := aPair(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"cert.pem": cert, "key.pem": key, "other.pem": other, "big.pem": strings.Repeat("x", maxPEM+1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct{ tls, broken, wrong string }{
		"files":         {tls: `{ca: cert.pem, cert: cert.pem, key: ./key.pem, minVersion: 1.3, serverName: a.example.com}`},
		"absolute":      {tls: `{ca: "` + filepath.Join(dir, "cert.pem") + `", minVersion: "1.2"}`},
		"inline":        {tls: `{ca: "${CERT}"}`},
		"a secret":      {tls: `{cert: cert.pem, key: "${secret:K}"}`},
		"missing":       {tls: `{ca: certs/ca.pem, cert: cert.pem, key: none.pem}`, broken: "tls.ca: certs/ca.pem can not be read: no such file or directory; tls.key: none.pem can not be read: no such file or directory"},
		"a folder":      {tls: `{ca: .}`, broken: "tls.ca: . can not be read: is a directory"},
		"large":         {tls: `{ca: big.pem}`, broken: "tls.ca: big.pem can not be read: it has more than 1048576 bytes"},
		"another's key": {tls: `{cert: cert.pem, key: other.pem}`, broken: "tls.key: other.pem is not the key of the certificate in tls.cert"},
		"no key":        {tls: `{cert: cert.pem}`, broken: "tls.cert is set and tls.key is not; they go together"},
		"version":       {tls: `{minVersion: 1.1}`, wrong: "connections.x.tls.minVersion: it is 1.1; it can be 1.2 or 1.3"},
		"secret cert":   {tls: `{ca: "${secret:X}"}`, wrong: "connections.x.tls.ca: certificates are no secrets"},
		"secret name":   {tls: `{cert: cert.pem, key: "${secret:a b}"}`, wrong: `"a b" can not be the name of a secret`},
		"unknown":       {tls: `{insecure: true}`, wrong: `there is no setting "insecure"`},
	} {
		t.Run(name, func(t *testing.T) {
			save(t, filepath.Join(dir, configFile), "connections:\n  x: {baseURL: \"https://a\", tls: "+tc.tls+"}\n")
			c, err := loadIn(t, dir, []string{"CERT=" + strings.ReplaceAll(cert, "\n", `\n`)})
			if tc.wrong != "" {
				var usage *usageError
				if !errors.As(err, &usage) || !strings.Contains(err.Error(), tc.wrong) {
					t.Fatalf("err = %v, want %s", err, tc.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Connections[0].Broken; got != tc.broken {
				t.Errorf("broken: %s\nwant:   %s", got, tc.broken)
			}
		})
	}
}

func TestABrokenConnectionIsMended(t *testing.T) {
	// It does not keep the server from starting, nor the others from being live. It
	// is there as soon as its file is, and a file that goes bad changes nothing.
	dir := t.TempDir()
	cert, _ := aPair(t)
	ca := filepath.Join(dir, "ca.pem")
	save(t, filepath.Join(dir, configFile), "connections:\n  x: {baseURL: \"https://a\", tls: {ca: ca.pem}}\n  y: {baseURL: \"http://b\"}\n")
	read := func() (*Config, error) {
		return loadIn(t, dir, nil, "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "0", "--data", filepath.Join(dir, ".reprise"))
	}
	c, err := read()
	if err != nil {
		t.Fatal(err)
	}
	out := once(t, c, appOptions{reread: read}, func(a *app) {
		step := func(text, want string) {
			t.Helper()
			before := a.configState()
			save(t, ca, text)
			if a.configState() == before {
				t.Error("the file is not looked at")
			}
			a.reconfigure()
			if got := stateOf(a, "x").Broken; got != want {
				t.Errorf("broken: %q, want %q", got, want)
			}
		}
		if got := stateOf(a, "x").Broken; got != "tls.ca: ca.pem can not be read: no such file or directory" || stateOf(a, "y").Broken != "" {
			t.Errorf("broken: %q", got)
		}
		step(cert, "")
		step("half a certif", "")
		step(cert+cert, "")
	})
	for _, want := range []string{
		"connections.x: it can not be used: tls.ca: ca.pem can not be read",
		"connections.x: it stays as it was: tls.ca: ca.pem has no certificate",
	} {
		if strings.Count(out, want) != 1 {
			t.Errorf("the log does not say %q once:\n%s", want, out)
		}
	}
}

func stateOf(a *app, name string) connections.State {
	for _, s := range a.upstreams.States() {
		if s.Name == name {
			return s
		}
	}
	return connections.State{}
}
