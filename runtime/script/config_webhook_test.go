package script_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/script"
)

func TestWebhooksAreKept(t *testing.T) {
	// A revision that is kept has the same webhook when it is loaded again.
	for _, w := range []script.Webhook{
		{Path: "/x", Verify: script.Verify{Type: script.SchemeGitHub, Secrets: []string{"A", "B"}}, Dedupe: &script.Dedupe{Off: true}},
		{Verify: script.Verify{Type: script.SchemeHMAC, Secrets: []string{"A"}, Header: "X", Timestamp: "Y", Message: "{timestamp}{body}"}, Tolerance: script.Duration(time.Minute), Ack: script.AckAfter},
		{Verify: script.Verify{Type: script.SchemeJWT, JWKS: "https://a", Issuer: "i", Audience: []string{"a"}}, Dedupe: &script.Dedupe{Key: "body.id", TTL: script.Duration(time.Hour)}},
	} {
		text, err := json.Marshal(script.Config{Webhook: &w})
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Webhook *script.Webhook `json:"webhook"`
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(&w, got.Webhook); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	if w := (script.Webhook{}); w.TimeTolerance() != 5*time.Minute || w.DedupeTTL() != 24*time.Hour {
		t.Errorf("the defaults are %s and %s", w.TimeTolerance(), w.DedupeTTL())
	}
	if err := json.Unmarshal([]byte(`true`), &script.Dedupe{}); err == nil {
		t.Error("dedupe can be true")
	}
}
