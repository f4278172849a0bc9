// Package kv is the module reprise:kv: an ordered key-value store for scripts.
//
// Its VM side ([Module]) checks arguments, encodes values and makes calls of
// three kinds: "kv.get" and "kv.list" read, "kv.commit" writes. Its host side
// ([New]) reads from the store and translates a commit into store operations;
// the engine writes those together with what it has to record, exactly once.
//
// Keys are tuples ([Key]) whose binary form sorts as the tuples do. Values are
// JSON text, with tagged forms for what JSON can not say: bytes, dates, bigints,
// maps and sets. So a number is stored as a JSON number and can be summed by
// the store, and everything is readable in the studio.
//
//	v, _ := vm.New(program, vm.Config{Modules: []vm.Module{kv.Module()}})
//	host := kv.New(store)
//	outcome := host.Do(ctx, performance) // of a kv.get that the script made
//
// The one invariant: a script reaches its own namespace and the shared ones it
// names, and no other script's. The host derives the former from who calls, not
// from what the call says.
//
// It must not know runs, journals or the engine of the store.
//
// Read in this order: key.go and key_json.go; args.go, which is what crosses
// between the sides; then module.go, value.go, list.go, atomic.go (the VM side)
// and host.go, host_list.go, host_commit.go.
package kv
