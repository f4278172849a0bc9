// Package badger is the embedded engine: [store.Store] and [store.LogStore] on
// Badger, in a directory of their own or in memory.
//
// Its one invariant: what a commit may read, it reads after every commit that
// was acknowledged before it, and what it writes reaches the disk in one
// transaction, together with whole other commits or alone, but never in part.
// Badger's own SyncWrites waits for the disk once per transaction, whatever the
// concurrency; here one goroutine (see committer.go) folds all commits that
// wait into one transaction, so the disk is waited for once for all of them.
//
// Before Badger opens a directory, package files looks at it: what is damaged,
// foreign or newer is refused in a sentence, and what a crash leaves is not.
//
// The package knows bytes, keys and times. It must not know what a run, a call
// or a script is, nor what journals and rows contain.
//
//	s, err := badger.Open(badger.Options{Dir: "data/store"})
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	_, err = s.Commit(ctx, store.Commit{KV: []store.KVOp{{Namespace: "n", Key: key, Value: v}}})
//
// # Measured
//
// Commits per second that append 200 bytes behind a fence and are on disk when
// they return, best of three rounds on two shared cores and ext4, with 1, 16 and
// 64 writers: 2,700, 18,000 and 31,000. A plain Badger transaction for each, in
// the same run: 3,400, 3,800 and 2,700. Relaxed ones: 120,000, 150,000 and
// 29,000. Steps as the engine makes them (BenchmarkJournalSteps: two records of 60
// bytes that do not wait, and one commit that does after every ten) from 64
// writers: 50,000 to 115,000 per second while others used the same cores and the
// same disk, 0.18 to 0.32 of a plain file's that does the same appends; and 150
// bytes each on the disk after closing. An open store and an open log store take 3 MiB together while idle, and
// 10 to 25 ms each to open.
//
// # Limits
//
// With the default memtable of 16 MiB one commit holds up to 2.4 MiB and about
// 26,000 writes. Values of 64 KiB and more are kept apart and count almost
// nothing towards that, up to 32 MiB per commit; in memory every value counts,
// and one value stays under 1 MiB. An encoded key has at most 65,000 bytes.
// Beyond any of these Commit returns [store.ErrTooLarge].
package badger
