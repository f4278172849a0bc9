package subtle

import (
	"encoding/base64"
	"slices"
	"strings"
)

// JWK is a JSON Web Key (RFC 7517). Members that are absent are not in Text.
type JWK struct {
	// Text has the members that are strings, by their names.
	Text map[string]string
	// KeyOps is nil when it is absent.
	KeyOps []string
	Ext    *bool
	// Primes says that there are more than two of them (oth).
	Primes bool
}

// TextMembers are the members of a JSON Web Key that are strings, in the order
// in which an exported one has them.
var TextMembers = []string{"kty", "use", "alg", "crv", "x", "y", "k", "n", "e", "d", "p", "q", "dp", "dq", "qi"}

// check checks what a key says about itself against what it is imported as.
func (j *JWK) check(a *algorithm, info *Info, extractable bool, u Usages) error {
	names := a.jwkNames(info)
	if alg, ok := j.Text["alg"]; ok && !slices.Contains(names, alg) {
		return fail(nameData, "the key's alg is %q, and it is imported as %q", clip(alg), names[0])
	}
	want := "sig"
	if (a.secret|a.private)&UseDecrypt != 0 {
		want = "enc"
	}
	if use, ok := j.Text["use"]; ok && u != 0 && use != want {
		return fail(nameData, "the key's use is %q, and it is imported for %q", clip(use), u.Names())
	}
	if err := j.checkOps(u); err != nil {
		return err
	}
	if extractable && j.Ext != nil && !*j.Ext {
		return fail(nameData, "the key says that it is not extractable (ext)")
	}
	return nil
}

func (j *JWK) checkOps(u Usages) error {
	if j.KeyOps == nil {
		return nil
	}
	var has Usages
	for i, op := range j.KeyOps {
		if slices.Contains(j.KeyOps[:i], op) {
			return fail(nameData, "key_ops has %q twice", clip(op))
		}
		has |= usageOf(op)
	}
	if missing := u &^ has; missing != 0 {
		return fail(nameData, "the key's key_ops do not have %q", missing.Names())
	}
	return nil
}

// describe adds what an exported key says about itself.
func (j *JWK) describe(a *algorithm, k *Key) {
	if k.NamedCurve == "" { // of ECDSA, the standard says it with crv alone
		j.Text["alg"] = a.jwkNames(&k.Info)[0]
	}
	j.KeyOps = k.Usages.Names()
	j.Ext = &k.Extractable
}

// private tells the key of a pair that is not for others.
func (j *JWK) private() bool {
	_, ok := j.Text["d"]
	return ok
}

func (j *JWK) checkType(kty string) error {
	if j.Text["kty"] != kty {
		return fail(nameData, "the key's kty must be %q, not %q", kty, clip(j.Text["kty"]))
	}
	return nil
}

// bytes decodes a member.
func (j *JWK) bytes(name string) ([]byte, error) {
	text, ok := j.Text[name]
	if !ok {
		return nil, fail(nameData, "the key has no %s", name)
	}
	if name != "k" && len(text) > maxKeyText {
		return nil, tooLong(name, len(text))
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, fail(nameData, "the key's %s is not base64url without padding", name)
	}
	return b, nil
}

// fixed decodes a member that has a certain length.
func (j *JWK) fixed(name string, n int) ([]byte, error) {
	b, err := j.bytes(name)
	if err == nil && len(b) != n {
		return nil, fail(nameData, "the key's %s must have %d bytes, not %d", name, n, len(b))
	}
	return b, err
}

// newJWK makes a key of pairs of a name and bytes.
func newJWK(kty string) *JWK { return &JWK{Text: map[string]string{"kty": kty}} }

func (j *JWK) set(name string, b []byte) { j.Text[name] = base64.RawURLEncoding.EncodeToString(b) }
