// How many retries an upstream gets. Retries help where few requests fail; where
// many do, they are what keeps an upstream down that would recover.

package connections

import (
	"fmt"
	"sync"
	"time"
)

// Budget is how many retries an upstream gets: Percent of the calls of the last
// ten seconds, but Floor in any case, so that few calls can be tried again all
// the same.
type Budget struct{ Percent, Floor int }

// DefaultBudget is that of upstreams that say nothing: one call in five. The
// floor is what a handful of runs need that have only just begun.
var DefaultBudget = Budget{Percent: 20, Floor: 10}

// MaxBudget bounds both numbers of a Budget. With it, whoever wants to is tried
// again.
const MaxBudget = 1_000_000

// NoBudget lets every retry pass.
var NoBudget = Budget{Percent: MaxBudget, Floor: MaxBudget}

func (b *Budget) check() error {
	if b != nil && (b.Percent < 0 || b.Percent > MaxBudget || b.Floor < 0 || b.Floor > MaxBudget) {
		return fmt.Errorf("retryBudget has %d percent and a floor of %d; each can be 0 to %d", b.Percent, b.Floor, MaxBudget)
	}
	return nil
}

// budgetWindow is over how long is counted, in parts: what happened in one of
// them is forgotten with it.
const (
	budgetParts  = 10
	budgetPart   = time.Second
	budgetWindow = budgetParts * budgetPart
)

// budget counts the calls and the retries of an upstream. It is safe for
// concurrent use.
type budget struct {
	Budget

	mu    sync.Mutex // guards the rest
	parts [budgetParts]counts
	said  time.Time // when it was last said that it is spent
}

type counts struct {
	part           int64 // which it is of all
	calls, retries int
}

func newBudget(b *Budget) *budget {
	if b == nil {
		b = &DefaultBudget
	}
	return &budget{Budget: *b}
}

// at returns the counts of the part that now is in. b.mu is held.
func (b *budget) at(now time.Time) *counts {
	part := now.UnixNano() / int64(budgetPart)
	c := &b.parts[part%budgetParts]
	if c.part != part {
		*c = counts{part: part}
	}
	return c
}

// called counts a call, at its first attempt.
func (b *budget) called(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at(now).calls++
}

// retry reports whether a call may be tried again, and counts it if so. If not,
// first says whether that is news: the first in a window's time.
func (b *budget) retry(now time.Time) (ok, first bool, sum counts) {
	b.mu.Lock()
	defer b.mu.Unlock()
	current := b.at(now)
	for _, c := range b.parts {
		if c.part > current.part-budgetParts {
			sum.calls += c.calls
			sum.retries += c.retries
		}
	}
	if sum.retries < max(b.Floor, sum.calls*b.Percent/100) {
		current.retries++
		return true, false, sum
	}
	if first = now.Sub(b.said) >= budgetWindow; first {
		b.said = now
	}
	return false, first, sum
}

// Called counts a call to the named upstream: what its retries are measured by.
func (s *Set) Called(name string) {
	if g := s.gateOf(name); g != nil {
		g.budget.called(time.Now())
	}
}

// Retry reports whether a call to the named upstream may be tried again.
func (s *Set) Retry(name string) bool {
	g := s.gateOf(name)
	if g == nil {
		return true
	}
	ok, first, sum := g.budget.retry(time.Now())
	if o := g.observer; o != nil && o.Retry != nil {
		o.Retry(name, ok)
	}
	if o := g.observer; first && o != nil && o.Spent != nil {
		o.Spent(name, sum.calls, sum.retries)
	}
	return ok
}

// gateOf is the gate of an upstream, nil for self and where there is none.
func (s *Set) gateOf(name string) *gate {
	if u := s.get(name); u != nil && name != Self {
		return u.gate
	}
	return nil
}
