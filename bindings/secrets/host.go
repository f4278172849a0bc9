package secrets

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"reprise/connections"
	"reprise/runtime/call"
)

// Host is the host side: it signs with values that scripts never see. It is safe for
// concurrent use.
type Host struct {
	secrets *connections.Secrets
}

// New makes the host side.
func New(s *connections.Secrets) *Host { return &Host{secrets: s} }

// Kinds implements the engine's Binding.
func (h *Host) Kinds() map[string]call.Shape {
	return map[string]call.Shape{KindSign: call.ShapeDo}
}

// Do implements the engine's Doer: it performs "secrets.sign" calls.
func (h *Host) Do(_ context.Context, p *call.Performance) call.Outcome {
	value, err := h.sign(p)
	if err != nil {
		return call.Failed(p.Call.ID, call.From(err))
	}
	text, err := json.Marshal(value)
	if err != nil {
		return call.Failed(p.Call.ID, call.From(err))
	}
	return call.OK(p.Call.ID, text)
}

// encodings are the texts that a signature can be.
var encodings = map[string]interface {
	EncodeToString(b []byte) string
	DecodeString(text string) ([]byte, error)
}{"hex": hexText{}, "base64": base64.StdEncoding, "base64url": base64.RawURLEncoding}

type hexText struct{}

func (hexText) EncodeToString(b []byte) string           { return hex.EncodeToString(b) }
func (hexText) DecodeString(text string) ([]byte, error) { return hex.DecodeString(text) }

// sign returns the signature as text, or whether the one that was given is right.
func (h *Host) sign(p *call.Performance) (any, error) {
	var s Signing
	if err := json.Unmarshal(p.Call.Args, &s); err != nil {
		return nil, call.Errorf(call.CodeInvalidArgument, "the arguments of %s can not be read: %s", p.Call.Kind, err)
	}
	if known := connections.SigningAlgorithms(); !slices.Contains(known, s.Algorithm) {
		return nil, call.Errorf(call.CodeInvalidArgument, "there is no algorithm %q; there are %s", s.Algorithm, strings.Join(known, ", "))
	}
	encoding, ok := encodings[s.Encoding]
	if !ok {
		return nil, call.Errorf(call.CodeInvalidArgument, "a signature can be in hex, base64 or base64url, not in %q", s.Encoding)
	}
	use := h.secrets.Use(p.By.SecretKey)
	key, err := use.SigningKey(s.Key, s.Algorithm, s.KeyEncoding)
	if err != nil {
		return nil, err
	}
	data, err := p.Read(p.Call.Body)
	if err != nil {
		return nil, err
	}
	if data, err = use.Body(data, ""); err != nil { // some APIs have the secret in what is signed
		return nil, err
	}
	if s.Verify {
		signature, err := encoding.DecodeString(s.Signature)
		return err == nil && key.Verify(data, signature), nil
	}
	signature, err := key.Sign(data)
	if err != nil {
		return nil, call.Errorf(call.CodeInternal, "%s could not sign: %s", s.Algorithm, err)
	}
	return encoding.EncodeToString(signature), nil
}
