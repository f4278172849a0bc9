// The schemes of providers, each as its documentation has it. Where one has a
// time, the time is signed.

package webhook

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"reprise/runtime/script"
)

func schemeOf(v *script.Verify) scheme {
	switch v.Type {
	case script.SchemeStandard:
		return scheme{claim: standardClaim, key: standardKey, event: standardEvent, private: []string{"Webhook-Signature", "Svix-Signature"}}
	case script.SchemeStripe:
		return scheme{claim: stripeClaim, key: asIs, event: bodyField("id"), once: true, private: []string{"Stripe-Signature"}}
	case script.SchemeGitHub:
		return scheme{claim: githubClaim, key: asIs, event: headerField("X-Github-Delivery"), private: []string{"X-Hub-Signature", "X-Hub-Signature-256"}}
	case script.SchemeSlack:
		return scheme{claim: slackClaim, key: asIs, event: bodyField("event_id"), once: true, private: []string{"X-Slack-Signature"}}
	case script.SchemeShopify:
		return scheme{claim: shopifyClaim, key: asIs, event: headerField("X-Shopify-Webhook-Id"), private: []string{"X-Shopify-Hmac-Sha256"}}
	}
	return hmacScheme(v)
}

// standardClaim reads what www.standardwebhooks.com specifies:
//
//	webhook-id: msg_1   webhook-timestamp: 1674087231   webhook-signature: v1,BASE64 v1,BASE64
//
// over "id.timestamp.body". Signatures of other versions are passed over. Svix,
// which it comes from, says svix- for webhook-.
func standardClaim(d *Delivery) (*claim, error) {
	prefix := standardPrefix(d)
	id, err := one(d.Header, prefix+"Id")
	if err != nil {
		return nil, err
	}
	timestamp, err := one(d.Header, prefix+"Timestamp")
	if err != nil {
		return nil, err
	}
	list, err := one(d.Header, prefix+"Signature")
	if err != nil {
		return nil, err
	}
	c := &claim{message: [][]byte{[]byte(id + "." + timestamp + "."), d.Body}}
	if c.at, err = seconds(timestamp); err != nil {
		return nil, err
	}
	for item := range strings.FieldsSeq(list) {
		if version, text, _ := strings.Cut(item, ","); version == "v1" && len(c.signatures) < maxSignatures {
			if signature, err := fromBase64(text); err == nil {
				c.signatures = append(c.signatures, signature)
			}
		}
	}
	if len(c.signatures) == 0 {
		return nil, fmt.Errorf("the header %sSignature has no signature of version v1", prefix)
	}
	return c, nil
}

func standardPrefix(d *Delivery) string {
	if d.Header.Get("Webhook-Id") == "" && d.Header.Get("Svix-Id") != "" {
		return "Svix-"
	}
	return "Webhook-"
}

func standardEvent(d *Delivery) string { return d.Header.Get(standardPrefix(d) + "Id") }

// standardKey reads "whsec_" and base64.
func standardKey(secret string) ([]byte, error) {
	return fromBase64(strings.TrimPrefix(secret, "whsec_"))
}

// stripeClaim reads "t=1492774577,v1=HEX,v1=HEX,v0=HEX", over "t.body". v0 is of
// test deliveries and shows nothing.
func stripeClaim(d *Delivery) (*claim, error) {
	value, err := one(d.Header, "Stripe-Signature")
	if err != nil {
		return nil, err
	}
	c, timestamp := &claim{}, ""
	for item := range strings.SplitSeq(value, ",") {
		switch name, text, _ := strings.Cut(strings.TrimSpace(item), "="); {
		case name == "t" && timestamp != "":
			return nil, errors.New("the header Stripe-Signature has two times")
		case name == "t":
			timestamp = text
		case name == "v1" && len(c.signatures) < maxSignatures:
			if signature, err := hex.DecodeString(text); err == nil {
				c.signatures = append(c.signatures, signature)
			}
		}
	}
	if c.at, err = seconds(timestamp); err != nil {
		return nil, err
	}
	if len(c.signatures) == 0 {
		return nil, errors.New("the header Stripe-Signature has no signature v1")
	}
	c.message = [][]byte{[]byte(timestamp + "."), d.Body}
	return c, nil
}

// githubClaim reads "sha256=HEX", over the body. The older header with SHA-1 is
// passed over.
func githubClaim(d *Delivery) (*claim, error) {
	return bare(d, "X-Hub-Signature-256", "sha256=", hex.DecodeString)
}

// shopifyClaim reads base64, over the body.
func shopifyClaim(d *Delivery) (*claim, error) {
	return bare(d, "X-Shopify-Hmac-Sha256", "", fromBase64)
}

// slackClaim reads "v0=HEX", over "v0:timestamp:body".
func slackClaim(d *Delivery) (*claim, error) {
	timestamp, err := one(d.Header, "X-Slack-Request-Timestamp")
	if err != nil {
		return nil, err
	}
	c, err := bare(d, "X-Slack-Signature", "v0=", hex.DecodeString)
	if err != nil {
		return nil, err
	}
	c.message = [][]byte{[]byte("v0:" + timestamp + ":"), d.Body}
	c.at, err = seconds(timestamp)
	return c, err
}

// bare reads a header with one signature, over the body alone.
func bare(d *Delivery, header, prefix string, decode func(string) ([]byte, error)) (*claim, error) {
	value, err := one(d.Header, header)
	if err != nil {
		return nil, err
	}
	text, ok := strings.CutPrefix(value, prefix)
	if !ok {
		return nil, fmt.Errorf("the header %s does not begin with %q", header, prefix)
	}
	signature, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("the header %s can not be read", header)
	}
	return &claim{signatures: [][]byte{signature}, message: [][]byte{d.Body}}, nil
}
