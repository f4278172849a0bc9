package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors an engine returns, beside its own wrapped ones.
var (
	// ErrSequence: another writer appended to the journal since it was read.
	ErrSequence = errors.New("store: the journal has moved on")
	// ErrTooLarge: the commit does not fit into one transaction of the engine.
	ErrTooLarge = errors.New("store: the commit is too large for one transaction")
	// ErrFull: there is too little disk space to accept writes.
	ErrFull = errors.New("store: the disk is nearly full; writes are refused until there is room")
	// ErrNotNumber: a Sum found a value that is not a JSON number, or would
	// have stored one that JSON cannot write (infinite, not a number).
	ErrNotNumber = errors.New("store: not a JSON number")
	// ErrStamp: a commit's Stamp has no place to go, or no version to write there.
	ErrStamp = errors.New("store: the stamp does not fit the commit")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("store: closed")
)

// CheckError says which of a commit's checks did not hold.
type CheckError struct {
	Index int // into Commit.Checks
	Check Check
	Found Version // the version found; zero when the key is absent
}

func (e *CheckError) Error() string {
	return fmt.Sprintf("store: check %d failed: version is %s, expected %s", e.Index, e.Found, e.Check.Version)
}

// Version orders the writes of KV keys: every commit that writes KV gets a
// higher one. The zero Version means "no such key".
type Version uint64

// VersionDigits is the length of a Version's text.
const VersionDigits = 20

// String returns the version as 20 decimal digits, so that text sorts as numbers do.
func (v Version) String() string { return fmt.Sprintf("%0*d", VersionDigits, uint64(v)) }

// Commit is everything that must happen together. The fence and the checks are
// judged against the state before the commit; KV, Timers and Rows are then
// applied in order, each seeing the ones before it.
type Commit struct {
	// Run names the journal that Appends go to; ExpectSeq is the number of
	// records it must hold now (the fence against a second writer). Both are
	// ignored when Appends is empty.
	Run       string
	ExpectSeq uint64
	Appends   [][]byte
	// Stamp, if set, has the commit's Version written into one of the Appends
	// before it is stored.
	Stamp *Stamp

	// Checks must all hold before anything is written.
	Checks []Check
	KV     []KVOp
	Timers []TimerOp
	Rows   []RowOp

	// Relaxed says that the caller does not need to wait for the disk. The
	// commit has its place in the order, and reads see it, but until a commit
	// that waits (or Close) has returned it may be lost in a crash, whole.
	Relaxed bool
}

// OnlyDeletes says that c writes nothing and deletes something.
func (c *Commit) OnlyDeletes() bool {
	for i := range c.KV {
		if !c.KV[i].Delete {
			return false
		}
	}
	for i := range c.Timers {
		if !c.Timers[i].At.IsZero() {
			return false
		}
	}
	for i := range c.Rows {
		if c.Rows[i].Value != nil {
			return false
		}
	}
	return len(c.Appends) == 0 && len(c.KV)+len(c.Timers)+len(c.Rows) > 0
}

// Stamp says where the 20 digits of a commit's Version (see Version.String) go:
// over the bytes of Appends[Append] from Offset on. A commit that writes no KV
// key has no version and must have no Stamp.
type Stamp struct {
	Append int
	Offset int
}

// StampError returns nil if c has no Stamp or one that fits, and else an
// ErrStamp that says what is wrong. Engines ask before they write anything.
func (c *Commit) StampError() error {
	s := c.Stamp
	switch {
	case s == nil:
		return nil
	case len(c.KV) == 0:
		return fmt.Errorf("%w: it writes no KV key, so it has no version", ErrStamp)
	case s.Append < 0 || s.Append >= len(c.Appends):
		return fmt.Errorf("%w: it names append %d of %d", ErrStamp, s.Append, len(c.Appends))
	case s.Offset < 0 || s.Offset > len(c.Appends[s.Append])-VersionDigits:
		return fmt.Errorf("%w: %d digits from byte %d on are beyond the %d bytes of append %d",
			ErrStamp, VersionDigits, s.Offset, len(c.Appends[s.Append]), s.Append)
	}
	return nil
}

// Check holds when the key's current version is Version (zero: absent).
type Check struct {
	Namespace string
	Key       []byte
	Version   Version
}

// KVOp writes one key of a namespace.
type KVOp struct {
	Namespace string
	Key       []byte // ordered bytes; see bindings/kv for the tuple codec
	Delete    bool
	// Sum, when set, adds Delta to the number stored under Key (absent counts
	// as zero; a value that is not a JSON number is an error).
	Sum   bool
	Delta float64
	Value []byte
	// Expires is when the key disappears; zero means never. From that moment it
	// is absent for reads, checks and sums. Each write sets it anew, a Sum too.
	Expires time.Time
}

// TimerOp sets (or with a zero At removes) a run's timer.
type TimerOp struct {
	Run string
	ID  uint64
	At  time.Time
}

// RowOp writes (or with a nil Value deletes) one row of a table. Tables are
// ordered by key. With IfAbsent the whole commit fails with ErrRowExists if
// the row is already there.
type RowOp struct {
	Table    string
	Key      string
	Value    []byte
	IfAbsent bool
}

// ErrRowExists is returned when a RowOp with IfAbsent found its row.
var ErrRowExists = errors.New("store: the row exists")

// Committed is what a commit returns.
type Committed struct {
	// Version is the version of every KV key written; zero if none was.
	Version Version
	// Seq is the number of records in the journal afterwards.
	Seq uint64
}

// Entry is a KV key with its value.
type Entry struct {
	Key     []byte
	Value   []byte
	Version Version // zero: absent
	Expires time.Time
}

// Range selects keys k with Start <= k < End of a namespace or table. An empty
// End means no upper bound.
type Range struct {
	Start, End []byte
	Limit      int // at most this many; 0 means 100
	Reverse    bool
}

// Row is a row of a table.
type Row struct {
	Key   string
	Value []byte
}

// Timer is a due or coming timer of a run.
type Timer struct {
	Run string
	ID  uint64
	At  time.Time
}

// Store keeps what must not be lost. All methods are safe for concurrent use.
type Store interface {
	// Commit applies c atomically. With ErrSequence, *CheckError, ErrRowExists,
	// ErrNotNumber, ErrStamp, ErrTooLarge, ErrFull or ErrClosed nothing was
	// written.
	// Another error, ctx's own included, leaves the outcome open: the commit may
	// have happened, or may still. What c points to may be reused once Commit
	// has returned, however it returned. A commit that only deletes works, like
	// DropJournal, while others are refused with ErrFull.
	Commit(ctx context.Context, c Commit) (Committed, error)
	// Journal returns the records of a run's journal from number from (zero based).
	Journal(ctx context.Context, run string, from uint64) ([][]byte, error)
	// DropJournal deletes a run's journal; afterwards it is as if it never was.
	// It works while commits are refused with ErrFull, as it makes room, until
	// there is no room for that either.
	DropJournal(ctx context.Context, run string) error
	// Get reads keys in one consistent snapshot, one Entry for each key, in
	// their order; absent ones have a zero Version.
	Get(ctx context.Context, namespace string, keys ...[]byte) ([]Entry, error)
	// List reads a range of keys in order.
	List(ctx context.Context, namespace string, r Range) ([]Entry, error)
	// Row reads one row; ok is false when it is absent.
	Row(ctx context.Context, table, key string) (value []byte, ok bool, err error)
	// Rows reads a range of rows in order.
	Rows(ctx context.Context, table string, r Range) ([]Row, error)
	// Due returns timers with At <= now, earliest first, at most limit.
	Due(ctx context.Context, now time.Time, limit int) ([]Timer, error)
	// Close waits for the commits that were accepted, then closes. Everything
	// called afterwards returns ErrClosed; closing twice is nothing.
	Close() error
}

// Block is a batch of log lines that is stored and dropped as a whole.
type Block struct {
	First, Last uint64 // sequence numbers of its first and last line
	Time        time.Time
	Data        []byte
}

// LogStore keeps blocks of log lines, without waiting for the disk, apart from
// the Store. Blocks are appended in order of their sequence numbers.
type LogStore interface {
	// Append stores a block; its First must be above every number stored. It
	// returns ErrTooLarge, ErrFull, ErrClosed or an engine's error.
	Append(ctx context.Context, b Block) error
	// Blocks calls yield for the blocks that hold any line in [from, to], in
	// order or in reverse, until it returns false.
	Blocks(ctx context.Context, from, to uint64, reverse bool, yield func(Block) bool) error
	// Last returns the highest sequence number stored, zero when empty.
	Last(ctx context.Context) (uint64, error)
	// DropBefore deletes the blocks whose Time is before t.
	DropBefore(ctx context.Context, t time.Time) error
	// DropOldest deletes oldest blocks until at most maxBytes of data remain.
	DropOldest(ctx context.Context, maxBytes int64) error
	Close() error
}
