// Keys that are bytes: of HMAC, AES, PBKDF2 and HKDF.

package subtle

// loadSecret is for keys that can only be derived from.
func loadSecret(p *Params, _ string, m Material) (any, Info, error) {
	return m.Raw, Info{Name: p.Name}, nil
}

// secretBytes reads a secret of a format.
func secretBytes(format string, m Material) ([]byte, error) {
	if format == "raw" {
		return m.Raw, nil
	}
	if err := m.JWK.checkType("oct"); err != nil {
		return nil, err
	}
	return m.JWK.bytes("k")
}

func saveSecret(k *Key, format string) (Material, error) {
	b := k.material.([]byte)
	if format == "raw" {
		return Material{Raw: b}, nil
	}
	j := newJWK("oct")
	j.set("k", b)
	return Material{JWK: j}, nil
}

// drawSecret makes a secret of some bits, a multiple of 8.
func drawSecret(bits int, h Host) []byte {
	b := make([]byte, bits/8)
	h.Random(b)
	return b
}
