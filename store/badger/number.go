package badger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"reprise/store"
)

// sum adds delta to the JSON number in old (nil counts as zero) and returns the
// result as JavaScript's JSON.stringify writes it.
func sum(old []byte, delta float64) ([]byte, error) {
	var base float64
	if old != nil {
		var err error
		if base, err = parseJSONNumber(old); err != nil {
			return nil, err
		}
	}
	f := base + delta
	if !finite(f) {
		return nil, fmt.Errorf("%w: %v + %v is out of range", store.ErrNotNumber, base, delta)
	}
	if f == 0 {
		f = 0 // minus zero, which JSON.stringify writes without its sign
	}
	return json.Marshal(f)
}

func parseJSONNumber(b []byte) (float64, error) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || (b[0] != '-' && (b[0] < '0' || b[0] > '9')) || !json.Valid(b) {
		return 0, fmt.Errorf("%w: the value is %s", store.ErrNotNumber, excerpt(b))
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return 0, fmt.Errorf("%w: the value is %s: out of range", store.ErrNotNumber, excerpt(b))
	}
	return f, nil
}

// excerpt quotes at most a few bytes: an error message is no place for data.
func excerpt(b []byte) string {
	const most = 24
	if len(b) > most {
		return strconv.Quote(string(b[:most])) + "…"
	}
	return strconv.Quote(string(b))
}
