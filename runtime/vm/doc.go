// Package vm runs one script in one goja VM, one turn at a time.
//
// A turn delivers exactly one outcome to the script and then drains its
// microtasks until there are none; nothing else ever enters the VM. That is
// why a run can be replayed exactly: the same outcomes in the same order make
// the same calls. A VM is loaded once ([New]), given a run ([VM.Begin]), fed
// outcomes ([VM.Deliver]) until a turn is Done, and then either thrown away or,
// for fetch handlers, given the next request.
//
//	program, _ := vm.Compile(code, sourceMap)
//	v, err := vm.New(program, vm.Config{Platform: web.Platform(), Modules: modules})
//	turn, err := v.Begin(vm.Start{Handler: "run", Input: input, Now: now, Seed: seed})
//	for !turn.Done {
//		turn, err = v.Deliver(perform(turn.Calls), time.Now())
//	}
//
// The one invariant: the package does no I/O at all. Everything a script does
// to the world leaves as a [call.Call] in a [Turn] and comes back as a
// [call.Outcome]; both, like [Start], [Request] and [Response], are plain data.
//
// It must not know HTTP, the store, files or bindings. The Web platform's
// globals live in vm/web; a binding's VM side is a [Module].
//
// Read in this order: program.go, vm.go, turn.go, calls.go, failure.go, values in
// json.go and errors.go, origin.go, guards.go. What must be the same on every replay is
// proved in replaytest.
package vm
