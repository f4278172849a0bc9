package blobs

import (
	"context"
	"crypto/sha256"
	"fmt"
)

// Get returns the bytes that have this hash. An error is an ErrNotFound, an
// ErrIncomplete, an ErrDamaged or the store's.
func (b *Blobs) Get(ctx context.Context, hash [32]byte) ([]byte, error) {
	for {
		is, err := b.state(ctx, hash)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading payload %s: %w", name(hash), err)
		case !is.there():
			return nil, fmt.Errorf("%w: %s", ErrNotFound, name(hash))
		case !is.whole:
			return nil, fmt.Errorf("%w: %s, of %d bytes: whoever stores it again completes it", ErrIncomplete, name(hash), is.size)
		}
		data, err := b.bytes(ctx, hash, is)
		if err != nil {
			return nil, fmt.Errorf("reading payload %s: %w", name(hash), err)
		}
		if len(data) == is.size && sha256.Sum256(data) == hash {
			return data, nil
		}
		// It is damaged, unless it has been dropped while we read it.
		now, err := b.state(ctx, hash)
		if err != nil {
			return nil, fmt.Errorf("reading payload %s: %w", name(hash), err)
		}
		if now == is {
			return nil, fmt.Errorf("%w: %s: %d of %d bytes can be read, or they have another hash", ErrDamaged, name(hash), len(data), is.size)
		}
	}
}

// bytes returns the blob's bytes, up to the first piece that is not as it should
// be.
func (b *Blobs) bytes(ctx context.Context, hash [32]byte, is state) ([]byte, error) {
	var data []byte
	for i := range is.rows() {
		part, _, err := b.store.Row(ctx, chunks, chunkKey(hash, i))
		if err != nil || len(part) != min(is.chunk, is.size-i*is.chunk) {
			return data, err
		}
		if is.rows() == 1 {
			return part, nil
		}
		if data == nil {
			data = make([]byte, 0, is.size)
		}
		data = append(data, part...)
	}
	return data, nil
}
