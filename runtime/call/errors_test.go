package call_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"reprise/runtime/call"
)

func TestCatalogue(t *testing.T) {
	// Every code has a name that scripts see, ending in Error, a sentence and a hint.
	for _, c := range call.Codes() {
		d, _ := c.Describe()
		if !strings.HasSuffix(c.Name(), "Error") || d.Sentence == "" || d.Hint == "" {
			t.Errorf("%s: name %q, sentence %q, hint %q", c, c.Name(), d.Sentence, d.Hint)
		}
	}
	if got := call.CodeNeverSettles.Name(); got != "NeverSettlesError" {
		t.Errorf("name = %q", got)
	}
}

func TestFrom(t *testing.T) {
	inner := call.Errorf(call.CodeTimeout, "late")
	if call.From(inner) != inner {
		t.Error("an Error must stay what it is")
	}
	if e := call.From(io.EOF); call.CodeOf(e) != call.CodeInternal {
		t.Errorf("e = %v", e)
	}
	if e := call.Errorf(call.CodeNetwork, "broke").WithCause(inner); !errors.Is(e, inner) {
		t.Error("a cause must be found")
	}
}
