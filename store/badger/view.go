package badger

import (
	"slices"

	bdg "github.com/dgraph-io/badger/v4"
)

// view is what a commit sees and writes to while it is judged: the batch it will
// be part of, above the batch that is on its way to the disk, above what has
// landed. Only the committer's goroutine uses it.
type view struct {
	pending *batch
	flying  *batch // nil when no batch is under way
	landed  *bdg.Txn
	undo    []undo
}

// undo is what a key of the pending batch was before the commit touched it.
type undo struct {
	key   string
	had   bool
	write write
}

// get calls fn with the value of key; found is false when there is none.
func (v *view) get(key []byte, fn func(value []byte) error) (found bool, err error) {
	w, ok := v.pending.writes[string(key)]
	if !ok && v.flying != nil {
		w, ok = v.flying.writes[string(key)]
	}
	if !ok {
		return get(v.landed, key, fn)
	}
	if w.value == nil {
		return false, nil
	}
	return true, fn(w.value)
}

func (v *view) set(key, value []byte) { v.put(string(key), write{value: value}) }

func (v *view) delete(key []byte) { v.put(string(key), write{}) }

func (v *view) put(key string, w write) {
	old, had := v.pending.writes[key]
	v.undo = append(v.undo, undo{key, had, old})
	v.pending.writes[key] = w
}

// keep makes what was written since the last keep or rollback stay, and
// reports whether there was anything.
func (v *view) keep() bool {
	wrote := len(v.undo) > 0
	v.forget()
	return wrote
}

// rollback undoes it.
func (v *view) rollback() {
	for _, u := range slices.Backward(v.undo) {
		if u.had {
			v.pending.writes[u.key] = u.write
		} else {
			delete(v.pending.writes, u.key)
		}
	}
	v.forget()
}

func (v *view) forget() {
	clear(v.undo) // lets go of the values
	v.undo = v.undo[:0]
}
