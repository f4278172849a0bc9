package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ErrDamaged says that bytes are not a journal, or records not in an order that
// a run can have written. Errors that wrap it say what is wrong.
var ErrDamaged = errors.New("the journal is damaged")

// ErrNewer says that a record was written by a version of Reprise that this one
// does not know.
var ErrNewer = errors.New("the journal was written by a newer Reprise; run that version, or a later one")

// Load returns the bytes kept under a hash.
type Load = func(Hash) ([]byte, error)

// HashOf returns the hash that b is kept under.
func HashOf(b []byte) Hash { return sha256.Sum256(b) }

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether the hash names nothing.
func (h Hash) IsZero() bool { return h == Hash{} }

// ParseHash reads what String returned.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != hex.EncodedLen(len(h)) {
		return Hash{}, fmt.Errorf("journal: %q is no hash: it has %d characters and not %d", clipTo(s, 80), len(s), hex.EncodedLen(len(h)))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fmt.Errorf("journal: %q is no hash: %w", s, err)
	}
	return h, nil
}

// handlePrefix begins the handles of bodies that are kept by their hash.
const handlePrefix = "sha256-"

// Handle returns the handle by which scripts and call.Body name kept bytes.
func Handle(h Hash) string { return handlePrefix + h.String() }

// ParseHandle reads what Handle returned.
func ParseHandle(s string) (Hash, error) {
	digits, ok := strings.CutPrefix(s, handlePrefix)
	if !ok {
		return Hash{}, fmt.Errorf("journal: %q is no handle: it does not begin with %s", clipTo(s, 80), handlePrefix)
	}
	return ParseHash(digits)
}

// Inline returns a payload that carries b itself.
func Inline(b []byte) Payload {
	if len(b) == 0 {
		return Payload{}
	}
	return Payload{Inline: b, Size: int64(len(b))}
}

// Kept returns a payload of size bytes that are kept under hash.
func Kept(hash Hash, size int64) Payload { return Payload{Hash: hash, Size: size} }

// IsKept reports whether the bytes are not in the payload itself.
func (p Payload) IsKept() bool { return !p.Hash.IsZero() }

// Bytes returns the payload's bytes, wherever they are. It fails with load's
// error, or with ErrDamaged where load returned other bytes.
func (p Payload) Bytes(load Load) ([]byte, error) {
	if !p.IsKept() {
		return p.Inline, nil
	}
	if load == nil {
		return nil, fmt.Errorf("journal: the %d bytes of %s are kept elsewhere, and nothing was given to load them with", p.Size, p.Hash)
	}
	b, err := load(p.Hash)
	if err != nil {
		return nil, fmt.Errorf("journal: load the %d bytes of %s: %w", p.Size, p.Hash, err)
	}
	if int64(len(b)) != p.Size {
		return nil, fmt.Errorf("%w: %s has %d bytes, and the record says %d", ErrDamaged, p.Hash, len(b), p.Size)
	}
	return b, nil
}

// Equal reports whether both payloads have the same bytes, also where one has
// them inline and the other by hash.
func (p Payload) Equal(q Payload) bool {
	switch {
	case p.IsKept() && q.IsKept():
		return p.Hash == q.Hash
	case p.IsKept():
		return p.Size == int64(len(q.Inline)) && p.Hash == HashOf(q.Inline)
	case q.IsKept():
		return q.Equal(p)
	}
	return string(p.Inline) == string(q.Inline)
}
