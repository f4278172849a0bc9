package subtle

import (
	"bytes"
	"crypto/rsa"
	"math/big"
	"slices"
)

// The members of a JSON Web Key that a private RSA key has, besides n, e and d.
var rsaMembers = []string{"p", "q", "dp", "dq", "qi"}

var errPrimes = fail(nameNotSupported, "RSA keys of more than two primes are not supported")

func rsaNames(prefix string) func(*Info) []string {
	return func(info *Info) []string {
		suffix := hashSuffix[info.Hash]
		if prefix != "RSA-OAEP" {
			return []string{prefix + suffix}
		}
		if info.Hash == "SHA-1" {
			return []string{prefix}
		}
		return []string{prefix + "-" + suffix}
	}
}

func loadRSA(p *Params, format string, m Material) (key any, info Info, err error) {
	var public *rsa.PublicKey
	switch {
	case format == "spki":
		public, err = parsePublic[*rsa.PublicKey](m.Raw)
		key = public
	case format == "pkcs8":
		var private *rsa.PrivateKey
		if private, err = parsePrivate[*rsa.PrivateKey](m.Raw); err == nil {
			key, public = private, &private.PublicKey
			if len(private.Primes) != 2 {
				err = errPrimes
			}
		}
	default:
		key, public, err = jwkRSA(m.JWK)
	}
	if err == nil {
		err = checkRSA(public)
	}
	if err != nil {
		return nil, Info{}, err
	}
	return key, rsaInfo(p, public), nil
}

func rsaInfo(p *Params, public *rsa.PublicKey) Info {
	return Info{Name: p.Name, Hash: p.Hash, ModulusLength: public.N.BitLen(), PublicExponent: big.NewInt(int64(public.E)).Bytes()}
}

// checkRSA checks what Go leaves to the operations.
func checkRSA(key *rsa.PublicKey) error {
	if n := key.N.BitLen(); n < minModulus || n > maxModulus {
		return fail(nameNotSupported, "RSA keys have %d to %d bits here, not %d", minModulus, maxModulus, n)
	}
	if key.N.Bit(0) == 0 || key.E < 3 || key.E&1 == 0 {
		return fail(nameData, "the key is no RSA key: its modulus and its exponent must be odd")
	}
	return nil
}

func jwkRSA(j *JWK) (key any, public *rsa.PublicKey, err error) {
	if err := j.checkType("RSA"); err != nil {
		return nil, nil, err
	}
	n, err := j.bytes("n")
	if err != nil {
		return nil, nil, err
	}
	e, err := j.bytes("e")
	if err != nil {
		return nil, nil, err
	}
	exponent := new(big.Int).SetBytes(e)
	if exponent.BitLen() > 31 {
		return nil, nil, fail(nameNotSupported, "an RSA exponent of %d bits is not supported; it is 65537 nearly always", exponent.BitLen())
	}
	public = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}
	if err := checkRSA(public); err != nil || !j.private() {
		return public, public, err
	}
	private, err := jwkRSAPrivate(j, public)
	return private, public, err
}

func jwkRSAPrivate(j *JWK, public *rsa.PublicKey) (*rsa.PrivateKey, error) {
	if j.Primes {
		return nil, errPrimes
	}
	numbers := map[string]*big.Int{}
	for _, name := range slices.Concat([]string{"d"}, rsaMembers) {
		b, err := j.bytes(name)
		if err != nil {
			return nil, err
		}
		numbers[name] = new(big.Int).SetBytes(b)
		if numbers[name].BitLen() > public.N.BitLen() {
			return nil, fail(nameData, "the key's %s is longer than its n", name)
		}
	}
	key := &rsa.PrivateKey{PublicKey: *public, D: numbers["d"], Primes: []*big.Int{numbers["p"], numbers["q"]}}
	wrong := fail(nameData, "the numbers of the RSA key do not belong together")
	if key.Validate() != nil {
		return nil, wrong
	}
	key.Precompute()
	if key.Precomputed.Dp.Cmp(numbers["dp"]) != 0 || key.Precomputed.Dq.Cmp(numbers["dq"]) != 0 || key.Precomputed.Qinv.Cmp(numbers["qi"]) != 0 {
		return nil, wrong
	}
	return key, nil
}

func saveRSA(k *Key, format string) (Material, error) {
	if format != "jwk" {
		return saveDER(k, format)
	}
	private, isPrivate := k.material.(*rsa.PrivateKey)
	public, _ := k.material.(*rsa.PublicKey)
	j := newJWK("RSA")
	if isPrivate {
		public = &private.PublicKey
		j.set("d", private.D.Bytes())
		pre := private.Precomputed
		for i, n := range []*big.Int{private.Primes[0], private.Primes[1], pre.Dp, pre.Dq, pre.Qinv} {
			j.set(rsaMembers[i], n.Bytes())
		}
	}
	j.set("n", public.N.Bytes())
	j.set("e", big.NewInt(int64(public.E)).Bytes())
	return Material{JWK: j}, nil
}

func signPKCS1(_ *Params, k *Key, data []byte, _ Host) ([]byte, error) {
	out, err := rsa.SignPKCS1v15(nil, k.material.(*rsa.PrivateKey), hashes[k.Hash], sum(k.Hash, data))
	if err != nil {
		return nil, fail(nameOperation, "RSASSA-PKCS1-v1_5 failed: the key is too short for %s, or not sound", k.Hash)
	}
	return out, nil
}

func verifyPKCS1(_ *Params, k *Key, signature, data []byte) (bool, error) {
	return rsa.VerifyPKCS1v15(k.material.(*rsa.PublicKey), hashes[k.Hash], sum(k.Hash, data), signature) == nil, nil
}

// pssOptions reads the length of the salt. Go takes 0 to mean any.
func pssOptions(p *Params) (*rsa.PSSOptions, error) {
	n := p.number("saltLength", 0)
	if n == 0 {
		return nil, fail(nameNotSupported, "RSA-PSS without a salt is not supported; saltLength is usually that of the hash in bytes")
	}
	return &rsa.PSSOptions{SaltLength: n}, nil
}

func signPSS(p *Params, k *Key, data []byte, h Host) ([]byte, error) {
	options, err := pssOptions(p)
	if err != nil {
		return nil, err
	}
	key, size := k.material.(*rsa.PrivateKey), hashes[k.Hash].Size()
	if most := (key.N.BitLen()+6)/8 - size - 2; options.SaltLength > most {
		return nil, fail(nameOperation, "a saltLength of %d is too much for the key; the most is %d", options.SaltLength, most)
	}
	return withDrawn(options.SaltLength, h, func(salt *bytes.Reader) ([]byte, error) {
		return rsa.SignPSS(salt, key, hashes[k.Hash], sum(k.Hash, data), options)
	})
}

func verifyPSS(p *Params, k *Key, signature, data []byte) (bool, error) {
	options, err := pssOptions(p)
	if err != nil {
		return false, err
	}
	return rsa.VerifyPSS(k.material.(*rsa.PublicKey), hashes[k.Hash], sum(k.Hash, data), signature, options) == nil, nil
}

func encryptOAEP(p *Params, k *Key, data []byte, h Host) ([]byte, error) {
	key, size := k.material.(*rsa.PublicKey), hashes[k.Hash].Size()
	if most := key.Size() - 2*size - 2; len(data) > most {
		return nil, fail(nameOperation, "%d bytes are too many for the key; the most is %d", len(data), max(most, 0))
	}
	return withDrawn(size, h, func(seed *bytes.Reader) ([]byte, error) {
		return rsa.EncryptOAEP(newHash(k.Hash)(), seed, key, data, p.octets("label"))
	})
}

func decryptOAEP(p *Params, k *Key, data []byte, _ Host) ([]byte, error) {
	text, err := rsa.DecryptOAEP(newHash(k.Hash)(), nil, k.material.(*rsa.PrivateKey), data, p.octets("label"))
	if err != nil {
		return nil, fail(nameOperation, "RSA-OAEP: the data was not encrypted for this key and label, or has been changed")
	}
	return text, nil
}

// withDrawn gives f n bytes of the run's stream. What it makes must be made of
// them: a Go that takes others would make every run diverge when it is replayed.
func withDrawn(n int, h Host, f func(*bytes.Reader) ([]byte, error)) ([]byte, error) {
	b := make([]byte, n)
	h.Random(b)
	drawn := bytes.NewReader(b)
	out, err := f(drawn)
	if err != nil || drawn.Len() != 0 {
		return nil, fail(nameOperation, "RSA failed: the key is not sound")
	}
	return out, nil
}
