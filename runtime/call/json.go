package call

import (
	"bytes"
	"encoding/json"
)

// Encode is json.Marshal as JSON.stringify writes: <, > and & stay what they
// are. For people that is legible; for values of scripts it is the same bytes.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
