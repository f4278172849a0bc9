package vm

import "github.com/dop251/goja"

// generatorPrototype is the path of the prototype of all generators, which has
// no name.
const generatorPrototype = "%GeneratorPrototype%"

// generatorGuards guard yield*: it is a native that calls the next generator's
// native, and no call depth sees how many there are.
var generatorGuards = []guarded{
	{holder: generatorPrototype, name: "next", length: 1, asks: yieldWords, wrap: guardGenerator},
	{holder: generatorPrototype, name: "return", length: 1, asks: yieldWords, wrap: guardGenerator},
	{holder: generatorPrototype, name: "throw", length: 1, asks: yieldWords, wrap: guardGenerator},
}

var yieldWords = []string{"yield*", "yield *"}

var generatorProgram = mustCompile(`(Object.getPrototypeOf(function* () {}).prototype)`)

func (v *VM) generatorPrototype() *goja.Object {
	proto, err := v.rt.RunProgram(generatorProgram)
	if err != nil {
		panic(err)
	}
	return proto.(*goja.Object)
}

func guardGenerator(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		return v.nested(&v.generators, "generators", func() goja.Value { return f(c) })
	}
}
