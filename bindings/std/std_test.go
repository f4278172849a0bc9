package std_test

import (
	"strings"
	"testing"

	"reprise/bindings/std"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// evaluate runs the body of a handler that knows std as m.
func evaluate(t *testing.T, body string) vm.Turn {
	t.Helper()
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; const m = __reprise.module("std"); __reprise.exports({ default: async () => { `+body+` } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Platform: web.Platform(), Modules: []vm.Module{std.Module()}})
	if err != nil {
		t.Fatal(err)
	}
	return v.Begin(vm.Start{Run: "r1", Script: "s", Handler: vm.HandlerRun})
}

func TestErrorsAreThoseOfTheCatalogue(t *testing.T) {
	turn := evaluate(t, `const e = m.error("TIMEOUT_ERROR", "100% late", { part: { n: 1 }, none: undefined });
		if (!(e instanceof m.errorClass("TimeoutError")) || e.name !== "TimeoutError" || e.part.n !== 1) throw 1; throw e`)
	if e := turn.Err; e.Code != string(call.CodeTimeout) || e.Message != "100% late" || string(e.Data) != `{"part":{"n":1}}` {
		t.Errorf("%+v %s", e, e.Data)
	}
	if turn := evaluate(t, `m.error("NO_SUCH_ERROR", "x")`); turn.Err == nil || !strings.Contains(turn.Err.Message, "no code of the catalogue") {
		t.Errorf("%v", turn.Err)
	}
}

func TestArguments(t *testing.T) {
	// A value that fits is given, one that does not is an error that says what would.
	for body, want := range map[string]string{
		`m.options({ a: 1 }, "f", ["a", "b"])`:               `{"a":1}`,
		`m.options(null, "f", ["a"])`:                        `{}`,
		`m.options({ c: 1 }, "f", ["a", "b"])`:               `f has no option "c"; it takes a, b`,
		`m.options(1, "f", [])`:                              `the options of f must be an object, not a number`,
		`m.milliseconds("2s", "timeout")`:                    `2000`,
		`m.milliseconds(0, "timeout")`:                       `1`,
		`m.milliseconds("soon", "timeout")`:                  `timeout: `,
		`m.count(3, "n", 1, 3)`:                              `3`,
		`m.count(4, "n", 1, 3)`:                              `n must be a whole number from 1 to 3`,
		`m.count(1.5, "n", 1, 3)`:                            `n must be a whole number from 1 to 3`,
		`m.count(NaN, "n", 1, 3)`:                            `n must be a whole number from 1 to 3`,
		`m.count("2", "n", 1, 3)`:                            `n must be a whole number from 1 to 3`,
		`m.callable(() => 1, "f")()`:                         `1`,
		`m.callable([], "f")`:                                `f must be a function, not an array`,
		`[undefined, null, "", 1n, {}].map(m.typeOf).join()`: `"undefined,null,a string,a bigint,an object"`,
	} {
		turn := evaluate(t, `return `+body)
		got := string(turn.Value)
		if turn.Err != nil {
			if got = turn.Err.Message; turn.Err.Code != string(call.CodeInvalidArgument) {
				t.Errorf("%s: %v", body, turn.Err)
			}
		}
		if got != want && (turn.Err == nil || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}
