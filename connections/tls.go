package connections

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// TLS is what a connection says of its TLS, where the usual does not do.
type TLS struct {
	// CA has the certificates of the authorities that the upstream's is checked
	// against, instead of those of the system; empty: the system's.
	CA PEM
	// Cert is the certificate that the server shows, with those in between, and
	// Key its private key, which may be ${secret:NAME}. Both or none.
	Cert, Key PEM
	// MinVersion is the oldest version of TLS; 0 means 1.2.
	MinVersion uint16
	// ServerName is what the upstream's certificate is for, if not for the host
	// of the base URL.
	ServerName string
}

// PEM is a text in PEM form, and the file that it was read from, if it was.
type PEM struct{ Text, File string }

// name is what a message calls the text.
func (p PEM) name(field string) string {
	if p.File != "" {
		return field + ": " + p.File
	}
	return field + ": the text"
}

// secret reports whether the text is only known when a call is made.
func (p PEM) secret() bool { return strings.Contains(p.Text, "${secret:") }

// Files are those that were read.
func (t *TLS) Files() (out []string) {
	for _, p := range []PEM{t.CA, t.Cert, t.Key} {
		if p.File != "" {
			out = append(out, p.File)
		}
	}
	return out
}

// Check reports what can not be right: a sentence that names the setting and the
// file. A key that is a secret is looked at when it is used.
func (t *TLS) Check() error {
	probe := *t
	if t.Key.secret() {
		if t.Cert.Text == "" {
			return fmt.Errorf("tls.key is set and tls.cert is not; they go together")
		}
		if err := certificates(t.Cert, "tls.cert", nil); err != nil {
			return err
		}
		probe.Cert, probe.Key = PEM{}, PEM{}
	}
	_, err := probe.Config()
	return err
}

// Config is the client side of it. The key is in clear. Errors are sentences
// that name the setting and the file, and have nothing of what is in it.
func (t *TLS) Config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.MinVersion != 0 {
		c.MinVersion = t.MinVersion
	}
	if t.CA.Text != "" {
		c.RootCAs = x509.NewCertPool()
		if err := certificates(t.CA, "tls.ca", c.RootCAs); err != nil {
			return nil, err
		}
	}
	switch {
	case t.Cert.Text == "" && t.Key.Text == "":
		return c, nil
	case t.Key.Text == "":
		return nil, fmt.Errorf("tls.cert is set and tls.key is not; they go together")
	case t.Cert.Text == "":
		return nil, fmt.Errorf("tls.key is set and tls.cert is not; they go together")
	}
	pair, err := t.pair()
	if err != nil {
		return nil, err
	}
	// The upstream may list authorities that it did not mean to: what the operator
	// set is shown all the same.
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return c, nil
}

func (t *TLS) pair() (tls.Certificate, error) {
	if err := certificates(t.Cert, "tls.cert", nil); err != nil {
		return tls.Certificate{}, err
	}
	key := lines(t.Key.Text)
	if err := privateKey(t.Key, key); err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair([]byte(lines(t.Cert.Text)), []byte(key))
	switch {
	case err == nil:
		return pair, nil
	case strings.Contains(err.Error(), "does not match"):
		return pair, fmt.Errorf("%s is not the key of the certificate in tls.cert", t.Key.name("tls.key"))
	}
	return pair, fmt.Errorf("%s and tls.cert can not be used together: %w", t.Key.name("tls.key"), err)
}

// privateKey says why a text has no key that can be used.
func privateKey(p PEM, text string) error {
	found := blocks(text)
	for _, b := range found {
		switch {
		case b.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED"):
			return fmt.Errorf("%s has a key that is encrypted; decrypt it (openssl pkey -in FILE), and keep it as a secret: ${secret:NAME}", p.name("tls.key"))
		case strings.HasSuffix(b.Type, "PRIVATE KEY"):
			return nil
		}
	}
	return fmt.Errorf("%s has no private key in PEM form (-----BEGIN PRIVATE KEY-----)%s", p.name("tls.key"), instead(found))
}

// certificates puts the certificates of a text into pool, if there is one, and
// says why the text has none.
func certificates(p PEM, field string, pool *x509.CertPool) error {
	found, n := blocks(lines(p.Text)), 0
	for _, b := range found {
		if b.Type != "CERTIFICATE" {
			continue
		}
		n++
		cert, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return fmt.Errorf("%s: its certificate %d can not be read: %w", p.name(field), n, err)
		}
		if pool != nil {
			pool.AddCert(cert)
		}
	}
	if n == 0 {
		return fmt.Errorf("%s has no certificate in PEM form (-----BEGIN CERTIFICATE-----)%s", p.name(field), instead(found))
	}
	return nil
}

// instead says what a text has, if it has anything in PEM form.
func instead(found []*pem.Block) string {
	if len(found) == 0 {
		return ""
	}
	return "; what it has is: " + found[0].Type
}

func blocks(text string) (out []*pem.Block) {
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return out
		}
		out = append(out, b)
	}
}

// lines is a PEM text as it should be: environment variables often have it in
// one line, with \n.
func lines(text string) string {
	if strings.Contains(text, "\n") {
		return text
	}
	return strings.ReplaceAll(text, `\n`, "\n")
}
