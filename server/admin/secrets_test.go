package admin

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/connections"
	"reprise/connections/vault"
	"reprise/runtime/call"
	"reprise/server/api"
)

// safe is the house's place for secrets.
type safe struct{ *house }

func (s safe) did(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, fmt.Sprintf(format, args...))
}

func (s safe) List(context.Context) ([]vault.Secret, error) {
	return []vault.Secret{exampleSecret()}, s.err
}

func (s safe) Set(_ context.Context, name string, value []byte) (vault.Secret, string, error) {
	s.did("set %s %s", name, value)
	if !connections.ValidName(name) {
		return vault.Secret{}, "", call.Errorf(call.CodeInvalidArgument, "this can not be the name of a secret")
	}
	return exampleSecret(), "/a.key", s.err
}

func (s safe) Delete(_ context.Context, name string) error {
	s.did("delete %s", name)
	if name == "NOBODY" {
		return call.Errorf(call.CodeNotFound, "there is no secret %s", name)
	}
	return s.err
}

func (s safe) Rotate(_ context.Context, next *vault.Key) (vault.Rotated, error) {
	s.did("rotate %v", next != nil && *next != vault.Key{})
	return exampleRotated(), s.err
}

func TestSecrets(t *testing.T) {
	f := newFixture(t)
	if all := decode[api.Secrets](t, f.do("GET /api/v1/secrets", "")); len(all.Secrets) != 1 {
		t.Errorf("secrets are %+v", all)
	}
	if set := decode[api.SecretSet](t, f.do("PUT /api/v1/secrets/CRM_KEY", `{"value":"top\u0020secret"}`)); set.KeyFile != "/a.key" || set.Secret.Version != 2 {
		t.Errorf("it is %+v", set)
	}
	if w := f.do("DELETE /api/v1/secrets/CRM_KEY", ""); w.Code != 204 || w.Body.Len() > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if p := problemOf(t, f.do("DELETE /api/v1/secrets/NOBODY", "")); p.Status != 404 {
		t.Errorf("%+v", p)
	}
	if done := decode[vault.Rotated](t, f.do("POST /api/v1/secrets/rotate-key", "")); done != exampleRotated() {
		t.Errorf("%+v", done)
	}
	decode[vault.Rotated](t, f.do("POST /api/v1/secrets/rotate-key", `{"newKey":"`+strings.Repeat("ab", 32)+`"}`))
	if d := cmp.Diff([]string{"set CRM_KEY top secret", "delete CRM_KEY", "delete NOBODY", "rotate false", "rotate true"}, f.secrets); d != "" {
		t.Error(d)
	}
}

func TestSecretsStayPrivate(t *testing.T) {
	// Whatever is wrong with a request: its value is in no answer and in no log.
	const value = "c4nary"
	for name, tc := range map[string]struct {
		request, body string
		status        int
	}{
		"no JSON":         {"PUT /api/v1/secrets/A", value, 400},
		"a text":          {"PUT /api/v1/secrets/A", `"` + value + `"`, 400},
		"half":            {"PUT /api/v1/secrets/A", `{"value":"` + value, 400},
		"more":            {"PUT /api/v1/secrets/A", `{"value":"a"} ` + value, 400},
		"another field":   {"PUT /api/v1/secrets/A", `{"value":"a","` + value + `":1}`, 400},
		"another type":    {"PUT /api/v1/secrets/A", `{"value":["` + value + `"]}`, 400},
		"no text":         {"PUT /api/v1/secrets/A", `{"value":"` + value + "\xff" + `"}`, 400},
		"nothing":         {"PUT /api/v1/secrets/A", "", 400},
		"too much":        {"PUT /api/v1/secrets/A", `{"value":"` + strings.Repeat(value, 200) + `"}`, 413},
		"as the name":     {"PUT /api/v1/secrets/" + value + "-", `{"value":"a"}`, 422},
		"a query":         {"PUT /api/v1/secrets/A?value=" + value, `{"value":"a"}`, 422},
		"an unknown key":  {"POST /api/v1/secrets/rotate-key", `{"newKey":"` + value + `"}`, 422},
		"a key elsewhere": {"POST /api/v1/secrets/rotate-key", `{"` + value + `":1}`, 400},
		"a form":          {"PUT /api/v1/secrets/A", "value=" + value, 415},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			contentType := "application/json"
			if tc.status == 415 {
				contentType = "application/x-www-form-urlencoded"
			}
			w := f.do(tc.request, tc.body, "Content-Type", contentType)
			if w.Code != tc.status || strings.Contains(w.Body.String(), value) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if text := fmt.Sprintf("%+v", f.entries); strings.Contains(text, value) || len(f.entries) != 1 {
				t.Errorf("the log has %s", text)
			}
		})
	}
}

func TestSecretsNeedTheToken(t *testing.T) {
	f := newFixture(t)
	for _, request := range []string{"GET /api/v1/secrets", "PUT /api/v1/secrets/A", "DELETE /api/v1/secrets/A", "POST /api/v1/secrets/rotate-key"} {
		if w := f.do(request, `{"value":"a"}`, "Authorization", ""); w.Code != 401 {
			t.Errorf("%s: %d", request, w.Code)
		}
		if w := f.do(request, `{"value":"a"}`, "Origin", "https://evil.example.com"); w.Code != 403 {
			t.Errorf("%s from another page: %d", request, w.Code)
		}
	}
	if len(f.secrets) > 0 {
		t.Errorf("done was %v", f.secrets)
	}
}
