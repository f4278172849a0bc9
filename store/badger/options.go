package badger

import (
	"log/slog"
	"time"

	bdg "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Options say where a Store keeps its data. The zero value of every field but
// Dir is its default.
type Options struct {
	// Dir is the directory, made if needed; one process at a time may use it.
	Dir string
	// InMemory keeps everything in memory and nothing afterwards; Dir is ignored.
	InMemory bool
	// Logger gets what goes wrong in the background; nil discards it.
	Logger *slog.Logger
	// Now is the clock by which keys expire; nil means time.Now.
	Now func() time.Time
	// FreeSpace says how many bytes are free where dir is; nil asks the system.
	FreeSpace func(dir string) (uint64, error)
	// MemTable is the size of one of Badger's memtables; 0 means 16 MiB. A
	// commit may be 15% of it. Two of them can be in memory under load. Badger
	// refuses less than 7 MiB in memory, and less than 1 MiB on disk.
	MemTable int64

	// send replaces Badger's Txn.CommitWith, in tests.
	send func(txn *bdg.Txn, landed func(error))
	// tune changes Badger's options, in tests.
	tune func(*bdg.Options)
}

// LogOptions say where a LogStore keeps its data.
type LogOptions struct {
	Dir       string
	InMemory  bool
	Logger    *slog.Logger
	FreeSpace func(dir string) (uint64, error)
}

// Limits and sizes, with their reasons.
const (
	// Small enough that Go's collector is not misled by a big empty arena (it
	// counts as live heap at once), big enough for commits of 2.4 MiB.
	defaultMemTable = 16 << 20
	// Log blocks are smaller; 15% of this is still above maxInline.
	logMemTable = 8 << 20

	// Values from this size on go to the value log: written once instead of at
	// every compaction. Smaller ones are cheaper beside their keys.
	valueThreshold = 64 << 10
	// Badger's upper bound for a value kept beside its key. In memory there is
	// no value log, so a value must be smaller than this (Badger panics else).
	maxInline = 1 << 20
	// A value log file is dropped as a whole; 64 MiB keeps collecting cheap.
	valueLogFile = 64 << 20
	// What one transaction may put into the value log.
	maxOutOfLine = valueLogFile / 2
	// Badger allows 65,000 bytes.
	maxKey = 65_000

	// How many commits may wait before the next one waits to wait.
	queueLength = 1024
	// How many records of a dropped journal are deleted in one transaction.
	sweepChunk = 1000
	// How often the value log is looked at for garbage.
	collectEvery = 10 * time.Minute
	// Rewrite a value log file when half of it is garbage.
	collectRatio = 0.5
)

// tuned returns Badger's options for a small host: no caches (without
// compression, tables are read from the mapped file and the system's page cache
// does the caching), two compactors (the fewest Badger allows).
func tuned(dir string, inMemory bool, memTable int64, log *slog.Logger) bdg.Options {
	if inMemory {
		dir = ""
	}
	o := bdg.DefaultOptions(dir)
	o.InMemory = inMemory
	o.MemTableSize = memTable
	o.NumMemtables = 2
	o.NumLevelZeroTables = 4
	o.NumLevelZeroTablesStall = 12
	o.NumCompactors = 2
	o.NumVersionsToKeep = 1
	o.Compression = options.None
	o.BlockCacheSize = 0
	o.IndexCacheSize = 0
	o.ValueThreshold = maxInline
	o.ValueLogFileSize = valueLogFile
	o.MetricsEnabled = false
	// Damaged bytes are an error, never an answer.
	o.ChecksumVerificationMode = options.OnBlockRead
	o.VerifyValueChecksum = true
	// There is one writer, so there is nothing to detect.
	o.DetectConflicts = false
	o.Logger = engineLog{log}
	return o
}
