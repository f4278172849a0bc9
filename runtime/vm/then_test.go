package vm_test

import (
	"testing"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// chainModule offers follow(promise): a promise that native code settles when
// the given one has.
type chainModule struct{}

func (chainModule) Name() string { return "chain" }

func (chainModule) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	_ = o.Set("follow", func(c goja.FunctionCall) goja.Value {
		promise, resolve, reject := v.Promise()
		v.Then(v.Arg(c, 0).(*goja.Object), func(x goja.Value) {
			resolve(x)
			resolve(goja.Undefined())
		}, reject)
		return promise
	})
	return o
}

func TestThenKeepsTheOrder(t *testing.T) {
	// A native reaction that settles a promise lets the microtasks that wait
	// already go first, as one written in JavaScript would.
	p, err := vm.Compile([]byte(`(async (__reprise) => { const { follow } = __reprise.module("chain");
		const js = (p) => new Promise((ok, no) => p.then(ok, no));
		const order = async (chain) => { const seen = [];
			chain(Promise.resolve("a")).then((x) => seen.push(x));
			Promise.resolve("b").then((x) => seen.push(x));
			await chain(Promise.reject("c")).catch((x) => seen.push(x));
			return seen.join(); };
		__reprise.exports({ default: async () => [await order(js), await order(follow)] }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Modules: []vm.Module{chainModule{}}})
	if err != nil {
		t.Fatal(err)
	}
	if turn := begin(v, ""); string(turn.Value) != `["b,a,c","b,a,c"]` {
		t.Fatalf("turn = %s %v", turn.Value, turn.Err)
	}
}
