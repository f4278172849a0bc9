package webhook

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"reprise/runtime/script"
)

// Config is config.webhook of a script.
type Config = script.Webhook

// Ack says when the sender of a delivery is answered.
type Ack = script.Ack

// AckAfter is after the run.
const AckAfter = script.AckAfter

// Delivery is what came.
type Delivery struct {
	Header http.Header
	Body   []byte
	At     time.Time
}

// Options are what a Verifier is made with.
type Options struct {
	// Secret returns the value of a secret.
	Secret func(name string) (string, bool)
	// Client fetches the keys of issuers, whose URLs scripts chose: it has to
	// refuse where a script may not call, and to follow no redirects.
	Client *http.Client
}

// Verifier verifies deliveries. It is safe for concurrent use.
type Verifier struct {
	secret func(name string) (string, bool)
	keys   *keys
}

// New makes a verifier.
func New(o Options) *Verifier { return &Verifier{secret: o.Secret, keys: newKeys(o.Client)} }

// Cause is what a delivery was refused for.
type Cause int

// The causes. The sender can not tell the first from the second.
const (
	Unsigned    Cause = iota // there is no signature, it is wrong, or it can not be read
	Late                     // it is right, and its time is too far from now
	Unready                  // the server lacks what it takes to verify
	Unavailable              // the issuer's keys can not be had now
)

// RefusedError is why a delivery is not taken. Why is a sentence for the log.
type RefusedError struct {
	Cause Cause
	Why   string
}

func (r *RefusedError) Error() string { return r.Why }

func refuse(cause Cause, format string, args ...any) *RefusedError {
	return &RefusedError{cause, fmt.Sprintf(format, args...)}
}

// Verified is what is known of a delivery that has been verified.
type Verified struct {
	// Event is the sender's own id of it; empty if there is none.
	Event string
	// Key is what equal deliveries have in common; empty if they can not be told.
	Key string
	// Challenge is what the sender wants to read to know that somebody is here;
	// empty for a delivery.
	Challenge string

	private []string // headers that verify it: no script needs them any more
}

// Verify checks a delivery as the config says. Its error is a *RefusedError.
func (v *Verifier) Verify(ctx context.Context, w *Config, d *Delivery) (*Verified, error) {
	var s scheme
	var err error
	if w.Verify.Type == script.SchemeJWT {
		s, err = jwtScheme(&w.Verify), v.verifyToken(ctx, w, d)
	} else {
		s, err = v.verifySignature(w, d)
	}
	if err != nil {
		return nil, err
	}
	out := &Verified{private: s.private}
	if w.Verify.Type == script.SchemeSlack {
		out.Challenge = challengeOf(d.Body)
	}
	if s.event != nil {
		out.Event = s.event(d)
	}
	if w.Dedupe != nil && w.Dedupe.Key != "" && out.Event == "" {
		out.Event = valueAt(w.Dedupe.Key, d) // what tells deliveries apart is as good as an id
	}
	out.Key = keyOf(w.Dedupe, &s, d, out.Event)
	out.Event = shown(out.Event)
	return out, nil
}

// scheme is how deliveries of one kind are signed.
type scheme struct {
	// claim reads what a delivery says of its own signature.
	claim func(d *Delivery) (*claim, error)
	// key makes the bytes of a secret that are the key.
	key func(secret string) ([]byte, error)
	// event returns the sender's id of a delivery, where the scheme has one.
	event func(d *Delivery) string
	// once says that what is signed has a time in it, so that it will do as a key
	// where there is no id.
	once bool
	// private are the headers that hold signatures or tokens.
	private []string
}
