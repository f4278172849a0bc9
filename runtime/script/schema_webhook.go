// The part of a config's schema that is about webhooks.

package script

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// schemeKeys are what verify can have, besides its type.
var schemeKeys = map[Scheme][]string{
	SchemeStandard: {"secret"},
	SchemeStripe:   {"secret"},
	SchemeGitHub:   {"secret"},
	SchemeSlack:    {"secret"},
	SchemeShopify:  {"secret"},
	SchemeHMAC:     {"secret", "header", "algorithm", "encoding", "keyEncoding", "prefix", "timestamp", "message"},
	SchemeJWT:      {"jwks", "issuer", "audience", "header"},
}

func (s *schema) webhook(l *literal) *Webhook {
	w := &Webhook{}
	s.object(l, "config.webhook", func(key string, v *literal) bool {
		switch key {
		case "path":
			w.Path = s.path(v)
		case "verify":
			w.Verify = s.verify(v)
		case "tolerance":
			w.Tolerance = s.within(v, key, MaxTolerance)
		case "dedupe":
			w.Dedupe = s.dedupe(v)
		case "ack":
			w.Ack = Ack(s.oneOf(v, key, string(AckBefore), string(AckAfter)))
		default:
			return false
		}
		return true
	}, "path", "verify", "tolerance", "dedupe", "ack")
	if l.kind != objectLiteral {
		return w
	}
	if l.get("verify") == nil {
		s.fail(l, `webhook must say how a delivery is verified: { verify: { type: "standard-webhooks", secret: "NAME" } }`)
	} else if w.Tolerance != 0 && w.Verify.Type != "" && !w.Verify.HasTime() {
		s.fail(l.get("tolerance"), "tolerance does nothing here: a signature of %q has no time in it", w.Verify.Type)
	}
	return w
}

// within reads a duration of at least a second.
func (s *schema) within(l *literal, name string, most time.Duration) Duration {
	d, ok := s.duration(l, name)
	if ok && (d < time.Second || d > most) {
		s.fail(l, "%s must be from 1s to %dh, not %s", name, most/time.Hour, d)
	}
	return Duration(d)
}

func (s *schema) verify(l *literal) Verify {
	v := Verify{}
	kind := l.get("type")
	if l.kind != objectLiteral || kind == nil {
		s.fail(l, `verify must be an object with a type: { type: "stripe", secret: "STRIPE_WEBHOOK" }`)
		return v
	}
	var all []string
	for _, scheme := range slices.Sorted(maps.Keys(schemeKeys)) {
		all = append(all, string(scheme))
	}
	if v.Type = Scheme(s.oneOf(kind, "type", all...)); v.Type == "" {
		return v
	}
	known := schemeKeys[v.Type]
	s.object(l, fmt.Sprintf("verify of %q", v.Type), func(key string, value *literal) bool {
		if key == "type" {
			return true
		}
		if !slices.Contains(known, key) {
			return false
		}
		s.verifyField(&v, key, value)
		return true
	}, append([]string{"type"}, known...)...)
	s.complete(l, &v)
	return v
}

func (s *schema) verifyField(v *Verify, key string, l *literal) {
	switch key {
	case "secret":
		v.Secrets = s.list(l, key, true, s.secretName)
		if len(v.Secrets) > MaxWebhookSecrets {
			s.fail(l, "secret can name %d at most: the old one and the new one", MaxWebhookSecrets)
		}
	case "header":
		v.Header = s.headerName(l, key)
	case "timestamp":
		v.Timestamp = s.headerName(l, key)
	case "algorithm":
		v.Algorithm = s.oneOf(l, key, "sha256", "sha1", "sha384", "sha512")
	case "encoding":
		v.Encoding = s.oneOf(l, key, "hex", "base64", "base64url")
	case "keyEncoding":
		v.KeyEncoding = s.oneOf(l, key, "hex", "base64")
	case "prefix":
		v.Prefix = s.text(l, key)
	case "message":
		v.Message = s.message(l)
	case "jwks":
		v.JWKS = s.jwks(l)
	case "issuer":
		v.Issuer = s.text(l, key)
	case "audience":
		v.Audience = s.list(l, key, true, func(item *literal) string { return item.text })
	}
}

// complete refuses a way to verify that lacks something, or that verifies less
// than it seems to.
func (s *schema) complete(l *literal, v *Verify) {
	var needs []string
	switch v.Type {
	case SchemeJWT:
		needs = []string{"jwks", "issuer", "audience"}
	case SchemeHMAC:
		needs = []string{"secret", "header"}
	default:
		needs = []string{"secret"}
	}
	for _, key := range needs {
		if value := l.get(key); value == nil || value.kind == stringLiteral && value.text == "" || value.kind == arrayLiteral && len(value.items) == 0 {
			s.fail(l, "verify of %q needs %s", v.Type, key)
		}
	}
	switch {
	case v.Message == "":
	case v.Timestamp == "" && strings.Contains(v.Message, "{timestamp}"):
		s.fail(l.get("message"), "message has {timestamp}, and verify does not say which header has it: timestamp")
	case v.Timestamp != "" && !strings.Contains(v.Message, "{timestamp}"):
		s.fail(l.get("message"), "message must have {timestamp} in it: a time that is not signed shows nothing")
	}
}

func (s *schema) secretName(l *literal) string {
	if !secretPattern.MatchString(l.text) {
		s.fail(l, "secret must be the name of a secret, such as \"STRIPE_WEBHOOK\", and never the secret itself")
	}
	return l.text
}

func (s *schema) headerName(l *literal, key string) string {
	name := s.text(l, key)
	if l.kind == stringLiteral && !httpguts.ValidHeaderFieldName(name) {
		s.fail(l, "%s must be the name of a header, not %q", key, name)
	}
	return name
}

var (
	messagePart      = regexp.MustCompile(`\{[^{}]*\}`)
	knownMessagePart = regexp.MustCompile(`^\{(body|timestamp|header\.[A-Za-z0-9-]+)\}$`)
)

// message checks a template such as "{timestamp}.{body}".
func (s *schema) message(l *literal) string {
	text := s.text(l, "message")
	if l.kind != stringLiteral {
		return ""
	}
	for _, part := range messagePart.FindAllString(text, -1) {
		if !knownMessagePart.MatchString(part) {
			s.fail(l, "message has no %s; it can have {body}, {timestamp} and {header.NAME}", part)
		}
	}
	if strings.Count(text, "{body}") != 1 {
		s.fail(l, "message must have {body} in it, once: what is not signed is not verified")
	}
	return text
}

// jwks checks the URL of keys: who could change them on the way could sign.
func (s *schema) jwks(l *literal) string {
	text := s.text(l, "jwks")
	u, err := url.Parse(text)
	local := err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
	if l.kind == stringLiteral && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !local) {
		s.fail(l, "jwks must be the https URL of the issuer's keys, not %q", text)
	}
	return text
}

var dedupePattern = regexp.MustCompile(`^(header\.[A-Za-z0-9_-]+|body(\.[A-Za-z0-9_$-]+)+)$`)

func (s *schema) dedupe(l *literal) *Dedupe {
	if l.kind == boolLiteral && !l.truth {
		return &Dedupe{Off: true}
	}
	if l.kind != objectLiteral {
		s.fail(l, "dedupe must be false or { key, ttl }, not %s", l.kind)
		return nil
	}
	d := &Dedupe{}
	s.object(l, "config.webhook.dedupe", func(key string, v *literal) bool {
		switch key {
		case "key":
			d.Key = s.text(v, key)
			if v.kind == stringLiteral && !dedupePattern.MatchString(d.Key) {
				s.fail(v, `key must be a path to what is the same in equal deliveries, "header.NAME" or "body.event.id", not %q`, d.Key)
			}
		case "ttl":
			d.TTL = s.within(v, key, MaxDedupeTTL)
		default:
			return false
		}
		return true
	}, "key", "ttl")
	return d
}
