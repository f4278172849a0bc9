package vm_test

import (
	"strings"
	"testing"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// optionModule offers read(options) to scripts: the option wait in milliseconds.
type optionModule struct{}

func (optionModule) Name() string { return "option" }

func (optionModule) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	_ = o.Set("read", func(c goja.FunctionCall) goja.Value {
		options := v.Options(c, 0, "read()", "wait")
		wait := vm.Option(options, "wait")
		if vm.IsNone(wait) {
			return goja.Null()
		}
		return v.Runtime().ToValue(v.Duration(wait, "wait").Milliseconds())
	})
	return o
}

func TestOptionsAndDurations(t *testing.T) {
	p, err := vm.Compile([]byte(`(async (__reprise) => { const { read } = __reprise.module("option");
		__reprise.exports({ default: (input) => { try { return read(input) } catch (e) { return e.code + ": " + e.message } } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Modules: []vm.Module{optionModule{}}})
	if err != nil {
		t.Fatal(err)
	}
	for input, want := range map[string]string{
		``:                    `null`,
		`null`:                `null`,
		`{}`:                  `null`,
		`{"wait":1500}`:       `1500`,
		`{"wait":"2s"}`:       `2000`,
		`{"wait":0}`:          `0`,
		`{"wait":-1}`:         `negative`,
		`{"wait":"soon"}`:     `INVALID_ARGUMENT_ERROR: wait: \"soon\" is not a duration`,
		`{"wait":true}`:       `not a boolean`,
		`{"wiat":1}`:          `read() has no option \"wiat\"; it takes wait`,
		`"x"`:                 `the options of read() must be an object, not a string`,
		`{"wait":1,"more":1}`: `no option \"more\"`,
	} {
		turn := begin(v, input)
		if turn.Err != nil || !strings.Contains(string(turn.Value), want) {
			t.Errorf("read(%s) = %s, %v; want %s", input, turn.Value, turn.Err, want)
		}
	}
}
