// Keys in JSON: an array, with tagged objects for what JSON can not say. That
// is how they cross between the sides and stand in journals, readable.

package kv

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"unicode/utf8"
)

type (
	taggedBytes struct {
		Bytes string `json:"$bytes"`
	}
	taggedBigInt struct {
		BigInt string `json:"$bigint"`
	}
	taggedNumber struct {
		Number string `json:"$number"`
	}
)

// MarshalJSON writes the key as an array.
func (k Key) MarshalJSON() ([]byte, error) {
	parts := make([]any, len(k))
	for i, part := range k {
		switch p := part.(type) {
		case []byte:
			parts[i] = taggedBytes{base64.StdEncoding.EncodeToString(p)}
		case *big.Int:
			parts[i] = taggedBigInt{p.String()}
		case float64:
			parts[i] = p
			if math.IsInf(p, 0) {
				parts[i] = taggedNumber{infinity(p)}
			}
		default:
			parts[i] = part
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(parts); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func infinity(f float64) string {
	if f < 0 {
		return "-Infinity"
	}
	return "Infinity"
}

// UnmarshalJSON reads what MarshalJSON writes.
func (k *Key) UnmarshalJSON(text []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return errors.New("a key must be an array")
	}
	if parts == nil {
		return errors.New("a key must be an array, not null")
	}
	*k = make(Key, len(parts))
	for i, raw := range parts {
		part, err := parsePart(raw)
		if err != nil {
			return fmt.Errorf("part %d of the key: %w", i+1, err)
		}
		(*k)[i] = part
	}
	return nil
}

func parsePart(raw json.RawMessage) (any, error) {
	if len(raw) > 0 && raw[0] == '{' {
		return parseTagged(raw)
	}
	var part any
	if err := json.Unmarshal(raw, &part); err != nil {
		return nil, err
	}
	switch part.(type) {
	case string, float64, bool:
		return part, nil
	}
	return nil, fmt.Errorf("%s is no part of keys", raw)
}

func parseTagged(raw json.RawMessage) (any, error) {
	var tagged struct {
		Bytes  *string `json:"$bytes"`
		BigInt *string `json:"$bigint"`
		Number *string `json:"$number"`
	}
	if err := json.Unmarshal(raw, &tagged); err != nil {
		return nil, err
	}
	switch {
	case tagged.Bytes != nil:
		return base64.StdEncoding.DecodeString(*tagged.Bytes)
	case tagged.BigInt != nil:
		return parseBigInt(*tagged.BigInt)
	case tagged.Number != nil && *tagged.Number == "Infinity":
		return math.Inf(1), nil
	case tagged.Number != nil && *tagged.Number == "-Infinity":
		return math.Inf(-1), nil
	}
	return nil, fmt.Errorf("%s is no part of keys", raw)
}

// maxBigIntDigits is what a bigint of MaxKey bytes can have. Parsing more
// takes time that grows faster than the text.
const maxBigIntDigits = MaxKey*5/2 + 1

func parseBigInt(text string) (*big.Int, error) {
	if len(text) > maxBigIntDigits {
		return nil, fmt.Errorf("a bigint of %d digits is too long", len(text))
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, fmt.Errorf("%q is not a bigint", text)
	}
	return n, nil
}

// maxShown is how much of a key people are shown.
const maxShown = 80

// String returns the key for people: JavaScript's own spelling, clipped.
func (k Key) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, part := range k {
		if i > 0 {
			b.WriteByte(',')
		}
		if b.Len() > maxShown {
			return clipText(b.String()) + "…]"
		}
		b.WriteString(showPart(part))
	}
	b.WriteByte(']')
	return clipText(b.String())
}

func showPart(part any) string {
	switch p := part.(type) {
	case []byte:
		return fmt.Sprintf("Uint8Array(%d)", len(p))
	case *big.Int:
		if p.BitLen() > 256 {
			return fmt.Sprintf("bigint(%d bits)", p.BitLen())
		}
		return p.String() + "n"
	case float64:
		if math.IsInf(p, 0) {
			return infinity(p)
		}
	case string:
		if len(p) > 2*maxShown {
			part = clipText(p)
		}
	}
	text, err := Key{part}.MarshalJSON()
	if err != nil {
		return "?"
	}
	return string(text[1 : len(text)-1])
}

func clipText(s string) string {
	if len(s) <= maxShown {
		return s
	}
	i := maxShown
	for i > 0 && !utf8.RuneStart(s[i]) {
		i--
	}
	return s[:i] + "…"
}
