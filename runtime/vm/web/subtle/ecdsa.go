package subtle

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"math/big"
)

// curve is a curve of ECDSA.
type curve struct {
	name string
	elliptic.Curve
	size   int    // of a coordinate, a number or half a signature, in bytes
	jwkAlg string // the algorithm of JSON Web Signatures that goes with it
}

var curves = [...]*curve{
	{"P-256", elliptic.P256(), 32, "ES256"},
	{"P-384", elliptic.P384(), 48, "ES384"},
	{"P-521", elliptic.P521(), 66, "ES512"},
}

func curveOf(name string) (*curve, error) {
	for _, c := range curves {
		if c.name == name {
			return c, nil
		}
	}
	return nil, fail(nameNotSupported, "the curve %q is not supported; P-256, P-384 and P-521 are", clip(name))
}

// curve returns the curve of a key of ours.
func (k *Key) curve() *curve {
	c, err := curveOf(k.NamedCurve)
	if err != nil {
		panic(err) // it was checked when the key was made
	}
	return c
}

func ecNames(info *Info) []string {
	c, err := curveOf(info.NamedCurve)
	if err != nil {
		return nil
	}
	return []string{c.jwkAlg}
}

func loadEC(p *Params, format string, m Material) (any, Info, error) {
	c, err := curveOf(p.NamedCurve)
	if err != nil {
		return nil, Info{}, err
	}
	material, err := c.load(format, m)
	return material, Info{Name: p.Name, NamedCurve: c.name}, err
}

func (c *curve) load(format string, m Material) (any, error) {
	switch format {
	case "raw":
		return c.point(m.Raw)
	case "spki":
		key, err := parsePublic[*ecdsa.PublicKey](m.Raw)
		if err == nil && key.Curve != c.Curve {
			return nil, c.another()
		}
		return key, err
	case "pkcs8":
		key, err := parsePrivate[*ecdsa.PrivateKey](m.Raw)
		if err == nil && key.Curve != c.Curve {
			return nil, c.another()
		}
		return key, err
	}
	return c.loadJWK(m.JWK)
}

func (c *curve) another() error {
	return fail(nameData, "the key is on another curve than %s", c.name)
}

// point reads an uncompressed point.
func (c *curve) point(b []byte) (*ecdsa.PublicKey, error) {
	key, err := ecdsa.ParseUncompressedPublicKey(c.Curve, b)
	if err != nil {
		return nil, fail(nameData, "the key is no uncompressed point on %s", c.name)
	}
	return key, nil
}

func (c *curve) loadJWK(j *JWK) (any, error) {
	if err := j.checkType("EC"); err != nil {
		return nil, err
	}
	if j.Text["crv"] != c.name {
		return nil, c.another()
	}
	x, err := j.fixed("x", c.size)
	if err != nil {
		return nil, err
	}
	y, err := j.fixed("y", c.size)
	if err != nil {
		return nil, err
	}
	public, err := c.point(append(append([]byte{4}, x...), y...))
	if err != nil || !j.private() {
		return public, err
	}
	d, err := j.fixed("d", c.size)
	if err != nil {
		return nil, err
	}
	private, err := ecdsa.ParseRawPrivateKey(c.Curve, d)
	if err != nil || !private.PublicKey.Equal(public) {
		return nil, fail(nameData, "the key's d does not belong to its x and y")
	}
	return private, nil
}

func saveEC(k *Key, format string) (Material, error) {
	if format == "spki" || format == "pkcs8" {
		return saveDER(k, format)
	}
	failed := fail(nameOperation, "the key can not be written as %s", format)
	private, isPrivate := k.material.(*ecdsa.PrivateKey)
	public, _ := k.material.(*ecdsa.PublicKey)
	if isPrivate {
		public = &private.PublicKey
	}
	point, err := public.Bytes()
	if err != nil {
		return Material{}, failed
	}
	if format == "raw" {
		return Material{Raw: point}, nil
	}
	c, j := k.curve(), newJWK("EC")
	j.Text["crv"] = c.name
	j.set("x", point[1:1+c.size])
	j.set("y", point[1+c.size:])
	if isPrivate {
		d, err := private.Bytes()
		if err != nil {
			return Material{}, failed
		}
		j.set("d", d)
	}
	return Material{JWK: j}, nil
}

// generateEC draws numbers until one is a private key, which nearly all are. Go's
// own function would not take ours.
func generateEC(p *Params, h Host) (any, Info, error) {
	c, err := curveOf(p.NamedCurve)
	if err != nil {
		return nil, Info{}, err
	}
	d := make([]byte, c.size)
	for range 100 {
		h.Random(d)
		if c.name == "P-521" {
			d[0] &= 1 // 521 bits in 66 bytes
		}
		if key, err := ecdsa.ParseRawPrivateKey(c.Curve, d); err == nil {
			return key, Info{Name: p.Name, NamedCurve: c.name}, nil
		}
	}
	return nil, Info{}, fail(nameOperation, "no key was found")
}

// A signature is r and s, each as long as a number of the curve; Go has them as
// an ASN.1 sequence.
type ecSignature struct{ R, S *big.Int }

// signEC signs without randomness, as RFC 6979 says.
func signEC(p *Params, k *Key, data []byte, _ Host) ([]byte, error) {
	failed := fail(nameOperation, "ECDSA failed")
	der, err := k.material.(*ecdsa.PrivateKey).Sign(nil, sum(p.Hash, data), hashes[p.Hash])
	if err != nil {
		return nil, failed
	}
	var sig ecSignature
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return nil, failed
	}
	size := k.curve().size
	out := make([]byte, 2*size)
	sig.R.FillBytes(out[:size])
	sig.S.FillBytes(out[size:])
	return out, nil
}

func verifyEC(p *Params, k *Key, signature, data []byte) (bool, error) {
	size := k.curve().size
	if len(signature) != 2*size {
		return false, nil
	}
	der, err := asn1.Marshal(ecSignature{new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])})
	if err != nil {
		return false, nil //nolint:nilerr // then it is no signature
	}
	return ecdsa.VerifyASN1(k.material.(*ecdsa.PublicKey), sum(p.Hash, data), der), nil
}
