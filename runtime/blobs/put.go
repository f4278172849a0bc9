package blobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math"

	"reprise/store"
)

// Put keeps data for owner and returns its hash. What is there already is not
// stored again, whoever put it; what a crash left half stored is completed.
func (b *Blobs) Put(ctx context.Context, owner string, data []byte) ([32]byte, error) {
	if len(data) >= tooBig {
		return [32]byte{}, fmt.Errorf("storing a payload of %d bytes for %s: at most %d are possible", len(data), owner, tooBig-1)
	}
	hash := sha256.Sum256(data)
	err := again(func() error { return b.put(ctx, owner, hash, data) })
	if err != nil {
		return [32]byte{}, fmt.Errorf("storing a payload of %d bytes for %s: %w", len(data), owner, err)
	}
	return hash, nil
}

// tooBig is what no payload may have.
const tooBig = math.MaxInt32

func (b *Blobs) put(ctx context.Context, owner string, hash [32]byte, data []byte) error {
	is, err := b.state(ctx, hash)
	if err != nil {
		return err
	}
	mine, err := b.refers(ctx, owner, hash)
	if err != nil || is.whole && mine {
		return err
	}
	isNew := !is.there()
	switch {
	case isNew:
		is = state{size: len(data), chunk: b.chunk}
	case is.size != len(data):
		return fmt.Errorf("%w: the state of %s says %d bytes", ErrDamaged, name(hash), is.size)
	}
	if isNew || !mine {
		// The reference comes first: what is stored without one would never go.
		c := store.Commit{Rows: refer(owner, hash)}
		next := is
		if isNew && is.rows() <= 1 {
			next.whole = true
			for i := range is.rows() {
				c.Rows = append(c.Rows, is.row(hash, data, i))
			}
		}
		c.KV = become(hash, next)
		if next.version, err = b.change(ctx, hash, is, c); err != nil || next.whole {
			return err
		}
		is = next
	}
	return b.fill(ctx, hash, is, data, isNew)
}

// fill stores the bytes that are not there yet, and then the word that the blob
// is whole.
func (b *Blobs) fill(ctx context.Context, hash [32]byte, is state, data []byte, isNew bool) error {
	for i := range is.rows() {
		row := is.row(hash, data, i)
		if !isNew {
			there, ok, err := b.store.Row(ctx, chunks, row.Key)
			if err != nil {
				return err
			}
			if ok && bytes.Equal(there, row.Value) {
				continue
			}
		}
		if _, err := b.change(ctx, hash, is, store.Commit{Rows: []store.RowOp{row}}); err != nil {
			return err
		}
	}
	next := is
	next.whole = true
	_, err := b.change(ctx, hash, is, store.Commit{KV: become(hash, next)})
	return err
}

// row returns chunk i of data.
func (s state) row(hash [32]byte, data []byte, i int) store.RowOp {
	return store.RowOp{Table: chunks, Key: chunkKey(hash, i), Value: data[i*s.chunk : min((i+1)*s.chunk, len(data))]}
}
