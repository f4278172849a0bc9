package call_test

import (
	"testing"

	"reprise/runtime/call"
)

func TestErrorPosition(t *testing.T) {
	// An error is where the first frame of its stack is.
	for stack, want := range map[string]call.Position{
		"":               {},
		"Error: at noon": {},
		"Error: x\n    at f (scripts/a.ts:3:4)\n    at g (scripts/b.ts:5:6)": {File: "scripts/a.ts", Line: 3, Column: 4},
		"Error: x\n    at scripts/a.ts:3:4":                                  {File: "scripts/a.ts", Line: 3, Column: 4},
		"Error: at once\n    at new (native)\n    at f (C:/a.ts:3:4)":        {File: "C:/a.ts", Line: 3, Column: 4},
		"Error: x\n    at f (:3:4)":                                          {},
	} {
		if got := (&call.Error{Stack: stack}).Position(); got != want {
			t.Errorf("%q: %+v, want %+v", stack, got, want)
		}
	}
	if got := (*call.Error)(nil).Position(); !got.IsZero() {
		t.Errorf("no error: %+v", got)
	}
}

func TestPositionString(t *testing.T) {
	for want, p := range map[string]call.Position{
		"":         {},
		"a.ts":     {File: "a.ts"},
		"a.ts:3:4": {File: "a.ts", Line: 3, Column: 4},
	} {
		if got := p.String(); got != want {
			t.Errorf("%+v: %q, want %q", p, got, want)
		}
	}
}
