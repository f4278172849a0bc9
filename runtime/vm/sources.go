// Time and randomness, as the script sees them. Both belong to the run: the
// clock stands still within a turn, and random numbers come from a stream that
// the run was seeded with. Two executions of the same turns read the same.

package vm

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/dlclark/regexp2/v2"
)

func init() {
	// goja takes the zone of Date from time.Local, for the whole process.
	// Scripts see UTC wherever the server stands.
	time.Local = time.UTC
	regexp2.SetTimeoutCheckPeriod(regexpPeriod)
	LimitTurns(DefaultTurnBudget)
}

// regexpPeriod is how often the clock of regular expressions ticks, while there
// are any.
const regexpPeriod = 20 * time.Millisecond

// regexpSlack is how much sooner than it should a match may give up, at most:
// the clock may be behind when the process had no time for it.
const regexpSlack = 250 * time.Millisecond

// longestTurn is what no turn takes longer than, by the clock, however busy the
// machine is. A backtracking regular expression is a native that no interrupt
// reaches, and goja takes a match that gave up for none; so that no script goes on
// with that, none gives up before its turn is over.
var longestTurn atomic.Int64

func longest() time.Duration { return time.Duration(longestTurn.Load()) }

// turnLimit is what LimitTurns was called with last.
var turnLimit atomic.Int64

// LimitTurns says how large a TurnBudget may be in this process; it is
// DefaultTurnBudget unless this is called, before there are any VMs. No turn takes
// more than twice as long by the clock, less a little, and a little later a match
// that backtracks without end gives up. It returns what the limit was.
func LimitTurns(budget time.Duration) (was time.Duration) {
	longest := max(2*budget-regexpSlack, budget)
	longestTurn.Store(int64(longest))
	regexp2.DefaultMatchTimeout = longest + regexpSlack
	return time.Duration(turnLimit.Swap(int64(budget)))
}

// now is the clock behind Date. At the top level, which belongs to no run, it
// stands at the epoch, so that nothing evaluated there depends on when.
func (v *VM) now() time.Time {
	if v.run == nil {
		return time.Unix(0, 0).UTC()
	}
	return v.run.clock
}

// Now returns the script's clock.
func (v *VM) Now() time.Time { return v.now() }

// random is behind Math.random.
func (v *VM) random() float64 {
	return float64(v.entropy("Math.random()").Uint64()>>11) / (1 << 53)
}

// RandomBytes fills b from the run's stream. It throws at the top level. It
// draws whole numbers, because what a ChaCha8's Read returns between them is
// not promised, and a journal outlives the Go it was written with.
func (v *VM) RandomBytes(what string, b []byte) {
	source := v.entropy(what)
	for len(b) > 0 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], source.Uint64())
		b = b[copy(b, word[:]):]
	}
}

// Reseed has the run draw from seed, and be called run, from now on. It is for
// between two turns: a fork shares its past with another run, and not its future.
func (v *VM) Reseed(run string, seed [32]byte) {
	v.run.start.Seed, v.run.seed = seed, nil
	v.run.start.Run, v.run.info.ID = run, run
}

func (v *VM) entropy(what string) *rand.ChaCha8 {
	if v.run == nil {
		panic(v.outsideRun(what))
	}
	if v.run.seed == nil {
		v.run.seed = rand.NewChaCha8(v.run.start.Seed)
	}
	return v.run.seed
}
