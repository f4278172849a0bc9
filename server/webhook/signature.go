// Signatures that are made with a shared secret: all schemes but one. They differ
// in where the signature is, how it is written and what it is made of; a scheme
// reads that into a claim, and a claim is checked in one way.

package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"reprise/runtime/script"
)

// maxSignatures is how many signatures of one delivery are looked at: senders
// that change their key send two.
const maxSignatures = 16

// claim is what a delivery says of its own signature.
type claim struct {
	signatures [][]byte // one has to be right
	message    [][]byte // what is signed, in parts
	at         time.Time
	hash       func() hash.Hash // SHA-256 if nil
}

// verifySignature checks a delivery that is signed with a shared secret.
func (v *Verifier) verifySignature(w *script.Webhook, d *Delivery) (scheme, error) {
	s := schemeOf(&w.Verify)
	keys, err := v.secretKeys(&w.Verify, &s)
	if err != nil {
		return s, err
	}
	c, err := s.claim(d)
	if err != nil {
		return s, refuse(Unsigned, "%s", err)
	}
	if !c.signedWith(keys) {
		return s, refuse(Unsigned, "the signature is not one of %s over the bytes that came; a wrong secret, or a proxy that changes the body, looks like this", secretNames(w.Verify.Secrets))
	}
	return s, onTime(c.at, d.At, w.TimeTolerance())
}

// signedWith reports whether one of the signatures was made with one of the keys.
// It looks at all of them, whatever it finds.
func (c *claim) signedWith(keys [][]byte) bool {
	made := c.hash
	if made == nil {
		made = sha256.New
	}
	found := false
	for _, key := range keys {
		mac := hmac.New(made, key)
		for _, part := range c.message {
			mac.Write(part)
		}
		sum := mac.Sum(nil)
		for _, signature := range c.signatures {
			if hmac.Equal(sum, signature) {
				found = true
			}
		}
	}
	return found
}

// digest tells what was signed from anything else that is. The signature itself
// would not do: who sends a delivery again can put another one before it.
func (c *claim) digest() string {
	h := sha256.New()
	for _, part := range c.message {
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// onTime refuses a signature whose time is too far from now, in either direction.
func onTime(at, now time.Time, tolerance time.Duration) error {
	if at.IsZero() {
		return nil
	}
	if off := now.Sub(at); off > tolerance || off < -tolerance {
		return refuse(Late, "the signature is right, and its time is %s; it is now %s, and config.webhook.tolerance is %s. It was sent again by somebody, or one of the two clocks is wrong",
			at.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), tolerance)
	}
	return nil
}

// secretKeys are the keys of the secrets that are set. One that is not is no
// obstacle while another one is.
func (v *Verifier) secretKeys(verify *script.Verify, s *scheme) (keys [][]byte, err error) {
	for _, name := range verify.Secrets {
		value, ok := "", false
		if v.secret != nil {
			value, ok = v.secret(name)
		}
		if !ok || value == "" {
			continue
		}
		key, err := s.key(value)
		if err != nil || len(key) == 0 {
			// The error would quote it.
			return nil, refuse(Unready, "the secret %s is not written as a key of %s is: %s; set it again with \"reprise secret set %s\"", name, verify.Type, keyForm(verify), name)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		name := verify.Secrets[0]
		return nil, refuse(Unready, "config.webhook.verify names %s, and it is not set; set it with \"reprise secret set %s\", or as REPRISE_SECRET_%s in the environment (in development in .env)",
			secretNames(verify.Secrets), name, name)
	}
	return keys, nil
}

// keyForm says how a secret is written.
func keyForm(v *script.Verify) string {
	if v.Type == script.SchemeStandard {
		return "whsec_ and base64"
	}
	return "in " + v.KeyEncoding
}

func secretNames(names []string) string {
	if len(names) == 1 {
		return "the secret " + names[0]
	}
	return "the secrets " + strings.Join(names, ", ")
}

// one returns the value of a header that is there once: of two, a proxy and we
// might look at different ones.
func one(h http.Header, name string) (string, error) {
	switch values := h.Values(name); {
	case len(values) == 0 || values[0] == "":
		return "", fmt.Errorf("there is no header %s", name)
	case len(values) > 1:
		return "", fmt.Errorf("the header %s is there %d times", name, len(values))
	default:
		return values[0], nil
	}
}

var errTime = errors.New("its time is not a number of seconds since 1970")

// seconds reads a time in whole seconds.
func seconds(text string) (time.Time, error) {
	const digits = 12 // beyond the year 30,000
	if text == "" || len(text) > digits || strings.Trim(text, "0123456789") != "" {
		return time.Time{}, errTime
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n == 0 {
		return time.Time{}, errTime
	}
	return time.Unix(n, 0), nil
}

var (
	hashes    = map[string]func() hash.Hash{"": sha256.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}
	encodings = map[string]func(string) ([]byte, error){"": hex.DecodeString, "hex": hex.DecodeString, "base64": fromBase64, "base64url": fromBase64URL}
	keyings   = map[string]func(string) ([]byte, error){"": asIs, "hex": hex.DecodeString, "base64": fromBase64}
)

func asIs(s string) ([]byte, error) { return []byte(s), nil }

func fromBase64(s string) ([]byte, error) { return base64.StdEncoding.Strict().DecodeString(s) }

func fromBase64URL(s string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(s, "="))
}

// hmacScheme is any other that signs with a shared secret.
func hmacScheme(v *script.Verify) scheme {
	s := scheme{key: keyings[v.KeyEncoding], once: v.Timestamp != "", private: []string{v.Header}}
	s.claim = func(d *Delivery) (*claim, error) {
		c := &claim{hash: hashes[v.Algorithm]}
		value, err := one(d.Header, v.Header)
		if err != nil {
			return nil, err
		}
		written, ok := strings.CutPrefix(value, v.Prefix)
		if !ok {
			return nil, fmt.Errorf("the header %s does not begin with %q", v.Header, v.Prefix)
		}
		signature, err := encodings[v.Encoding](written)
		if err != nil {
			return nil, fmt.Errorf("the header %s can not be read: it is not in the encoding that config.webhook says", v.Header)
		}
		c.signatures = [][]byte{signature}
		timestamp := ""
		if v.Timestamp != "" {
			if timestamp, err = one(d.Header, v.Timestamp); err == nil {
				c.at, err = secondsOrMillis(timestamp)
			}
			if err != nil {
				return nil, err
			}
		}
		c.message = fill(v, d, timestamp)
		return c, nil
	}
	return s
}

// secondsOrMillis takes what has so many digits for milliseconds.
func secondsOrMillis(text string) (time.Time, error) {
	const digits = 13
	if len(text) != digits {
		return seconds(text)
	}
	at, err := seconds(text[:10])
	if err != nil || strings.Trim(text, "0123456789") != "" {
		return time.Time{}, errTime
	}
	return at, nil
}

// fill makes the message of its template. The body, which may be large, is not
// copied.
func fill(v *script.Verify, d *Delivery, timestamp string) [][]byte {
	template := v.Message
	switch {
	case template != "":
	case v.Timestamp != "":
		template = "{timestamp}.{body}"
	default:
		template = "{body}"
	}
	before, after, _ := strings.Cut(template, "{body}")
	part := func(text string) []byte {
		var b bytes.Buffer
		for rest := text; ; {
			plain, next, ok := strings.Cut(rest, "{")
			b.WriteString(plain)
			if !ok {
				return b.Bytes()
			}
			name, next, ok := strings.Cut(next, "}")
			if !ok {
				b.WriteString("{" + name)
				return b.Bytes()
			}
			if header, is := strings.CutPrefix(name, "header."); is {
				b.WriteString(d.Header.Get(header))
			} else {
				b.WriteString(timestamp)
			}
			rest = next
		}
	}
	return slices.DeleteFunc([][]byte{part(before), d.Body, part(after)}, func(b []byte) bool { return len(b) == 0 })
}
