package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often the files are looked at: a renewal is served
// soon, and handshakes do not wait for the disk.
const certificateCheck = 5 * time.Second

// certificate is a TLS certificate that follows its files, so that a renewal
// needs no restart.
type certificate struct {
	certFile, keyFile string
	logger            *slog.Logger
	now               func() time.Time

	mu      sync.Mutex
	current *tls.Certificate // guarded by mu, like the rest
	stamp   [2]fileStamp
	checked time.Time
}

// fileStamp tells versions of a file apart.
type fileStamp struct {
	modified time.Time
	size     int64
}

func loadCertificate(certFile, keyFile string, logger *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, logger: logger, now: time.Now}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) load() error {
	stamp, err := c.stamps()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("the TLS certificate (--tls-cert, --tls-key) can not be used: %w", err)
	}
	c.current, c.stamp, c.checked = &pair, stamp, c.now()
	return nil
}

func (c *certificate) stamps() (out [2]fileStamp, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return out, fmt.Errorf("the TLS certificate (--tls-cert, --tls-key) can not be read: %w", err)
		}
		out[i] = fileStamp{info.ModTime(), info.Size()}
	}
	return out, nil
}

// get returns the certificate for a handshake. While the files are being
// replaced, or are no good, the one before keeps serving.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= certificateCheck {
		c.checked = now
		if stamp, err := c.stamps(); err != nil || stamp != c.stamp {
			c.reload()
		}
	}
	return c.current, nil
}

func (c *certificate) reload() {
	if err := c.load(); err != nil {
		c.logger.Warn("the TLS certificate has changed and can not be used; the one before keeps serving", "error", err)
		return
	}
	c.logger.Info("the TLS certificate was renewed", "file", c.certFile)
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}
