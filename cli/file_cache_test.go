package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/connections/cache"
)

func TestACacheOfManyLogins(t *testing.T) {
	_, err := load(t, "connections:\n  x: {baseURL: \"http://a\", cache: true, auth: {oauth2: {grant: authorizationCode, authorizationURL: \"http://a/a\", tokenURL: \"http://a/t\", clientId: c}}}\n", nil)
	if err == nil || !strings.Contains(err.Error(), "x: cache can not be with a login") {
		t.Errorf("%v", err)
	}
}

func TestCacheOfTheFile(t *testing.T) {
	for text, want := range map[string]*cache.Rules{
		"true":  {MaxEntries: 1000, MaxBytes: 16 << 20},
		"{}":    {MaxEntries: 1000, MaxBytes: 16 << 20},
		"false": nil,
		"{ttl: 1m, staleWhileRevalidate: 10s, maxEntries: 5, maxBytes: 1MiB, private: true}": {TTL: time.Minute, StaleWhileRevalidate: 10 * time.Second, MaxEntries: 5, MaxBytes: 1 << 20, Private: true},
	} {
		c, err := load(t, "connections:\n  x: {baseURL: \"http://a\", cache: "+text+"}\n", nil)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, c.Connections[0].Cache); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	for text, want := range map[string]string{
		"{tll: 1m}":       `reprise.yaml:2:36: there is no setting "tll"`,
		"{ttl: soon}":     `connections.x.cache.ttl: "soon" is not a duration`,
		"{maxEntries: 0}": "connections.x.cache.maxEntries: it is 0",
		"{maxBytes: 3M}":  "connections.x.cache.maxBytes: ",
		"sometimes":       "reprise.yaml:2:35: ",
	} {
		_, err := load(t, "connections:\n  x: {baseURL: \"http://a\", cache: "+text+"}\n", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
