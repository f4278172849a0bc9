package connections

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"math/big"
	"slices"

	"github.com/lestrrat-go/jwx/v3/jwk"

	"reprise/runtime/call"
)

// hmacs are the algorithms that sign with a text that both sides know, by the name
// of their hash.
var hmacs = map[string]func() hash.Hash{"SHA-1": sha1.New, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New}

// pairs are those that sign with a private key, as RFC 7518 names them.
var pairs = map[string]crypto.Hash{
	"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512, "PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512,
	"ES256": crypto.SHA256, "ES384": crypto.SHA384, "ES512": crypto.SHA512, "EdDSA": 0,
}

// SigningAlgorithms are the names that a SigningKey can have, sorted.
func SigningAlgorithms() []string {
	return slices.Sorted(slices.Values(slices.AppendSeq(slices.Collect(maps.Keys(hmacs)), maps.Keys(pairs))))
}

// SigningKey is a secret that signs: as the key of an HMAC ("SHA-256"), or as a
// private key, PEM or JWK ("ES256").
type SigningKey struct {
	algorithm string
	secret    []byte        // of an HMAC
	private   crypto.Signer // of the others
}

// errWrongKey says nothing of the key: its text might be in the error of a parser.
var errWrongKey = errors.New("the key can not be read; it is a private key in PEM or a JWK, or for an HMAC a text")

// SigningKey returns the key that a token of the run stands for. encoding is how the
// text of an HMAC's key has its bytes: "" as they are, "base64" or "hex". Errors are
// *call.Error.
func (u *Use) SigningKey(token, algorithm, encoding string) (*SigningKey, error) {
	if _, ok := IsToken(token); !ok {
		return nil, call.Errorf(call.CodeInvalidArgument, "the key must be secret(NAME); for a key that the script may know there is crypto.subtle")
	}
	value, err := u.Text(token)
	if err != nil {
		return nil, err
	}
	if value == token {
		return nil, call.Errorf(call.CodeInvalidArgument, "the key is not a secret of this run; call secret(NAME) in the handler")
	}
	k := &SigningKey{algorithm: algorithm}
	if _, ok := hmacs[algorithm]; ok {
		k.secret, err = decodeKey(value, encoding)
	} else {
		k.private, err = signerOf(value, algorithm)
	}
	if err != nil {
		return nil, call.Errorf(call.CodeInvalidArgument, "%s: %s", algorithm, err)
	}
	return k, nil
}

func decodeKey(value, encoding string) (key []byte, err error) {
	switch encoding {
	case "":
		return []byte(value), nil
	case "base64":
		key, err = base64.StdEncoding.DecodeString(value)
	case "hex":
		key, err = hex.DecodeString(value)
	default:
		return nil, fmt.Errorf("a key can be in base64 or hex, not in %q", encoding)
	}
	if err != nil {
		return nil, fmt.Errorf("the key is not in %s", encoding)
	}
	return key, nil
}

func signerOf(value, algorithm string) (crypto.Signer, error) {
	parsed, err := (&JWT{Key: value}).key()
	key, ok := parsed.(jwk.Key)
	if err != nil || !ok {
		return nil, errWrongKey
	}
	var raw any
	if err := jwk.Export(key, &raw); err != nil {
		return nil, errWrongKey
	}
	signer, ok := raw.(crypto.Signer)
	if !ok || !fits(signer.Public(), algorithm) {
		return nil, errors.New("the key is not one for this algorithm")
	}
	return signer, nil
}

// fits reports whether an algorithm is for keys of that kind.
func fits(public crypto.PublicKey, algorithm string) bool {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return algorithm[0] == 'R' || algorithm[0] == 'P'
	case *ecdsa.PublicKey:
		bits := map[string]int{"ES256": 256, "ES384": 384, "ES512": 521}
		return bits[algorithm] == public.Curve.Params().BitSize
	case ed25519.PublicKey:
		return algorithm == "EdDSA"
	}
	return false
}

// Sign returns the signature of data, that of ECDSA in the form of RFC 7518.
func (k *SigningKey) Sign(data []byte) ([]byte, error) {
	if k.private == nil {
		m := hmac.New(hmacs[k.algorithm], k.secret)
		m.Write(data)
		return m.Sum(nil), nil
	}
	digest := k.digest(data)
	if key, ok := k.private.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		if err != nil {
			return nil, err
		}
		size := (key.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), nil
	}
	return k.private.Sign(rand.Reader, digest, k.options())
}

// Verify reports whether signature is one of data by this key.
func (k *SigningKey) Verify(data, signature []byte) bool {
	if k.private == nil {
		want, _ := k.Sign(data) // an HMAC never fails
		return hmac.Equal(want, signature)
	}
	digest := k.digest(data)
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		if o, ok := k.options().(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(public, pairs[k.algorithm], digest, signature, o) == nil
		}
		return rsa.VerifyPKCS1v15(public, pairs[k.algorithm], digest, signature) == nil
	case *ecdsa.PublicKey:
		size := (public.Curve.Params().BitSize + 7) / 8
		return len(signature) == 2*size && ecdsa.Verify(public, digest, new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:]))
	case ed25519.PublicKey:
		return ed25519.Verify(public, data, signature)
	}
	return false
}

// digest is what is signed: EdDSA takes the data itself.
func (k *SigningKey) digest(data []byte) []byte {
	h := pairs[k.algorithm]
	if h == 0 {
		return data
	}
	w := h.New()
	w.Write(data)
	return w.Sum(nil)
}

func (k *SigningKey) options() crypto.SignerOpts {
	if k.algorithm[0] == 'P' {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: pairs[k.algorithm]}
	}
	return pairs[k.algorithm]
}
