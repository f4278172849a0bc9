// Package blobs keeps large payloads of runs once each, under the hash of
// their bytes. A run's journal refers to them; they go when the last run that
// refers to them is deleted.
//
//	hash, err := b.Put(ctx, run, data)
//	data, err := b.Get(ctx, hash)
//	err = b.Share(ctx, run, fork) // the fork refers to them, too
//	err = b.Drop(ctx, run)        // the run is deleted
//
// The one invariant: a blob is there, whole, as long as an owner refers to it,
// whatever crashes in between.
//
// It must not know journals or runs: an owner is a name.
//
// # How it is kept
//
//	KV   blobs        hash               its state: is it whole, and its sizes
//	rows blobs        hash/number        512 KiB of its bytes
//	rows blobs.refs   hash/owner         who refers to it
//	rows blobs.owned  <len>:owner/hash   the same, by owner
//
// Every change of a blob is a commit that checks the version of its state, and
// all but the storing of bytes write the state anew. So of two changes of one
// blob at the same time, from this process or another, one is made, and the
// other begins again and sees it: no blob goes while somebody takes hold of it.
// Each commit leaves behind what the invariant says, so that a crash between
// two of them does no harm: the next Put, Share or Drop goes on from there.
//
// All commits are [store.Commit.Relaxed]. Commits keep their order, so that a
// later commit that waits for the disk, such as that of the record which refers
// to the blob, finds the blob on the disk.
package blobs
