package webhook_test

import (
	"strings"
	"testing"

	"reprise/runtime/script"
	"reprise/server/webhook"
)

// plain is a delivery that is signed by the scheme hmac, and what is known of it.
func plain(t *testing.T, body string, dedupe *script.Dedupe, lines ...string) (*webhook.Verified, *webhook.Delivery) {
	t.Helper()
	config := webhook.Config{Verify: script.Verify{Type: script.SchemeHMAC, Secrets: []string{"PLAIN"}, Header: "x-sign"}, Dedupe: dedupe}
	d := delivery(1_700_000_000, body, append(lines, "X-Sign: "+hexOf("plain", body))...)
	seen, err := verifier().Verify(t.Context(), &config, d)
	if err != nil {
		t.Fatal(err)
	}
	return seen, d
}

func TestInput(t *testing.T) {
	for name, tc := range map[string]struct {
		body  string
		lines []string
		want  string
	}{
		"JSON":           {`{ "b": 1, "a": "<é>" }`, []string{"Content-Type: application/json; charset=utf-8"}, `{"id":null,"headers":{"content-type":"application/json; charset=utf-8"},"body":{"b":1,"a":"<é>"},"text":"{ \"b\": 1, \"a\": \"<é>\" }"}`},
		"no type":        {`[1]`, nil, `{"id":null,"headers":{},"body":[1],"text":"[1]"}`},
		"vendor's":       {`1`, []string{"Content-Type: application/cloudevents+json"}, `{"id":null,"headers":{"content-type":"application/cloudevents+json"},"body":1,"text":"1"}`},
		"not quite JSON": {`{"a":`, nil, `{"id":null,"headers":{},"body":"{\"a\":","text":"{\"a\":"}`},
		"a form":         {`payload=1`, []string{"Content-Type: application/x-www-form-urlencoded"}, `{"id":null,"headers":{"content-type":"application/x-www-form-urlencoded"},"body":"payload=1","text":"payload=1"}`},
		"text":           {`123`, []string{"Content-Type: text/plain"}, `{"id":null,"headers":{"content-type":"text/plain"},"body":"123","text":"123"}`},
		"nothing":        {``, nil, `{"id":null,"headers":{},"body":"","text":""}`},
		"credentials": {
			`1`,
			[]string{"Authorization: Bearer x", "Cookie: a=b", "Proxy-Authorization: y", "X-Reprise-Depth: 3", "X-A: 1", "X-A: 2", "X-B: caf\xe9"},
			`{"id":null,"headers":{"x-a":"1, 2","x-b":"caf�"},"body":1,"text":"1"}`,
		},
	} {
		seen, d := plain(t, tc.body, nil, tc.lines...)
		if got, err := seen.Input(d); err != nil || string(got) != tc.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, tc.want)
		}
	}
	seen, d := plain(t, "\xff", nil)
	if _, err := seen.Input(d); err != webhook.ErrNotText { //nolint:errorlint // it is that one, not wrapped
		t.Errorf("not UTF-8: %v", err)
	}
	// The id of the sender, and no signature.
	e := examples()[0]
	seen, err := verifier().Verify(t.Context(), &e.config, e.d)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := seen.Input(e.d); err != nil || !strings.HasPrefix(string(got), `{"id":"msg_loFOjxBNrRLzqYUf","headers":{"webhook-id":"msg_loFOjxBNrRLzqYUf","webhook-timestamp":"1731705121"},"body":`) {
		t.Errorf("%s, %v", got, err)
	}
}

func TestKeys(t *testing.T) {
	const body = `{"id":"a","event":{"id":7,"list":["x",{"y":"z"}],"flag":true,"none":null}}`
	for path, want := range map[string]string{
		"": "", "header.X-Event": "value e1", "header.x-event": "value e1", "header.X-Other": "", "body.id": "value a", "body.event.id": "value 7",
		"body.event.list.0": "value x", "body.event.list.1.y": "value z", "body.event.list.2": "", "body.event.list.-1": "", "body.event": "", "body.event.flag": "", "body.event.none": "", "body.nothing.there": "",
	} {
		seen, _ := plain(t, body, &script.Dedupe{Key: path}, "X-Event: e1")
		if seen.Key != want || seen.Event != strings.TrimPrefix(want, "value ") {
			t.Errorf("%q: %q of the event %q, want %q", path, seen.Key, seen.Event, want)
		}
	}
	long, _ := plain(t, `1`, &script.Dedupe{Key: "header.X-Event"}, "X-Event: "+strings.Repeat("x", 1000))
	if len(long.Key) > 100 || len(long.Event) != 256 || !strings.HasPrefix(long.Key, "sha256 ") {
		t.Errorf("the key is %q", long.Key)
	}
	for _, e := range examples() {
		key := func(change func(c *webhook.Config, d *webhook.Delivery)) string {
			config, d := e.config, *e.d
			d.Header = e.d.Header.Clone()
			change(&config, &d)
			seen, err := verifier().Verify(t.Context(), &config, &d)
			if err != nil {
				t.Fatal(e.name, err)
			}
			return seen.Key
		}
		own := key(func(*webhook.Config, *webhook.Delivery) {})
		if (own != "") != (e.event != "" || e.timed) {
			t.Errorf("%s: the key is %q", e.name, own)
		}
		if off := key(func(c *webhook.Config, _ *webhook.Delivery) { c.Dedupe = &script.Dedupe{Off: true} }); off != "" {
			t.Errorf("%s: the key is %q, and dedupe is off", e.name, off)
		}
	}
	// Who sends a delivery again can not make another one of it by another signature beside the right one.
	config := webhook.Config{Verify: script.Verify{Type: script.SchemeStripe, Secrets: []string{"STRIPE"}}}
	var keys []string
	for _, before := range []string{"", "v1=00,", "v1=" + strings.Repeat("ab", 32) + ","} {
		seen, err := verifier().Verify(t.Context(), &config, delivery(1492774577, "x", "Stripe-Signature: "+before+"t=1492774577,v1="+hexOf("whsec_test_secret", "1492774577.x")))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, seen.Key)
	}
	if keys[0] == "" || keys[1] != keys[0] || keys[2] != keys[0] {
		t.Errorf("keys are %q", keys)
	}
}

func TestChallenge(t *testing.T) {
	config := webhook.Config{Verify: script.Verify{Type: script.SchemeSlack, Secrets: []string{"SLACK"}}}
	for body, want := range map[string]string{
		`{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
		`{"challenge":"x","type":"event_callback","event_id":"Ev1"}`:                                                 "",
	} {
		d := delivery(1531420618, body, "X-Slack-Request-Timestamp: 1531420618", "X-Slack-Signature: v0="+hexOf(secrets["SLACK"], "v0:1531420618:"+body))
		seen, err := verifier().Verify(t.Context(), &config, d)
		if err != nil || seen.Challenge != want {
			t.Errorf("%s: %+v, %v", body, seen, err)
		}
		// Nobody gets an answer to a challenge that is not signed.
		d.Header.Set("X-Slack-Signature", "v0=00")
		if _, err := verifier().Verify(t.Context(), &config, d); err == nil {
			t.Error("an unsigned challenge is answered")
		}
	}
}
