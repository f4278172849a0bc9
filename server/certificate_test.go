package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key, 1)
	f := newFixture(t, func(o *Options) { o.TLSCert, o.TLSKey = cert, key })
	f.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	if !strings.HasPrefix(f.ScriptsURL(), "https://") || !strings.HasPrefix(f.AdminURL(), "http://") {
		t.Errorf("URLs are %s and %s", f.ScriptsURL(), f.AdminURL())
	}
	resp, err := f.http.Get(f.ScriptsURL() + "/hello")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 || resp.TLS.PeerCertificates[0].SerialNumber.Int64() != 1 {
		t.Errorf("%s %s", resp.Status, resp.Proto)
	}
	// Scripts reach each other without the certificate's name.
	if !strings.HasPrefix(f.SelfURL(), "http://127.0.0.1:") {
		t.Errorf("scripts call each other at %s", f.SelfURL())
	}
	resp, err = http.Get(f.SelfURL() + "/hello")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("self: %s", resp.Status)
	}
}

// A renewed certificate is served without a restart; a bad one is not.
func TestCertificateFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, certFile, keyFile, 1)
	c, err := loadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	serial := func() int64 {
		t.Helper()
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.Int64()
	}
	writeCertificate(t, certFile, keyFile, 2)
	if got := serial(); got != 1 {
		t.Errorf("looked at too soon: %d", got)
	}
	now = now.Add(certificateCheck)
	if got := serial(); got != 2 {
		t.Errorf("the renewed one is not served: %d", got)
	}
	if err := os.WriteFile(certFile, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateCheck)
	if got := serial(); got != 2 {
		t.Errorf("a bad file took the place: %d", got)
	}
	writeCertificate(t, certFile, keyFile, 3)
	now = now.Add(certificateCheck)
	if got := serial(); got != 3 {
		t.Errorf("it did not recover: %d", got)
	}
}

func TestTLSNeedsBothFiles(t *testing.T) {
	for _, o := range []Options{{TLSCert: "x"}, {TLSKey: "x"}, {TLSCert: "/nope/cert", TLSKey: "/nope/key"}} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "--tls-cert") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func writeCertificate(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		// Equal times and sizes would hide the change, as they do within a tick
		// of the file system's clock.
		stamp := time.Unix(1_700_000_000+serial, 0)
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
}
