package call_test

import (
	"strings"
	"testing"

	"reprise/runtime/call"
)

func TestNearest(t *testing.T) {
	// A typo is one or two letters, or two that changed places; what is further
	// away was something else.
	known := []string{"timeout", "json", "headers", "orders/fulfil", "level", "a"}
	for name, want := range map[string]string{
		"timeuot": "timeout", "timout": "timeout", "JSON": "json", "jsn": "json", "header": "headers", "head": "headers",
		"orders/fullfill": "orders/fulfil", "levle": "level", "x": "", "": "", "something": "", "b": "",
		strings.Repeat("x", 1000): "",
	} {
		if got := call.Nearest(name, known); got != want {
			t.Errorf("%.20q: %q, want %q", name, got, want)
		}
	}
}
