package kv

import "reprise/runtime/call"

// The limits. docs/reference/kv.md has the same table.
const (
	// MaxKey is the longest binary form of a key: many keys share a page of
	// the store's index, and a key is text for people in every log line.
	MaxKey = 2 << 10
	// MaxValue is the longest encoded value. Every engine of the store keeps
	// this much in one piece (Badger in memory: just under 1 MiB).
	MaxValue = 1_000_000
	// MaxGet is how many keys one getMany reads.
	MaxGet = 100
	// MaxAnswer bounds the values of one getMany: it is held in memory on both
	// sides at once.
	MaxAnswer = 8 << 20
	// MaxBatch is how many entries one list call reads.
	MaxBatch = 1000
	// DefaultBatch is that number when the script does not say.
	DefaultBatch = 100
	// batchBytes is after how many bytes of values a list call stops early.
	batchBytes = 2 << 20
	// MaxChecks and MaxWrites bound one atomic operation: an order of 100
	// lines fits.
	MaxChecks = 100
	MaxWrites = 100
	// MaxCommit bounds the keys and values of one atomic operation, because
	// one transaction of the store holds it all (Badger's: 2.4 MiB).
	MaxCommit = 2_000_000
	// MaxName is the longest name of a shared namespace.
	MaxName = 100
	// maxParts bounds the tuple; each part takes at least one byte of MaxKey.
	maxParts = 100
)

// valueLimit is how long a script's values may be: no longer than MaxValue.
func valueLimit(l call.Limits) int64 {
	if l.KVValue <= 0 {
		return MaxValue
	}
	return min(l.KVValue, MaxValue)
}

// tooLarge is the error of everything that exceeds a limit.
func tooLarge(format string, args ...any) *call.Error {
	return call.Errorf(call.CodeKVLimit, format, args...)
}
