package subtle

import "crypto/hmac"

func loadHMAC(p *Params, format string, m Material) (any, Info, error) {
	b, err := secretBytes(format, m)
	if err != nil {
		return nil, Info{}, err
	}
	if len(b) == 0 {
		return nil, Info{}, fail(nameData, "an HMAC key can not be empty")
	}
	if n := p.number("length", 8*len(b)); n != 8*len(b) {
		return nil, Info{}, fail(nameData, "the key has %d bits, and its length is said to be %d", 8*len(b), n)
	}
	return b, Info{Name: p.Name, Hash: p.Hash, Length: 8 * len(b)}, nil
}

func hmacNames(info *Info) []string { return []string{"HS" + hashSuffix[info.Hash]} }

// hmacLength is what the algorithm says, or a block of its hash.
func hmacLength(p *Params) (int, error) {
	n := p.number("length", 8*hashes[p.Hash].New().BlockSize())
	switch {
	case n == 0:
		return 0, fail(nameOperation, "the length of an HMAC key can not be 0")
	case n%8 != 0:
		return 0, fail(nameOperation, "the length of an HMAC key must be a multiple of 8 bits, not %d", n)
	case n > 8*maxSecret:
		return 0, fail(nameOperation, "an HMAC key of %d bits is too long; the most is %d", n, 8*maxSecret)
	}
	return n, nil
}

func generateHMAC(p *Params, h Host) (any, Info, error) {
	n, err := hmacLength(p)
	if err != nil {
		return nil, Info{}, err
	}
	return drawSecret(n, h), Info{Name: p.Name, Hash: p.Hash, Length: n}, nil
}

func signHMAC(_ *Params, k *Key, data []byte, _ Host) ([]byte, error) {
	mac := hmac.New(newHash(k.Hash), k.material.([]byte))
	mac.Write(data)
	return mac.Sum(nil), nil
}

func verifyHMAC(p *Params, k *Key, signature, data []byte) (bool, error) {
	mac, err := signHMAC(p, k, data, Host{})
	return hmac.Equal(mac, signature), err
}
