package call_test

import (
	"encoding/json"
	"testing"

	"reprise/runtime/call"
)

func TestEncode(t *testing.T) {
	got, err := call.Encode(map[string]any{"a": "<&>\u2028", "raw": json.RawMessage(`{"b":"<"}`)})
	if want := `{"a":"<&>\u2028","raw":{"b":"<"}}`; err != nil || string(got) != want {
		t.Fatalf("%s, %v, want %s", got, err, want)
	}
	if _, err := call.Encode(func() {}); err == nil {
		t.Fatal("a function has no JSON form")
	}
}
