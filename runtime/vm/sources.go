// Time and randomness, as the script sees them. Both belong to the run: the
// clock stands still within a turn, and random numbers come from a stream that
// the run was seeded with. Two executions of the same turns read the same.

package vm

import (
	"math/rand/v2"
	"time"

	"github.com/dlclark/regexp2/v2"
)

func init() {
	// goja takes the zone of Date from time.Local, for the whole process.
	// Scripts see UTC wherever the server stands.
	time.Local = time.UTC
	// A backtracking regular expression runs in a native that no interrupt
	// reaches. When it gives up, the turn is long over its budget and ends.
	regexp2.DefaultMatchTimeout = regexpTimeout
}

// regexpTimeout is how long one match may take. It is well beyond the turn
// budget, also of a busy server: goja takes a match that gave up for none, and
// a script must not go on with that.
const regexpTimeout = 5 * DefaultTurnBudget

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

// RandomBytes fills b from the run's stream. It throws at the top level.
func (v *VM) RandomBytes(what string, b []byte) {
	// Read of a ChaCha8 never fails.
	_, _ = v.entropy(what).Read(b)
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
