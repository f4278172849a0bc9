package call

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Digest identifies what a call asks for. Replay compares digests: the same
// script on the same outcomes must ask for the same things.
type Digest [sha256.Size]byte

// String returns the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Digest covers kind, target, arguments and body. It leaves out the ID (that
// is the call's place, not its content), the class (derived from the kind) and
// the position (moving a line must not break a replay).
func (c *Call) Digest() Digest {
	h := sha256.New()
	part := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	part([]byte(c.Kind))
	part([]byte(c.Target))
	part(c.Args)
	part(c.Body.Inline)
	part([]byte(c.Body.Handle))
	var d Digest
	h.Sum(d[:0])
	return d
}
