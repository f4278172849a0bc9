package webhook_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"reprise/runtime/script"
	"reprise/server/webhook"
)

// FuzzHeaders sends what anybody can: headers and a body. Nothing of it may be
// taken that was not signed with the secret, and nothing may fail otherwise than
// by a refusal.
func FuzzHeaders(f *testing.F) {
	names := map[script.Scheme][3]string{
		script.SchemeStandard: {"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"},
		script.SchemeStripe:   {"X-A", "X-B", "Stripe-Signature"},
		script.SchemeGitHub:   {"X-Github-Delivery", "X-B", "X-Hub-Signature-256"},
		script.SchemeSlack:    {"X-A", "X-Slack-Request-Timestamp", "X-Slack-Signature"},
		script.SchemeShopify:  {"X-Shopify-Webhook-Id", "X-B", "X-Shopify-Hmac-Sha256"},
		script.SchemeHMAC:     {"X-Topic", "X-Time", "X-Sign"},
		script.SchemeJWT:      {"X-A", "X-B", "Authorization"},
	}
	for _, seed := range []string{"v1,a v1,b", "t=1,v1=00", "sha256=00", "v0=00", "AA==", "Bearer a.b.c", "v1,", "t=,v1=,v1", "sha256=", ",,,", "v1," + strings.Repeat("A", 100)} {
		f.Add("m", "1700000000", seed, `{"id":"e"}`)
	}
	v := webhook.New(webhook.Options{Secret: func(string) (string, bool) { return "whsec_c2VjcmV0", true }})
	f.Fuzz(func(t *testing.T, id, at, signature, body string) {
		for kind, name := range names {
			config := webhook.Config{Verify: script.Verify{Type: kind, Secrets: []string{"S"}}}
			switch kind {
			case script.SchemeHMAC:
				config.Verify.Header, config.Verify.Timestamp, config.Verify.Message = name[2], name[1], "{header.X-Topic}{timestamp}{body}"
			case script.SchemeJWT:
				config.Verify.Secrets, config.Verify.JWKS, config.Verify.Audience = nil, "https://keys.example.com", []string{"a"}
			}
			d := &webhook.Delivery{Header: http.Header{name[0]: {id}, name[1]: {at}, name[2]: {signature}}, Body: []byte(body), At: time.Unix(1_700_000_000, 0)}
			seen, err := v.Verify(t.Context(), &config, d)
			if err == nil {
				t.Fatalf("%s takes %+v, of %q", kind, seen, signature)
			}
			if _, ok := err.(*webhook.RefusedError); !ok { //nolint:errorlint // what Verify promises
				t.Fatalf("%s: %v is no refusal", kind, err)
			}
		}
	})
}
