package web

import (
	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// fileProgram makes the class File. It has three arguments, of which its parent
// takes the first and the last.
var fileProgram = compile(`((init, Blob) => class File extends Blob {
	constructor(bits, name) { super(bits, arguments[2]); init(this, bits, name, arguments[2]); }
})`)

func (r *realm) fileClass() *class { return r.class(classFile, r.makeFile) }

func (r *realm) makeFile() *class {
	c := &class{r: r, name: "File"}
	native := r.v.Func("new File", func(f goja.FunctionCall) goja.Value {
		this, _ := f.Arguments[0].(*goja.Object)
		r.initFile(this, r.v.Arg(f, 1), r.v.Arg(f, 2), r.v.Arg(f, 3))
		return goja.Undefined()
	})
	makeClass, _ := goja.AssertFunction(r.run(fileProgram))
	c.ctor = must(makeClass(goja.Undefined(), native, r.blobClass().ctor)).(*goja.Object)
	c.proto = c.ctor.Get("prototype").(*goja.Object)
	check(c.proto.DefineDataPropertySymbol(goja.SymToStringTag, r.rt.ToValue("File"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	fileGetter(c, "name", func(b *blob) any { return b.name })
	fileGetter(c, "lastModified", func(b *blob) any { return b.lastModified })
	return c
}

// fileGetter defines an accessor that Blobs which are no Files do not have.
func fileGetter(c *class, name string, get func(*blob) any) {
	getter(c, name, func(b *blob) any {
		if !b.file {
			c.r.typeError("Illegal invocation: File.%s was called on a Blob that is not a File", name)
		}
		return get(b)
	})
}

// initFile makes a File of the Blob that its parent's constructor made.
func (r *realm) initFile(this *goja.Object, bits, name, options goja.Value) {
	b, ok := vm.Reveal[*blob](r.v, this)
	if !ok || goja.IsUndefined(bits) || goja.IsUndefined(name) {
		r.typeError("File needs its parts and a name: new File([text], \"name.txt\")")
	}
	b.file, b.name, b.lastModified = true, r.text(name), r.v.Now().UnixMilli()
	if value := option(r.dictionary(options, "the options of File"), "lastModified"); value != nil {
		b.lastModified = value.ToInteger()
	}
}

// newFile makes a File of a Blob's bytes, under a name.
func (r *realm) newFile(b *blob, name string) *goja.Object {
	at := b.lastModified
	if !b.file {
		at = r.v.Now().UnixMilli()
	}
	return r.fileClass().object(&blob{data: b.data, kind: b.kind, file: true, name: name, lastModified: at})
}
