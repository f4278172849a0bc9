package subtle

import (
	"crypto"
	_ "crypto/sha1"   // SHA-1
	_ "crypto/sha256" // SHA-256
	_ "crypto/sha512" // SHA-384 and SHA-512
	"hash"
)

var hashes = map[string]crypto.Hash{"SHA-1": crypto.SHA1, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512}

// hashSuffix is how the names of JSON Web Algorithms end: "HS" + "256".
var hashSuffix = map[string]string{"SHA-1": "1", "SHA-256": "256", "SHA-384": "384", "SHA-512": "512"}

// newHash makes a hash by a name that Members has checked.
func newHash(name string) func() hash.Hash { return hashes[name].New }

func sum(name string, data []byte) []byte {
	h := newHash(name)()
	h.Write(data)
	return h.Sum(nil)
}

// Digest is SubtleCrypto.digest.
func Digest(p *Params, data []byte) []byte { return sum(p.Name, data) }
