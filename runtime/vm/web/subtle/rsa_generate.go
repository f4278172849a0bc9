package subtle

import (
	"crypto/rsa"
	"math/big"
	"slices"
)

// generateRSA finds the two primes itself: Go's own function takes its own
// randomness, and how long it takes can not be bounded from outside.
func generateRSA(p *Params, h Host) (any, Info, error) {
	if n := p.number("modulusLength", 0); n != generatedModulus {
		return nil, Info{}, fail(nameNotSupported,
			"RSA keys of %d bits can not be generated here; those of %d can. Larger ones take longer than a turn: make one elsewhere, and import it", n, generatedModulus)
	}
	e := new(big.Int).SetBytes(p.octets("publicExponent"))
	if e.Cmp(big.NewInt(3)) != 0 && e.Cmp(big.NewInt(65537)) != 0 {
		return nil, Info{}, fail(nameOperation, "the publicExponent must be 65537 (or 3)")
	}
	for {
		first, second := findPrime(e, h), findPrime(e, h)
		if first.Cmp(second) < 0 {
			first, second = second, first
		}
		if key := rsaOf(first, second, e); key != nil {
			return key, rsaInfo(p, &key.PublicKey), nil
		}
	}
}

// rsaOf makes a key of its primes, or nil when they do not fit.
func rsaOf(p, q, e *big.Int) *rsa.PrivateKey {
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	// The smallest number that works, as FIPS 186-5 has it.
	lcm := new(big.Int).Mul(p1, q1)
	lcm.Div(lcm, new(big.Int).GCD(nil, nil, p1, q1))
	d := new(big.Int).ModInverse(e, lcm)
	if d == nil {
		return nil
	}
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: int(e.Int64())}, D: d, Primes: []*big.Int{p, q}}
	if key.Validate() != nil {
		return nil
	}
	key.Precompute()
	return key
}

// smallPrimes are the odd primes below 2,048: nine of ten candidates have one
// as a factor, which is found in no time.
var smallPrimes = func() (list []uint64) {
	for n := uint64(3); n < 2048; n += 2 {
		if !slices.ContainsFunc(list, func(p uint64) bool { return n%p == 0 }) {
			list = append(list, n)
		}
	}
	return list
}()

// primeBits is the length of a prime; searchSpan is how far one is looked for
// from a number that was drawn: 30 times as far as it is on average.
const (
	primeBits  = generatedModulus / 2
	searchSpan = 20_000
)

// findPrime draws a number and looks for the next prime above it whose
// predecessor has no factor in common with e. It draws anew where there is none.
func findPrime(e *big.Int, h Host) *big.Int {
	one := big.NewInt(1)
	for {
		b := make([]byte, primeBits/8)
		h.Random(b)
		b[0] |= 0xC0 // so that the product of two has all its bits
		b[len(b)-1] |= 1
		start := new(big.Int).SetBytes(b)
		sieve := residues(start)
		for delta := uint64(0); delta < searchSpan; delta += 2 {
			if slices.ContainsFunc(sieve, func(r residue) bool { return (r.of+delta)%r.prime == 0 }) {
				continue
			}
			h.Pause() // the test below takes a millisecond
			n := new(big.Int).Add(start, new(big.Int).SetUint64(delta))
			before := new(big.Int).Sub(n, one)
			if n.BitLen() == primeBits && new(big.Int).GCD(nil, nil, before, e).Cmp(one) == 0 && n.ProbablyPrime(1) && n.ProbablyPrime(20) {
				return n
			}
		}
	}
}

// residue is what is left of a number after division by a small prime.
type residue struct{ prime, of uint64 }

func residues(n *big.Int) []residue {
	out := make([]residue, len(smallPrimes))
	rest, divisor := new(big.Int), new(big.Int)
	for i, p := range smallPrimes {
		out[i] = residue{p, rest.Mod(n, divisor.SetUint64(p)).Uint64()}
	}
	return out
}
