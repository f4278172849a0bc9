// Keys are tuples. Their binary form keeps the order: comparing the bytes of
// two keys is comparing the keys, part by part, where a type sorts before the
// next (bytes, text, numbers, bigints, false, true) and a key before all that
// begin with it. So "everything under ["orders"]" is one range of the store.
//
//	part    bytes
//	bytes   0x01, the bytes with 0x00 written as 0x00 0xFF, 0x00
//	text    0x02, its UTF-8 likewise, 0x00
//	number  0x03, the IEEE 754 bits, sign flipped (all bits, if negative)
//	bigint  0x04, 0x8000 + length of the magnitude (0x7FFF - length, if
//	        negative), the magnitude (inverted, if negative)
//	false   0x05
//	true    0x06

package kv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"unicode/utf8"
)

// Key is a tuple of parts, each a []byte, string, float64, *big.Int or bool.
type Key []any

const (
	tagBytes  = 0x01
	tagText   = 0x02
	tagNumber = 0x03
	tagBigInt = 0x04
	tagFalse  = 0x05
	tagTrue   = 0x06

	// What no tag is: it ends the keys that begin with a prefix.
	tagEnd = 0xFF
)

// Encode returns the binary form of the key, which sorts as the key does.
func (k Key) Encode() ([]byte, error) {
	b := make([]byte, 0, 16*len(k))
	for i, part := range k {
		var err error
		if b, err = appendPart(b, part); err != nil {
			return nil, fmt.Errorf("part %d of the key %w", i+1, err)
		}
	}
	return b, nil
}

func appendPart(b []byte, part any) ([]byte, error) {
	switch p := part.(type) {
	case []byte:
		return appendEscaped(append(b, tagBytes), p), nil
	case string:
		if !utf8.ValidString(p) {
			return nil, errors.New("is not well-formed text: it holds half of a surrogate pair")
		}
		return appendEscaped(append(b, tagText), []byte(p)), nil
	case float64:
		return appendNumber(append(b, tagNumber), p)
	case *big.Int:
		return appendBigInt(append(b, tagBigInt), p)
	case bool:
		if p {
			return append(b, tagTrue), nil
		}
		return append(b, tagFalse), nil
	}
	return nil, fmt.Errorf("is a %T, which is no part of keys", part)
}

func appendEscaped(b, p []byte) []byte {
	for {
		i := bytes.IndexByte(p, 0)
		if i < 0 {
			return append(append(b, p...), 0)
		}
		b = append(append(b, p[:i]...), 0, 0xFF)
		p = p[i+1:]
	}
}

func appendNumber(b []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) {
		return nil, errors.New("is NaN, which has no place in an order")
	}
	if f == 0 {
		f = 0 // -0 and 0 are one key
	}
	bits := math.Float64bits(f)
	if bits>>63 != 0 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(b, bits), nil
}

var errLong = errors.New("is too long")

func appendBigInt(b []byte, n *big.Int) ([]byte, error) {
	magnitude := n.Bytes()
	if len(magnitude) > MaxKey {
		return nil, fmt.Errorf("%w: a bigint of %d bytes; a key has at most %d", errLong, len(magnitude), MaxKey)
	}
	if n.Sign() >= 0 {
		b = binary.BigEndian.AppendUint16(b, 0x8000+uint16(len(magnitude)))
		return append(b, magnitude...), nil
	}
	b = binary.BigEndian.AppendUint16(b, 0x7FFF-uint16(len(magnitude)))
	for _, c := range magnitude {
		b = append(b, ^c)
	}
	return b, nil
}

var errKey = errors.New("kv: not the binary form of a key")

// DecodeKey reads the binary form. It accepts only what Encode makes.
func DecodeKey(b []byte) (Key, error) {
	var k Key
	for len(b) > 0 {
		part, rest, ok := cutPart(b)
		if !ok {
			return nil, errKey
		}
		k, b = append(k, part), rest
	}
	return k, nil
}

func cutPart(b []byte) (part any, rest []byte, ok bool) {
	tag, b := b[0], b[1:]
	switch tag {
	case tagBytes:
		return cutEscaped(b)
	case tagText:
		p, rest, ok := cutEscaped(b)
		return string(p), rest, ok && utf8.Valid(p)
	case tagNumber:
		return cutNumber(b)
	case tagBigInt:
		return cutBigInt(b)
	case tagFalse, tagTrue:
		return tag == tagTrue, b, true
	}
	return nil, nil, false
}

func cutEscaped(b []byte) (p, rest []byte, ok bool) {
	p = []byte{}
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			return nil, nil, false
		}
		p = append(p, b[:i]...)
		b = b[i+1:]
		if len(b) == 0 || b[0] != 0xFF {
			return p, b, true
		}
		p, b = append(p, 0), b[1:]
	}
}

func cutNumber(b []byte) (part any, rest []byte, ok bool) {
	if len(b) < 8 {
		return nil, nil, false
	}
	bits := binary.BigEndian.Uint64(b)
	if bits>>63 != 0 {
		bits &^= 1 << 63
	} else {
		bits = ^bits
	}
	f := math.Float64frombits(bits)
	return f, b[8:], !math.IsNaN(f) && bits != 1<<63
}

func cutBigInt(b []byte) (part any, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	length, b := int(binary.BigEndian.Uint16(b)), b[2:]
	negative := length < 0x8000
	if negative {
		length = 0x7FFF - length
	} else {
		length -= 0x8000
	}
	if length > MaxKey || length > len(b) || negative && length == 0 {
		return nil, nil, false
	}
	magnitude := bytes.Clone(b[:length])
	if negative {
		for i := range magnitude {
			magnitude[i] = ^magnitude[i]
		}
	}
	if length > 0 && magnitude[0] == 0 {
		return nil, nil, false
	}
	n := new(big.Int).SetBytes(magnitude)
	if negative {
		n.Neg(n)
	}
	return n, b[length:], true
}
