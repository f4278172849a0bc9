package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"reprise/connections"
	"reprise/connections/vault"
	"reprise/runtime/call"
	"reprise/server/api"
	"reprise/server/problem"
)

// Secrets keeps the values of secrets. *vault.Vault is one. Errors are
// *call.Error.
type Secrets interface {
	// List describes all secrets, by name.
	List(ctx context.Context) ([]vault.Secret, error)
	// Set keeps a value. keyFile is the file of the master key, if there should be
	// a backup of it now.
	Set(ctx context.Context, name string, value []byte) (s vault.Secret, keyFile string, err error)
	// Delete forgets one.
	Delete(ctx context.Context, name string) error
	// Rotate seals all anew, with next or with a random master key.
	Rotate(ctx context.Context, next *vault.Key) (vault.Rotated, error)
}

const secretsPath = "/api/v1/secrets"

// maxSecretBody is the largest request with a value: each of its bytes may be
// written as six, \u0041, and the object is around it.
const maxSecretBody = 6*vault.MaxValue + 1<<10

// secretEndpoints registers what keeps secrets. Bodies are taken as text and
// read here: what huma says of a body that is wrong quotes it, and a value must
// be in no answer and in no log.
func (a *admin) secretEndpoints(h huma.API) {
	const secrets, secret, rotate = secretsPath, secretsPath + "/{name}", secretsPath + "/rotate-key"
	huma.Register(h, a.operation(h, http.MethodGet, secrets, "listSecrets", "All secrets, by name, without their values", ""), a.listSecrets)
	example(h, secrets, http.MethodGet, "200", api.Secrets{Secrets: []vault.Secret{exampleSecret()}})

	set := a.operation(h, http.MethodPut, secret, "setSecret", "Set a secret",
		"The value is kept, sealed, in the server's store, and is there for the next call. Nothing gives it back. 409 when there is no master key to be had, or no room.")
	a.private(&set)
	huma.Register(h, set, a.setSecret)
	describeBody[api.SetSecret](h.OpenAPI(), h.OpenAPI().Paths[secret].Put, true, map[string]any{"value": "…"})
	example(h, secret, http.MethodPut, "200", api.SecretSet{Secret: exampleSecret()})

	huma.Register(h, a.operation(h, http.MethodDelete, secret, "deleteSecret", "Delete a secret",
		"404 when the store does not keep it. One that is in the environment of the server can not be deleted."), a.deleteSecret)

	again := a.operation(h, http.MethodPost, rotate, "rotateKey", "Seal all secrets with another master key",
		"Without a body the server makes the key, and writes it to the file that has the one before. Where the key is in the server's environment, newKey is needed, and the next start has to be given it. 409 when there is nothing to rotate, or the file can not be written.")
	a.private(&again)
	huma.Register(h, again, a.rotateKey)
	describeBody[api.RotateKey](h.OpenAPI(), h.OpenAPI().Paths[rotate].Post, false, nil)
	example(h, rotate, http.MethodPost, "200", exampleRotated())
}

// private prepares an endpoint whose body nobody may see.
func (a *admin) private(op *huma.Operation) {
	op.DefaultStatus = http.StatusOK
	op.BodyReadTimeout = bodyTimeout
	op.SkipValidateBody = true // readPrivate does
	op.MaxBodyBytes = min(maxSecretBody, a.MaxBody)
}

// describeBody documents a body that is taken as text.
func describeBody[T any](o *huma.OpenAPI, op *huma.Operation, required bool, example any) {
	op.RequestBody.Required = required
	op.RequestBody.Content["application/json"] = &huma.MediaType{Schema: schemaOf[T](o), Example: example}
}

func (a *admin) listSecrets(ctx context.Context, _ *struct{}) (*body[api.Secrets], error) {
	all, err := a.Secrets.List(ctx)
	if err != nil {
		return nil, problem.Of(err)
	}
	return &body[api.Secrets]{api.Secrets{Secrets: all}}, nil
}

type setSecretInput struct {
	Name        string `path:"name" doc:"Letters, digits and underscores" example:"CRM_KEY"`
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/json"`
}

func (a *admin) setSecret(ctx context.Context, in *setSecretInput) (*body[api.SecretSet], error) {
	defer clear(in.RawBody) // the buffer is used again
	var req api.SetSecret
	if p := readPrivate(in.ContentType, in.RawBody, &req); p != nil {
		return nil, p
	}
	value := []byte(req.Value)
	defer clear(value)
	s, keyFile, err := a.Secrets.Set(ctx, in.Name, value)
	if err != nil {
		return nil, problem.Of(err)
	}
	return &body[api.SecretSet]{api.SecretSet{Secret: s, KeyFile: keyFile}}, nil
}

type secretInput struct {
	Name string `path:"name"`
}

func (a *admin) deleteSecret(ctx context.Context, in *secretInput) (*struct{}, error) {
	if err := a.Secrets.Delete(ctx, in.Name); err != nil {
		return nil, problem.Of(err)
	}
	return nil, nil
}

type rotateInput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/json"`
}

func (a *admin) rotateKey(ctx context.Context, in *rotateInput) (*body[vault.Rotated], error) {
	defer clear(in.RawBody) // the buffer is used again
	var req api.RotateKey
	if len(in.RawBody) > 0 {
		if p := readPrivate(in.ContentType, in.RawBody, &req); p != nil {
			return nil, p
		}
	}
	var next *vault.Key
	if req.NewKey != "" {
		var err error
		if next, err = vault.ParseKey(req.NewKey); err != nil {
			return nil, field("body.newKey", err.Error(), nil)
		}
		defer next.Wipe()
	}
	done, err := a.Secrets.Rotate(ctx, next)
	if err != nil {
		return nil, problem.Of(err)
	}
	return &body[vault.Rotated]{done}, nil
}

// withoutValue is a path that can be logged: a value in the place of a name is
// not in it.
func withoutValue(path string) string {
	name, ok := strings.CutPrefix(path, secretsPath+"/")
	if !ok || name == "rotate-key" || connections.ValidName(name) {
		return path
	}
	return secretsPath + "/…"
}

// readPrivate reads a JSON object without ever saying what is in it.
func readPrivate(contentType string, text []byte, into any) *problem.Problem {
	if media, _, err := mime.ParseMediaType(contentType); contentType != "" && (err != nil || media != "application/json") {
		return invalid(&huma.ErrorModel{Status: http.StatusUnsupportedMediaType}, 0)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	// Of bytes that are no text the decoder would make something else.
	if err := d.Decode(into); err != nil || !utf8.Valid(text) || len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		return problem.New(http.StatusBadRequest, call.CodeInvalidJSON, "the request's body is not the JSON object that is expected; what is in it is not repeated, because it may be a secret").
			WithHint("Look at /openapi.json for its fields. A value is text: it needs quotes.")
	}
	return nil
}

func exampleSecret() vault.Secret {
	at := exampleTime().Truncate(time.Millisecond)
	return vault.Secret{Name: "CRM_KEY", Source: vault.Stored, Version: 2, SetAt: &at, Hosts: []string{"crm.example.com"}}
}

func exampleRotated() vault.Rotated {
	const file = "/home/ada/.config/reprise/keys/4b0d2f6a91c3e85d.key"
	return vault.Rotated{Secrets: 3, Fingerprint: "5f0c91ab", KeyFile: file, OldKeyFile: file + ".old-91bc04fe"}
}
