package blobs

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"reprise/store"
)

// What Get can find wrong, beside the store's own errors.
var (
	// ErrNotFound: no blob has that hash.
	ErrNotFound = errors.New("blobs: there is no such payload")
	// ErrIncomplete: a Put of it has not come to its end. The next one will.
	ErrIncomplete = errors.New("blobs: the payload was not stored to its end")
	// ErrDamaged: its bytes are not those that were put.
	ErrDamaged = errors.New("blobs: the stored payload is damaged")
)

// chunkSize is how many bytes of a new blob one row holds. The store's smallest
// transactions hold one such row, and its values stay below 1 MiB.
const chunkSize = 512 << 10

// Names of the store's namespace and tables.
const (
	states = "blobs"
	chunks = "blobs"
	refs   = "blobs.refs"
	owned  = "blobs.owned"
)

// Blobs keeps payloads in a store. Its methods are safe for concurrent use.
type Blobs struct {
	store store.Store
	chunk int // chunkSize, but for tests
}

// New returns the blobs that s keeps.
func New(s store.Store) *Blobs { return &Blobs{store: s, chunk: chunkSize} }

// state is what is known of a blob; the zero state is that of none.
type state struct {
	version store.Version
	whole   bool
	size    int // of all its bytes
	chunk   int // and of what one row holds
}

func (s state) there() bool { return s.version != 0 }

// rows is how many rows its bytes take.
func (s state) rows() int {
	if s.size == 0 {
		return 0
	}
	return (s.size-1)/s.chunk + 1
}

// encode returns the state's value: whether it is whole, then the two sizes.
func (s state) encode() []byte {
	b := []byte{0}
	if s.whole {
		b[0] = 1
	}
	b = binary.AppendUvarint(b, uint64(s.size))
	return binary.AppendUvarint(b, uint64(s.chunk))
}

// decode undoes encode; ok is false for anything else.
func decode(b []byte) (s state, ok bool) {
	if len(b) == 0 || b[0] > 1 {
		return s, false
	}
	size, n := binary.Uvarint(b[1:])
	if n <= 0 || size > math.MaxInt32 {
		return s, false
	}
	chunk, m := binary.Uvarint(b[1+n:])
	if m <= 0 || 1+n+m != len(b) || chunk == 0 || chunk > math.MaxInt32 {
		return s, false
	}
	return state{whole: b[0] == 1, size: int(size), chunk: int(chunk)}, true
}

// state reads a blob's state.
func (b *Blobs) state(ctx context.Context, hash [32]byte) (state, error) {
	found, err := b.store.Get(ctx, states, hash[:])
	if err != nil || found[0].Version == 0 {
		return state{}, err
	}
	s, ok := decode(found[0].Value)
	if !ok {
		return state{}, fmt.Errorf("%w: the state of %s has an unknown form", ErrDamaged, name(hash))
	}
	s.version = found[0].Version
	return s, nil
}

// refers says whether owner refers to the blob.
func (b *Blobs) refers(ctx context.Context, owner string, hash [32]byte) (bool, error) {
	_, ok, err := b.store.Row(ctx, refs, refKey(hash, owner))
	return ok, err
}

// change makes a commit if the blob's state is still s, and returns the version
// of the state that it writes. The error is a *store.CheckError if it is not.
func (b *Blobs) change(ctx context.Context, hash [32]byte, s state, c store.Commit) (store.Version, error) {
	c.Checks = append(c.Checks, store.Check{Namespace: states, Key: hash[:], Version: s.version})
	c.Relaxed = true
	done, err := b.store.Commit(ctx, c)
	return done.Version, err
}

// become is the write of a blob's new state.
func become(hash [32]byte, s state) []store.KVOp {
	return []store.KVOp{{Namespace: states, Key: hash[:], Value: s.encode()}}
}

// raced says that somebody else changed the blob meanwhile.
func raced(err error) bool {
	_, ok := errors.AsType[*store.CheckError](err)
	return ok
}

// again calls do until nobody else changes the blob meanwhile. Of all that try
// at the same time one succeeds, so this comes to an end.
func again(do func() error) error {
	for {
		if err := do(); !raced(err) {
			return err
		}
	}
}

// refer and unrefer are the rows that say, or no longer say, that owner refers
// to the blob.
func refer(owner string, hash [32]byte) []store.RowOp {
	return []store.RowOp{
		{Table: refs, Key: refKey(hash, owner), Value: []byte{}},
		{Table: owned, Key: ownedPrefix(owner) + name(hash), Value: []byte{}},
	}
}

func unrefer(owner string, hash [32]byte) []store.RowOp {
	return []store.RowOp{
		{Table: refs, Key: refKey(hash, owner)},
		{Table: owned, Key: ownedPrefix(owner) + name(hash)},
	}
}

// name is a hash as keys and messages write it.
func name(hash [32]byte) string { return hex.EncodeToString(hash[:]) }

func chunkKey(hash [32]byte, i int) string { return fmt.Sprintf("%s/%08x", name(hash), i) }

func refKey(hash [32]byte, owner string) string { return name(hash) + "/" + owner }

// ownedPrefix begins the keys of what an owner refers to. The length keeps
// owners apart whose names begin with one another.
func ownedPrefix(owner string) string { return fmt.Sprintf("%d:%s/", len(owner), owner) }
