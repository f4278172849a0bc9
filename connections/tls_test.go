package connections_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"reprise/connections"
)

// selfSigned makes a certificate and its key.
func selfSigned(t *testing.T) (cert, key string) {
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

func TestWhatIsWrongWithCertificates(t *testing.T) {
	// Each says which setting and which file it is about.
	cert, key := selfSigned(t)
	_, other := selfSigned(t)
	broken := "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	locked := "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
	old := "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
	file := func(text string) connections.PEM { return connections.PEM{Text: text, File: "some.pem"} }
	for name, tc := range map[string]struct {
		tls  connections.TLS
		want string // empty: it is right
	}{
		"all":                  {connections.TLS{CA: file(cert + cert), Cert: file(cert), Key: file(key)}, ""},
		"in one line":          {connections.TLS{Cert: file(strings.ReplaceAll(cert, "\n", `\n`)), Key: file(strings.ReplaceAll(key, "\n", `\n`))}, ""},
		"nothing":              {connections.TLS{}, ""},
		"a secret":             {connections.TLS{Cert: file(cert), Key: file("${secret:K}")}, ""},
		"a secret alone":       {connections.TLS{Key: file("${secret:K}")}, "tls.key is set and tls.cert is not"},
		"a secret, no cert":    {connections.TLS{Cert: file("x"), Key: file("${secret:K}")}, "tls.cert: some.pem has no certificate in PEM form"},
		"no key":               {connections.TLS{Cert: file(cert)}, "tls.cert is set and tls.key is not"},
		"no cert":              {connections.TLS{Key: file(key)}, "tls.key is set and tls.cert is not"},
		"ca is text":           {connections.TLS{CA: file("hello")}, "tls.ca: some.pem has no certificate in PEM form"},
		"ca is a key":          {connections.TLS{CA: file(key)}, "tls.ca: some.pem has no certificate in PEM form (-----BEGIN CERTIFICATE-----); what it has is: EC PRIVATE KEY"},
		"ca is broken":         {connections.TLS{CA: file(cert + broken)}, "tls.ca: some.pem: its certificate 2 can not be read"},
		"cert is broken":       {connections.TLS{Cert: file(broken), Key: file(key)}, "tls.cert: some.pem: its certificate 1 can not be read"},
		"the two are swapped":  {connections.TLS{Cert: file(key), Key: file(cert)}, "tls.cert: some.pem has no certificate"},
		"key is a certificate": {connections.TLS{Cert: file(cert), Key: file(cert)}, "tls.key: some.pem has no private key in PEM form (-----BEGIN PRIVATE KEY-----); what it has is: CERTIFICATE"},
		"key is encrypted":     {connections.TLS{Cert: file(cert), Key: file(locked)}, "tls.key: some.pem has a key that is encrypted"},
		"as it once was":       {connections.TLS{Cert: file(cert), Key: file(old)}, "tls.key: some.pem has a key that is encrypted"},
		"another's key":        {connections.TLS{Cert: file(cert), Key: file(other)}, "tls.key: some.pem is not the key of the certificate in tls.cert"},
	} {
		err := tc.tls.Check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	if _, err := connections.NewSet(connections.Upstream{Name: "x", BaseURL: "http://a", TLS: &connections.TLS{}}); err == nil || !strings.Contains(err.Error(), "https://") {
		t.Errorf("TLS without https: %v", err)
	}
}
