package vault

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// keySize is the size of both kinds of keys: what XChaCha20-Poly1305 takes.
const keySize = 32

// Key is a master key or a data key.
type Key [keySize]byte

// errKey says what a master key looks like. It does not repeat what was given,
// which may be a key that lacks a letter.
var errKey = errors.New("it is not a master key, which is 32 random bytes in base64 or in hexadecimal; make one with: openssl rand -base64 32")

// ParseKey reads a master key: 32 bytes in base64, of either alphabet, or in
// hexadecimal, with white space around it.
func ParseKey(text string) (*Key, error) {
	text = strings.TrimSpace(text)
	var b []byte
	var err error
	if len(text) == hex.EncodedLen(keySize) {
		b, err = hex.DecodeString(text)
	} else {
		plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
		b, err = base64.RawStdEncoding.Strict().DecodeString(plain)
	}
	defer clear(b)
	if err != nil || len(b) != keySize {
		return nil, errKey
	}
	if k := Key(b); k != (Key{}) {
		return &k, nil
	}
	return nil, errKey // nobody's random bytes are all zero
}

// NewKey makes a random key.
func NewKey() *Key {
	var k Key
	_, _ = rand.Read(k[:]) // it never fails since Go 1.24
	return &k
}

// Wipe forgets the key. A nil one is nothing.
func (k *Key) Wipe() {
	if k != nil {
		clear(k[:])
	}
}

// text is the key as files have it.
func (k *Key) text() []byte { return append(base64.StdEncoding.AppendEncode(nil, k[:]), '\n') }

// Format keeps keys out of whatever is printed.
func (*Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[key]") }

// checkSize is how many bytes of a digest tell master keys apart.
const checkSize = 16

// check is the key check value: it tells whether a master key is the right one,
// and nothing about it.
func (k *Key) check() (out [checkSize]byte) {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte("reprise: check of a master key"))
	copy(out[:], mac.Sum(nil))
	return out
}

// fingerprint is what people see of a key check value.
func fingerprint(check [checkSize]byte) string { return hex.EncodeToString(check[:4]) }
