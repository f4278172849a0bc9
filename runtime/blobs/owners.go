package blobs

import (
	"context"
	"encoding/hex"
	"fmt"

	"reprise/store"
)

// page is how many of an owner's references are read at a time.
const page = 100

// Owns reports whether owner refers to a blob.
func (b *Blobs) Owns(ctx context.Context, owner string, hash [32]byte) (bool, error) {
	ok, err := b.refers(ctx, owner, hash)
	if err != nil {
		return false, fmt.Errorf("blobs: looking for the owner of %s: %w", name(hash), err)
	}
	return ok, nil
}

// Share makes to refer to everything that from refers to, as a fork does. It is
// an error if something of from is dropped meanwhile.
func (b *Blobs) Share(ctx context.Context, from, to string) error {
	for after := ""; ; {
		keys, err := b.ownedBy(ctx, from, after)
		if err != nil {
			return fmt.Errorf("sharing the payloads of %s with %s: %w", from, to, err)
		}
		for _, hash := range keys {
			if err := again(func() error { return b.share(ctx, from, to, hash) }); err != nil {
				return fmt.Errorf("sharing the payloads of %s with %s: %w", from, to, err)
			}
			after = name(hash)
		}
		if len(keys) < page {
			return nil
		}
	}
}

func (b *Blobs) share(ctx context.Context, from, to string, hash [32]byte) error {
	is, err := b.state(ctx, hash)
	if err != nil {
		return err
	}
	if theirs, err := b.refers(ctx, to, hash); err != nil || theirs {
		return err
	}
	switch ours, err := b.refers(ctx, from, hash); {
	case err != nil:
		return err
	case !ours || !is.there():
		return fmt.Errorf("%w: %s was dropped meanwhile", ErrNotFound, name(hash))
	}
	_, err = b.change(ctx, hash, is, store.Commit{Rows: refer(to, hash), KV: become(hash, is)})
	return err
}

// Drop ends all references of owner. Blobs that nobody else refers to go. After
// a crash, or an error, calling it again does the rest.
func (b *Blobs) Drop(ctx context.Context, owner string) error {
	for after := ""; ; {
		keys, err := b.ownedBy(ctx, owner, after)
		if err != nil {
			return fmt.Errorf("dropping the payloads of %s: %w", owner, err)
		}
		for _, hash := range keys {
			if err := again(func() error { return b.drop(ctx, owner, hash) }); err != nil {
				return fmt.Errorf("dropping the payloads of %s: %w", owner, err)
			}
			after = name(hash)
		}
		if len(keys) < page {
			return nil
		}
	}
}

func (b *Blobs) drop(ctx context.Context, owner string, hash [32]byte) error {
	is, err := b.state(ctx, hash)
	if err != nil {
		return err
	}
	shared, err := b.shared(ctx, owner, hash)
	if err != nil {
		return err
	}
	c := store.Commit{Rows: unrefer(owner, hash)}
	switch {
	case shared:
		c.KV = become(hash, is) // so that of two last owners one sees the other go
	case is.there():
		c.KV = []store.KVOp{{Namespace: states, Key: hash[:], Delete: true}}
		for i := range is.rows() {
			c.Rows = append(c.Rows, store.RowOp{Table: chunks, Key: chunkKey(hash, i)})
		}
	}
	_, err = b.change(ctx, hash, is, c)
	return err
}

// shared says whether somebody but owner refers to the blob.
func (b *Blobs) shared(ctx context.Context, owner string, hash [32]byte) (bool, error) {
	prefix := refKey(hash, "")
	rows, err := b.store.Rows(ctx, refs, store.Range{Start: []byte(prefix), End: behind(prefix), Limit: 2})
	for _, r := range rows {
		if r.Key != prefix+owner {
			return true, err
		}
	}
	return false, err
}

// ownedBy returns a page of the blobs that owner refers to, those behind after.
func (b *Blobs) ownedBy(ctx context.Context, owner, after string) ([][32]byte, error) {
	prefix := ownedPrefix(owner)
	start := []byte(prefix + after)
	if after != "" {
		start = append(start, 0)
	}
	rows, err := b.store.Rows(ctx, owned, store.Range{Start: start, End: behind(prefix), Limit: page})
	if err != nil {
		return nil, err
	}
	hashes := make([][32]byte, len(rows))
	for i, r := range rows {
		hash, err := hex.DecodeString(r.Key[len(prefix):])
		if err != nil || len(hash) != len(hashes[i]) {
			return nil, fmt.Errorf("%w: %q is no hash in the list of what %s refers to", ErrDamaged, r.Key[len(prefix):], owner)
		}
		copy(hashes[i][:], hash)
	}
	return hashes, nil
}

// behind is the first key behind those that begin with prefix, which ends in a
// slash.
func behind(prefix string) []byte {
	end := []byte(prefix)
	end[len(end)-1]++
	return end
}
