package subtle

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"slices"
	"strings"
)

// Material is a key outside of a Key: a JSON Web Key, or the bytes of another
// format.
type Material struct {
	Raw []byte
	JWK *JWK
}

// Formats are the formats of keys.
var Formats = []string{"raw", "spki", "pkcs8", "jwk"}

// Import is SubtleCrypto.importKey.
func Import(format string, m Material, p *Params, extractable bool, u Usages) (*Key, error) {
	a := find(p.Name)
	keyType, err := a.typeOf(format, m)
	if err != nil {
		return nil, err
	}
	if err := a.checkUsages(keyType, u); err != nil {
		return nil, err
	}
	if extractable && a.derive != nil {
		return nil, fail(nameSyntax, "a %s key can not be extractable", a.name)
	}
	m.Raw = bytes.Clone(m.Raw) // which the key keeps
	material, info, err := a.load(p, format, m)
	if err != nil {
		return nil, err
	}
	if m.JWK != nil {
		if err := m.JWK.check(a, &info, extractable, u); err != nil {
			return nil, err
		}
	}
	if keyType != publicKey && u == 0 {
		return nil, fail(nameSyntax, "a %s key needs usages; one for %s can have %q", keyType, a.name, a.allowed(keyType).Names())
	}
	return &Key{Type: keyType, Extractable: extractable, Usages: u, Info: info, material: material}, nil
}

// typeOf says what type of key a format holds.
func (a *algorithm) typeOf(format string, m Material) (string, error) {
	if !slices.Contains(strings.Fields(a.formats), format) {
		return "", fail(nameNotSupported, "%s keys have no format %q; they have %s", a.name, format, a.formats)
	}
	switch {
	case a.secret != 0:
		return secretKey, nil
	case format == "pkcs8" || format == "jwk" && m.JWK.private():
		return privateKey, nil
	}
	return publicKey, nil
}

func (a *algorithm) checkUsages(keyType string, u Usages) error {
	if wrong := u &^ a.allowed(keyType); wrong != 0 {
		return fail(nameSyntax, "a %s key for %s can not be used for %q; it can for %q", keyType, a.name, wrong.Names(), a.allowed(keyType).Names())
	}
	return nil
}

// Export is SubtleCrypto.exportKey. The bytes may be the key's own.
func Export(format string, k *Key) (Material, error) {
	a := find(k.Name)
	if !slices.Contains(strings.Fields(a.formats), format) || a.save == nil {
		return Material{}, fail(nameNotSupported, "%s keys can not be exported as %q", a.name, format)
	}
	if !k.Extractable {
		return Material{}, fail(nameInvalidAccess, "the key is not extractable")
	}
	if format == "pkcs8" && k.Type != privateKey || (format == "spki" || format == "raw" && a.secret == 0) && k.Type != publicKey {
		return Material{}, fail(nameInvalidAccess, "a %s key has no format %q", k.Type, format)
	}
	m, err := a.save(k, format)
	if err == nil && m.JWK != nil {
		m.JWK.describe(a, k)
	}
	return m, err
}

// Generate is SubtleCrypto.generateKey. public is nil when the key is a secret.
func Generate(p *Params, extractable bool, u Usages, h Host) (key, public *Key, err error) {
	a := find(p.Name)
	if wrong := u &^ (a.secret | a.public | a.private); wrong != 0 {
		return nil, nil, fail(nameSyntax, "keys for %s can not be used for %q", a.name, wrong.Names())
	}
	keyType := secretKey
	if a.secret == 0 {
		keyType = privateKey
	}
	if u&a.allowed(keyType) == 0 {
		return nil, nil, fail(nameSyntax, "a %s key needs usages; one for %s can have %q", keyType, a.name, a.allowed(keyType).Names())
	}
	material, info, err := a.generate(p, h)
	if err != nil {
		return nil, nil, err
	}
	key = &Key{Type: keyType, Extractable: extractable, Usages: u & a.allowed(keyType), Info: info, material: material}
	if signer, ok := material.(interface{ Public() crypto.PublicKey }); ok {
		public = &Key{Type: publicKey, Extractable: true, Usages: u & a.public, Info: info, material: signer.Public()}
	}
	return key, public, nil
}

// parsePublic reads a SubjectPublicKeyInfo.
func parsePublic[T any](der []byte) (key T, err error) {
	if len(der) > maxKeyText {
		return key, tooLong("spki", len(der))
	}
	any, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return key, fail(nameData, "the key is no SubjectPublicKeyInfo (spki)")
	}
	return ofType[T](any)
}

// parsePrivate reads a PKCS #8 PrivateKeyInfo.
func parsePrivate[T any](der []byte) (key T, err error) {
	if len(der) > maxKeyText {
		return key, tooLong("pkcs8", len(der))
	}
	any, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return key, fail(nameData, "the key is no PrivateKeyInfo (pkcs8)")
	}
	return ofType[T](any)
}

func ofType[T any](key any) (T, error) {
	k, ok := key.(T)
	if !ok {
		return k, fail(nameData, "the key is one of another algorithm")
	}
	return k, nil
}

func tooLong(format string, n int) error {
	return fail(nameData, "a key of %d bytes (%s) is too long; the most is %d", n, format, maxKeyText)
}

// saveDER writes the two formats that all pairs have.
func saveDER(k *Key, format string) (m Material, err error) {
	if format == "spki" {
		m.Raw, err = x509.MarshalPKIXPublicKey(k.material)
	} else {
		m.Raw, err = x509.MarshalPKCS8PrivateKey(k.material)
	}
	if err != nil {
		return m, fail(nameOperation, "the key can not be written as %s", format)
	}
	return m, nil
}
