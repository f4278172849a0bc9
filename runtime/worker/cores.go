// How many cores a worker process uses at a time. Turns that take microseconds
// are cheapest on one: nothing is handed from thread to thread. But a turn that
// takes long keeps it from everybody: Go takes a core away from a goroutine
// after 10 ms at the earliest, and what another script was sent waits so long at
// every step. So while turns take long, the process has cores to spare, and it is
// the system that shares out the time, which prefers those who have used little.
// Measured, beside a script that computes without end: a request of three turns
// takes 90 ms on one core, 40 on two, 3 with this.

package worker

import (
	goruntime "runtime"
	"time"
)

const (
	// longAfter is when a turn has taken long.
	longAfter = 5 * time.Millisecond
	// longFor is for how long more are expected then. A change stops the process
	// for some ten microseconds.
	longFor = time.Second
	// spareCores are for whoever does not execute turns: the reader, a collection.
	spareCores = 2
)

// cores says how many there are. It is for one goroutine at a time.
type cores struct {
	few, many int
	wide      bool      // there are many
	long      time.Time // when a turn was last seen that has taken long
	set       func(n int) int
}

func newCores(turns int) *cores {
	few := goruntime.GOMAXPROCS(0)
	return &cores{few: few, many: max(few, turns+spareCores), set: goruntime.GOMAXPROCS}
}

// look is told from time to time how long the turn has taken that has taken longest
// of those that execute.
func (c *cores) look(now time.Time, took time.Duration) {
	switch {
	case took >= longAfter:
		c.long = now
		if !c.wide {
			c.wide = true
			c.set(c.many)
		}
	case c.wide && now.Sub(c.long) > longFor:
		c.wide = false
		c.set(c.few)
	}
}
