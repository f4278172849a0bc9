package subtle

import (
	"crypto/hkdf"
	"crypto/pbkdf2"
)

func deriveHKDF(p *Params, secret []byte, n int) ([]byte, error) {
	if most := 255 * hashes[p.Hash].Size(); n > most {
		return nil, fail(nameOperation, "HKDF with %s derives at most %d bits, not %d", p.Hash, 8*most, 8*n)
	}
	if n == 0 {
		return nil, nil
	}
	if err := mayHash("info", p, n); err != nil {
		return nil, err
	}
	out, err := hkdf.Key(newHash(p.Hash), secret, p.octets("salt"), string(p.octets("info")), n)
	if err != nil {
		return nil, fail(nameOperation, "HKDF failed")
	}
	return out, nil
}

func derivePBKDF2(p *Params, password []byte, n int) ([]byte, error) {
	iterations := p.number("iterations", 0)
	if iterations == 0 {
		return nil, fail(nameOperation, "the iterations of PBKDF2 can not be 0")
	}
	if n == 0 {
		return nil, nil
	}
	if iterations > maxIterations/blocks(p, n) {
		return nil, fail(nameOperation,
			"PBKDF2 with %d iterations for %d bits is too much; the most is %d iterations, counted for each %d bits of the result",
			iterations, 8*n, maxIterations, 8*hashes[p.Hash].Size())
	}
	if err := mayHash("salt", p, n); err != nil {
		return nil, err
	}
	out, err := pbkdf2.Key(newHash(p.Hash), string(password), p.octets("salt"), iterations, n)
	if err != nil {
		return nil, fail(nameOperation, "PBKDF2 failed")
	}
	return out, nil
}

// blocks is how many results of the hash n bytes are made of.
func blocks(p *Params, n int) int {
	size := hashes[p.Hash].Size()
	return (n + size - 1) / size
}

// mayHash checks a member that is hashed once for each block.
func mayHash(member string, p *Params, n int) error {
	if size := len(p.octets(member)); size > maxHashed/blocks(p, n) {
		return fail(nameOperation, "%s with %s of %d bytes for %d bits is too much", p.Name, member, size, 8*n)
	}
	return nil
}
