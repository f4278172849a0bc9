package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"reprise/runtime/script"
	"reprise/server/webhook"
)

// The secret of the example of GitHub's documentation, and of Slack's, and those
// of the Standard Webhooks specification and of its reference libraries.
var secrets = map[string]string{
	"STANDARD": "whsec_plJ3nmyCDGBKInavdOK15jsl", "LIBRARY": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	"GITHUB": "It's a Secret to Everybody", "SLACK": "8f742231b10e8888abcd99yyyzzz85a5",
	"STRIPE": "whsec_test_secret", "SHOPIFY": "hush", "PLAIN": "plain", "HEX": "6b6579", "OTHER": "b3RoZXI=", "NOT_BASE64": "whsec_%%",
}

func verifier() *webhook.Verifier {
	return webhook.New(webhook.Options{Secret: func(name string) (string, bool) { v, ok := secrets[name]; return v, ok }})
}

// delivery makes one of header lines "Name: value".
func delivery(at int64, body string, lines ...string) *webhook.Delivery {
	d := &webhook.Delivery{Header: http.Header{}, Body: []byte(body), At: time.Unix(at, 0)}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		d.Header.Add(name, value)
	}
	return d
}

func sum(key, message string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

func hexOf(key, message string) string { return hex.EncodeToString(sum(key, message)) }

func base64Of(key, message string) string {
	return base64.StdEncoding.EncodeToString(sum(key, message))
}

// slackBody is the example of docs.slack.dev, "Verifying requests from Slack".
const slackBody = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"

// example is a delivery that its scheme takes.
type example struct {
	name   string
	config webhook.Config
	d      *webhook.Delivery
	event  string
	signs  string // the header with the signature
	timed  bool
}

func examples() []example {
	const now = int64(1_700_000_000)
	stamp := strconv.FormatInt(now, 10)
	of := func(kind script.Scheme, secret ...string) webhook.Config {
		return webhook.Config{Verify: script.Verify{Type: kind, Secrets: secret}}
	}
	custom := func(v script.Verify) webhook.Config {
		v.Type = script.SchemeHMAC
		return webhook.Config{Verify: v}
	}
	return []example{
		{ // standardwebhooks.com, and docs.svix.com "Verifying manually"
			"standard", of(script.SchemeStandard, "STANDARD"), delivery(1731705121, `{"event_type":"ping","data":{"success":true}}`,
				"webhook-id: msg_loFOjxBNrRLzqYUf", "webhook-timestamp: 1731705121", "webhook-signature: v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="),
			"msg_loFOjxBNrRLzqYUf", "webhook-signature", true,
		},
		{ // the reference libraries of github.com/standard-webhooks/standard-webhooks
			"standard, several signatures", of(script.SchemeStandard, "LIBRARY"), delivery(1614265330, `{"test": 2432232314}`,
				"webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp: 1614265330",
				"webhook-signature: v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
			"msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-signature", true,
		},
		{
			"standard, by the names of Svix", of(script.SchemeStandard, "STANDARD"), delivery(1731705121, `{"event_type":"ping","data":{"success":true}}`,
				"svix-id: msg_loFOjxBNrRLzqYUf", "svix-timestamp: 1731705121", "svix-signature: v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="),
			"msg_loFOjxBNrRLzqYUf", "svix-signature", true,
		},
		{ // docs.github.com "Validating webhook deliveries"
			"github", of(script.SchemeGitHub, "GITHUB"), delivery(now, "Hello, World!",
				"X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958"),
			"72d3162e-cc78-11e3-81ab-4c9367dc0958", "X-Hub-Signature-256", false,
		},
		{
			"slack", of(script.SchemeSlack, "SLACK"), delivery(1531420618, slackBody,
				"X-Slack-Request-Timestamp: 1531420618", "X-Slack-Signature: v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
			"", "X-Slack-Signature", true,
		},
		{ // docs.stripe.com "Resolve webhook signature verification errors" has the form, with a v0 that does not count, and no key
			"stripe", of(script.SchemeStripe, "STRIPE"), delivery(1492774577, `{"id":"evt_1","type":"invoice.paid"}`,
				"Stripe-Signature: t=1492774577,v1="+hexOf("whsec_test_secret", `1492774577.{"id":"evt_1","type":"invoice.paid"}`)+",v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"),
			"evt_1", "Stripe-Signature", true,
		},
		{ // shopify.dev "Verify webhook deliveries" has the form, and no key
			"shopify", of(script.SchemeShopify, "SHOPIFY"), delivery(now, `{"id":820982911946154500}`,
				"X-Shopify-Hmac-SHA256: "+base64Of("hush", `{"id":820982911946154500}`), "X-Shopify-Webhook-Id: b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"),
			"b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "X-Shopify-Hmac-SHA256", false,
		},
		{
			"hmac", custom(script.Verify{Secrets: []string{"PLAIN"}, Header: "X-Sign", Prefix: "sig "}), delivery(now, "body",
				"X-Sign: sig "+hexOf("plain", "body")),
			"", "X-Sign", false,
		},
		{
			"hmac with a time", custom(script.Verify{Secrets: []string{"HEX"}, KeyEncoding: "hex", Header: "X-Sign", Encoding: "base64", Timestamp: "X-Time"}), delivery(now, "body",
				"X-Time: "+stamp+"123", "X-Sign: "+base64Of("key", stamp+"123.body")),
			"", "X-Sign", true,
		},
		{
			"hmac with a message", custom(script.Verify{Secrets: []string{"PLAIN"}, Header: "X-Sign", Encoding: "base64url", Timestamp: "X-Time", Message: "{header.X-Topic}|{timestamp}|{body}|end"}), delivery(now, "{body}",
				"X-Topic: a{b", "X-Time: "+stamp, "X-Sign: "+strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(base64Of("plain", "a{b|"+stamp+"|{body}|end"))),
			"", "X-Sign", true,
		},
		{
			"rotation, the new secret", of(script.SchemeGitHub, "SHOPIFY", "GITHUB"), delivery(now, "Hello, World!",
				"X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
			"", "X-Hub-Signature-256", false,
		},
		{
			"rotation, one is not set yet", of(script.SchemeGitHub, "NOBODY", "GITHUB"), delivery(now, "Hello, World!",
				"X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
			"", "X-Hub-Signature-256", false,
		},
	}
}

// causeOf is why a delivery is refused; taken if it is not.
func causeOf(t *testing.T, config *webhook.Config, d *webhook.Delivery) (cause webhook.Cause, why string) {
	t.Helper()
	_, err := verifier().Verify(t.Context(), config, d)
	if err == nil {
		return taken, ""
	}
	refused, ok := errors.AsType[*webhook.RefusedError](err)
	if !ok {
		t.Fatalf("the error is no refusal: %v", err)
	}
	return refused.Cause, refused.Why
}

const taken webhook.Cause = -1

func TestPublishedExamplesAreTaken(t *testing.T) {
	for _, e := range examples() {
		seen, err := verifier().Verify(t.Context(), &e.config, e.d)
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
		} else if seen.Event != e.event {
			t.Errorf("%s: the event is %q", e.name, seen.Event)
		}
	}
}

func TestWhatIsNotAsItWasSignedIsRefused(t *testing.T) {
	// One byte more, one bit of the signature, another secret, no header, two of them.
	for _, e := range examples() {
		more, cut := *e.d, *e.d
		more.Body = append([]byte(" "), e.d.Body...)
		cut.Body = e.d.Body[:len(e.d.Body)-1]
		with := func(change func(h http.Header)) *webhook.Delivery {
			d := *e.d
			d.Header = e.d.Header.Clone()
			change(d.Header)
			return &d
		}
		signature := e.d.Header.Get(e.signs)
		for name, d := range map[string]*webhook.Delivery{
			"a longer body": &more, "a shorter body": &cut,
			"no signature":  with(func(h http.Header) { h.Del(e.signs) }),
			"empty":         with(func(h http.Header) { h.Set(e.signs, "") }),
			"two lines":     with(func(h http.Header) { h.Add(e.signs, signature) }),
			"nonsense":      with(func(h http.Header) { h.Set(e.signs, "nonsense") }),
			"cut":           with(func(h http.Header) { h.Set(e.signs, signature[:len(signature)/2]) }),
			"one character": with(func(h http.Header) { h.Set(e.signs, changed(signature, e.name == "stripe")) }),
		} {
			if cause, why := causeOf(t, &e.config, d); cause != webhook.Unsigned {
				t.Errorf("%s, %s: cause %d, %s", e.name, name, cause, why)
			}
		}
		other := e.config
		other.Verify.Secrets, other.Verify.KeyEncoding = []string{"OTHER"}, ""
		cause, why := causeOf(t, &other, e.d)
		if cause != webhook.Unsigned || !strings.Contains(why, "the secret OTHER") || strings.Contains(why, secrets["OTHER"]) {
			t.Errorf("%s, another secret: cause %d, %s", e.name, cause, why)
		}
	}
}

// changed changes a character of the right signature, which is the last one, but
// for stripe, where one that does not count follows.
func changed(signature string, stripe bool) string {
	at := len(signature) - 5
	if stripe {
		at = strings.Index(signature, ",v0") - 1
	}
	c := byte('0')
	if signature[at] == c {
		c = '1'
	}
	return signature[:at] + string(c) + signature[at+1:]
}

func TestOldDeliveriesAreRefused(t *testing.T) {
	for _, e := range examples() {
		for _, tc := range []struct {
			off       time.Duration
			tolerance time.Duration
			late      bool
		}{
			{4 * time.Minute, 0, false},
			{-4 * time.Minute, 0, false},
			{6 * time.Minute, 0, true},
			{-6 * time.Minute, 0, true},
			{6 * time.Minute, time.Hour, false},
			{2 * time.Hour, time.Hour, true},
			{10 * time.Second, 2 * time.Second, true},
		} {
			d, config := *e.d, e.config
			d.At, config.Tolerance = e.d.At.Add(tc.off), script.Duration(tc.tolerance)
			cause, why := causeOf(t, &config, &d)
			if late := cause == webhook.Late; late != (tc.late && e.timed) || !late && cause != taken {
				t.Errorf("%s, %s off with a tolerance of %s: cause %d, %s", e.name, tc.off, tc.tolerance, cause, why)
			}
		}
	}
	// A time that is changed is not signed, however right it is.
	e := examples()[0]
	d := *e.d
	d.Header, d.At = e.d.Header.Clone(), e.d.At.Add(time.Hour)
	d.Header.Set("webhook-timestamp", strconv.FormatInt(d.At.Unix(), 10))
	if cause, _ := causeOf(t, &e.config, &d); cause != webhook.Unsigned {
		t.Errorf("cause %d", cause)
	}
}

func TestTimesAreReadStrictly(t *testing.T) {
	for _, text := range []string{"", "0", "-1731705121", "+1731705121", "1731705121.0", " 1731705121", "0x67371ea1", "9999999999999", "1e9", "١٧٣١٧٠٥١٢١"} {
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secrets["STANDARD"], "whsec_"))
		d := delivery(1731705121, "x", "webhook-id: m", "webhook-timestamp: "+text, "webhook-signature: v1,"+base64Of(string(key), "m."+text+".x"))
		if cause, why := causeOf(t, &webhook.Config{Verify: script.Verify{Type: script.SchemeStandard, Secrets: []string{"STANDARD"}}}, d); cause != webhook.Unsigned {
			t.Errorf("%q: cause %d, %s", text, cause, why)
		}
	}
	for _, times := range []string{"t=1492774577,t=1", "t=1,t=1492774577"} {
		two := delivery(1492774577, "x", "Stripe-Signature: "+times+",v1="+hexOf("whsec_test_secret", "1492774577.x"))
		if cause, _ := causeOf(t, &webhook.Config{Verify: script.Verify{Type: script.SchemeStripe, Secrets: []string{"STRIPE"}}}, two); cause != webhook.Unsigned {
			t.Errorf("%s: cause %d", times, cause)
		}
	}
}

func TestSecretsThatAreNotReady(t *testing.T) {
	e := examples()[0]
	for name, want := range map[string]string{
		"NOBODY":     `config.webhook.verify names the secret NOBODY, and it is not set; set it with "reprise secret set NOBODY", or as REPRISE_SECRET_NOBODY`,
		"NOT_BASE64": `the secret NOT_BASE64 is not written as a key of standard-webhooks is: whsec_ and base64`,
	} {
		config := e.config
		config.Verify.Secrets = []string{name}
		if cause, why := causeOf(t, &config, e.d); cause != webhook.Unready || !strings.Contains(why, want) || strings.Contains(why, "%%") {
			t.Errorf("%s: cause %d, %s", name, cause, why)
		}
	}
}
