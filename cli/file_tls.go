package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"reprise/connections"
)

// fileTLS is what a connection says of its TLS. ca, cert and key are paths, or
// the text itself.
type fileTLS struct {
	CA         string `yaml:"ca"`
	Cert       string `yaml:"cert"`
	Key        string `yaml:"key"`
	MinVersion any    `yaml:"minVersion"` // 1.3 is a number in YAML
	ServerName string `yaml:"serverName"`
}

// maxPEM bounds a file of certificates: that of all public authorities is a
// quarter of it.
const maxPEM = 1 << 20

// tls reads the files too. What is wrong with these is not a mistake in
// reprise.yaml: the connection is broken, and the others are not.
func (r *reader) tls(f *fileTLS) (t *connections.TLS, broken string) {
	t = &connections.TLS{ServerName: r.text("tls.serverName", f.ServerName)}
	switch v := fmt.Sprint(f.MinVersion); {
	case f.MinVersion == nil, v == "1.2":
	case v == "1.3":
		t.MinVersion = tls.VersionTLS13
	default:
		r.fail("tls.minVersion", "it is %s; it can be 1.2 or 1.3", v)
	}
	var errs []error
	for _, p := range []struct {
		field, value string
		to           *connections.PEM
	}{{"tls.ca", f.CA, &t.CA}, {"tls.cert", f.Cert, &t.Cert}, {"tls.key", f.Key, &t.Key}} {
		var err error
		*p.to, err = r.pem(p.field, p.value)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return t, strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	if err := t.Check(); err != nil {
		broken = err.Error()
	}
	return t, broken
}

// pem reads a text in PEM form: a secret, the text itself, or a file.
func (r *reader) pem(field, value string) (connections.PEM, error) {
	if secret := strings.Contains(value, "${secret:"); secret && field != "tls.key" {
		r.fail(field, "certificates are no secrets; only tls.key can be one")
	}
	value = r.text(field, value)
	if value == "" || strings.Contains(value, "-----BEGIN ") || strings.Contains(value, "${secret:") {
		return connections.PEM{Text: value}, nil
	}
	text, err := readAtMost(below(r.dir, value), maxPEM)
	if why, ok := errors.AsType[*fs.PathError](err); ok {
		err = why.Err
	}
	if err != nil {
		return connections.PEM{File: value}, fmt.Errorf("%s: %s can not be read: %w", field, value, err)
	}
	return connections.PEM{Text: text, File: value}, nil
}

func readAtMost(path string, most int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if int64(len(b)) > most {
		return "", fmt.Errorf("it has more than %d bytes", most)
	}
	return string(b), err
}
