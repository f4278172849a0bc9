package vm

// Engine is the number of the VM side: this package, the platform and the VM
// sides of the bindings, goja, and the Go they are built with. A run keeps the
// number it began with. It is raised when a change of any of them could make
// an old journal diverge: another order of microtasks or properties, other
// arguments of a call, other numbers drawn from the same seed, another text of
// a stack. A wait that goes on under a higher number must replay before it
// wakes.
const Engine uint64 = 2
