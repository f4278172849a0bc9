package vm

// GuardedPaths lists what is guarded, functions first.
func GuardedPaths() (paths []string) {
	for i := range guards {
		paths = append(paths, guards[i].path())
	}
	return append(paths, bufferClasses...)
}

// GuardsFor finds the guards that a text asks for, and returns how many.
func GuardsFor(source string) int {
	a := guardsFor(source)
	return len(a.functions) + len(a.constructors)
}
