package subtle

import (
	"bytes"
	"crypto/ed25519"
)

var infoEd25519 = Info{Name: "Ed25519"}

func ed25519Names(*Info) []string { return []string{"Ed25519", "EdDSA"} }

func loadEd25519(_ *Params, format string, m Material) (key any, _ Info, err error) {
	switch format {
	case "raw":
		if len(m.Raw) != ed25519.PublicKeySize {
			return nil, Info{}, fail(nameData, "an Ed25519 public key has 32 bytes, not %d", len(m.Raw))
		}
		key = ed25519.PublicKey(m.Raw)
	case "spki":
		key, err = parsePublic[ed25519.PublicKey](m.Raw)
	case "pkcs8":
		key, err = parsePrivate[ed25519.PrivateKey](m.Raw)
	default:
		key, err = jwkEd25519(m.JWK)
	}
	return key, infoEd25519, err
}

func jwkEd25519(j *JWK) (any, error) {
	if err := j.checkType("OKP"); err != nil {
		return nil, err
	}
	if j.Text["crv"] != "Ed25519" {
		return nil, fail(nameData, "the key's crv must be \"Ed25519\", not %q", clip(j.Text["crv"]))
	}
	x, err := j.fixed("x", ed25519.PublicKeySize)
	if err != nil || !j.private() {
		return ed25519.PublicKey(x), err
	}
	seed, err := j.fixed("d", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	if !bytes.Equal(publicEd25519(key), x) {
		return nil, fail(nameData, "the key's d does not belong to its x")
	}
	return key, nil
}

func publicEd25519(key ed25519.PrivateKey) []byte { return key[ed25519.SeedSize:] }

func saveEd25519(k *Key, format string) (Material, error) {
	if format == "spki" || format == "pkcs8" {
		return saveDER(k, format)
	}
	private, isPrivate := k.material.(ed25519.PrivateKey)
	public, _ := k.material.(ed25519.PublicKey)
	if format == "raw" {
		return Material{Raw: public}, nil
	}
	j := newJWK("OKP")
	j.Text["crv"] = "Ed25519"
	if isPrivate {
		public = publicEd25519(private)
		j.set("d", private.Seed())
	}
	j.set("x", public)
	return Material{JWK: j}, nil
}

func generateEd25519(_ *Params, h Host) (any, Info, error) {
	seed := make([]byte, ed25519.SeedSize)
	h.Random(seed)
	return ed25519.NewKeyFromSeed(seed), infoEd25519, nil
}

func signEd25519(_ *Params, k *Key, data []byte, _ Host) ([]byte, error) {
	return ed25519.Sign(k.material.(ed25519.PrivateKey), data), nil
}

func verifyEd25519(_ *Params, k *Key, signature, data []byte) (bool, error) {
	return len(signature) == ed25519.SignatureSize && ed25519.Verify(k.material.(ed25519.PublicKey), data, signature), nil
}
