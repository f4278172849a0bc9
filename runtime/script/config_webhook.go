// What a config says about a webhook: how a delivery is verified, what makes two
// of them the same, and when the sender is answered.

package script

import (
	"encoding/json"
	"fmt"
	"time"
)

// The bounds of webhooks.
const (
	// DefaultTolerance is how far the time of a signature may be from now: what
	// the schemes that have one say themselves.
	DefaultTolerance = 5 * time.Minute
	// MaxTolerance keeps a captured delivery from being good for ever.
	MaxTolerance = 24 * time.Hour
	// DefaultDedupeTTL is how long a delivery is remembered, by its id.
	DefaultDedupeTTL = 24 * time.Hour
	// MaxDedupeTTL is longer than any sender tries again.
	MaxDedupeTTL = 31 * 24 * time.Hour
	// MaxWebhookSecrets is how many secrets may hold at once: an old and a new one.
	MaxWebhookSecrets = 2
)

// Webhook makes a script take the deliveries of a webhook: each starts its run
// handler.
type Webhook struct {
	// Path is the route. Empty: the script's own name.
	Path string `json:"path,omitempty"`
	// Verify says how a delivery shows who has sent it.
	Verify Verify `json:"verify"`
	// Tolerance is how far the time of a signature may be from now; zero means
	// DefaultTolerance.
	Tolerance Duration `json:"tolerance,omitempty"`
	// Dedupe says what makes two deliveries the same; nil: the id that the scheme
	// has, for DefaultDedupeTTL.
	Dedupe *Dedupe `json:"dedupe,omitempty"`
	// Ack says when the sender is answered.
	Ack Ack `json:"ack,omitempty"`
}

// TimeTolerance is Tolerance with its default.
func (w *Webhook) TimeTolerance() time.Duration {
	if w.Tolerance == 0 {
		return DefaultTolerance
	}
	return time.Duration(w.Tolerance)
}

// DedupeTTL is how long deliveries are remembered.
func (w *Webhook) DedupeTTL() time.Duration {
	if w.Dedupe == nil || w.Dedupe.TTL == 0 {
		return DefaultDedupeTTL
	}
	return time.Duration(w.Dedupe.TTL)
}

// Ack says when the sender of a delivery is answered.
type Ack string

// When. The empty one is before.
const (
	AckBefore Ack = "before" // the run: as soon as the delivery is on disk
	AckAfter  Ack = "after"  // the run: with how it ended, if it ends in time
)

// Scheme is a way to verify deliveries.
type Scheme string

// The schemes.
const (
	SchemeStandard Scheme = "standard-webhooks"
	SchemeStripe   Scheme = "stripe"
	SchemeGitHub   Scheme = "github"
	SchemeSlack    Scheme = "slack"
	SchemeShopify  Scheme = "shopify"
	SchemeHMAC     Scheme = "hmac" // any other that signs with a shared secret
	SchemeJWT      Scheme = "jwt"  // a bearer token of an identity provider
)

// Verify says how a delivery shows who has sent it.
type Verify struct {
	Type Scheme `json:"type"`
	// Secrets are the names of the secrets that a signature may be made with: one,
	// or two while one takes the other's place. None for jwt.
	Secrets []string `json:"secret,omitempty"`

	// Header has the signature, or the token of jwt.
	Header string `json:"header,omitempty"`

	// What follows is for hmac.

	Algorithm   string `json:"algorithm,omitempty"`   // "sha256" if empty, "sha1", "sha384" or "sha512"
	Encoding    string `json:"encoding,omitempty"`    // of the signature: "hex" if empty, "base64" or "base64url"
	KeyEncoding string `json:"keyEncoding,omitempty"` // of the secret: as it is if empty, "hex" or "base64"
	Prefix      string `json:"prefix,omitempty"`      // of the header's value: "sha256="
	// Timestamp is the header with the time, in seconds or milliseconds since 1970.
	Timestamp string `json:"timestamp,omitempty"`
	// Message is what is signed, with {body}, {timestamp} and {header.NAME} in it.
	Message string `json:"message,omitempty"`

	// What follows is for jwt.

	JWKS     string   `json:"jwks,omitempty"` // the URL of the issuer's keys
	Issuer   string   `json:"issuer,omitempty"`
	Audience []string `json:"audience,omitempty"` // one of them
}

// HasTime reports whether what is signed has a time in it.
func (v *Verify) HasTime() bool {
	switch v.Type {
	case SchemeGitHub, SchemeShopify:
		return false
	case SchemeHMAC:
		return v.Timestamp != ""
	}
	return true
}

// Dedupe says what makes two deliveries the same.
type Dedupe struct {
	// Off lets every delivery start a run.
	Off bool `json:"-"`
	// Key is a path to what is the same: "header.NAME" or "body.a.b". Empty: the
	// id that the scheme has.
	Key string `json:"key,omitempty"`
	// TTL is how long it is remembered; zero means DefaultDedupeTTL.
	TTL Duration `json:"ttl,omitempty"`
}

// MarshalJSON writes false, or an object, as it is written in a config.
func (d Dedupe) MarshalJSON() ([]byte, error) {
	if d.Off {
		return []byte("false"), nil
	}
	type plain Dedupe
	return json.Marshal(plain(d))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Dedupe) UnmarshalJSON(b []byte) error {
	if string(b) == "false" {
		*d = Dedupe{Off: true}
		return nil
	}
	type plain Dedupe
	if err := json.Unmarshal(b, (*plain)(d)); err != nil {
		return fmt.Errorf("dedupe is false or { key, ttl }: %w", err)
	}
	return nil
}
