// Tokens of an identity provider, which some senders have instead of a secret:
// Google's Pub/Sub, for one. A token says who has sent a delivery and not what is
// in it: the connection has to be encrypted, as any for bearer tokens.

package webhook

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"reprise/runtime/script"
)

// maxToken is longer than any token that fits into the header of other servers.
const maxToken = 16 << 10

func jwtScheme(v *script.Verify) scheme { return scheme{private: []string{tokenHeader(v)}} }

func tokenHeader(v *script.Verify) string {
	if v.Header == "" {
		return "Authorization"
	}
	return v.Header
}

// verifyToken checks the token of a delivery. A key that is not known may be new:
// then the issuer's keys are fetched again.
func (v *Verifier) verifyToken(ctx context.Context, w *script.Webhook, d *Delivery) error {
	token, err := bearer(&w.Verify, d)
	if err != nil {
		return err
	}
	set, fresh, err := v.keys.of(ctx, w.Verify.JWKS, d.At)
	if err != nil {
		return refuse(Unavailable, "the keys of the issuer can not be had: %s", err)
	}
	err = checkToken(token, set, w, d.At)
	if err == nil || fresh || knows(set, token) {
		return err
	}
	if set, err = v.keys.again(ctx, w.Verify.JWKS, d.At); err != nil {
		return refuse(Unavailable, "the keys of the issuer can not be had: %s", err)
	}
	return checkToken(token, set, w, d.At)
}

func bearer(v *script.Verify, d *Delivery) ([]byte, error) {
	name := tokenHeader(v)
	value, err := one(d.Header, name)
	if err != nil {
		return nil, refuse(Unsigned, "%s", err)
	}
	scheme, token, ok := strings.Cut(value, " ")
	switch {
	case ok && strings.EqualFold(scheme, "Bearer"):
	case name != "Authorization" && !ok:
		token = value // other headers have it alone
	default:
		return nil, refuse(Unsigned, "the header %s has no bearer token", name)
	}
	if token = strings.TrimSpace(token); len(token) > maxToken {
		return nil, refuse(Unsigned, "the token has %d bytes", len(token))
	}
	return []byte(token), nil
}

// checkToken verifies the signature with a key of the set, which has to be of the
// kind that the token says, and then the claims.
func checkToken(token []byte, set jwk.Set, w *script.Webhook, now time.Time) error {
	parsed, err := jwt.Parse(token, jwt.WithKeySet(set, jws.WithInferAlgorithmFromKey(true), jws.WithRequireKid(false)), jwt.WithValidate(false))
	if err != nil {
		return refuse(Unsigned, "the token is not signed with a key of %s", w.Verify.JWKS)
	}
	clock := jwt.ClockFunc(func() time.Time { return now })
	options := []jwt.ValidateOption{
		jwt.WithClock(clock), jwt.WithAcceptableSkew(w.TimeTolerance()), jwt.WithIssuer(w.Verify.Issuer), jwt.WithRequiredClaim(jwt.ExpirationKey),
	}
	if err := jwt.Validate(parsed, options...); err != nil {
		if errors.Is(err, jwt.TokenExpiredError()) || errors.Is(err, jwt.TokenNotYetValidError()) || errors.Is(err, jwt.InvalidIssuedAtError()) {
			return refuse(Late, "the token is right, and does not hold now: %s", err)
		}
		return refuse(Unsigned, "the token is signed, and not what config.webhook wants: %s", err)
	}
	audience, _ := parsed.Audience()
	for _, wanted := range w.Verify.Audience {
		if slices.Contains(audience, wanted) {
			return nil
		}
	}
	return refuse(Unsigned, "the token is for the audience %q, and config.webhook wants %q", audience, w.Verify.Audience)
}

// knows reports whether the set has the key that a token names.
func knows(set jwk.Set, token []byte) bool {
	message, err := jws.Parse(token)
	if err != nil || len(message.Signatures()) == 0 {
		return true // another set would not help
	}
	id, ok := message.Signatures()[0].ProtectedHeaders().KeyID()
	if !ok {
		return false
	}
	_, found := set.LookupKeyID(id)
	return found
}
