// What served last, in the process before. A revision that fails never replaces
// one that works, and a restart in between changes nothing about that: a script
// whose file does not load now is served by the revision that served when the
// process before ended. Only when something does not load is anybody asked.

package script

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Served is the revision of a script that served last.
type Served struct {
	// Revision is its id.
	Revision string
	// Since is when it began to serve.
	Since time.Time
	// Load returns it, evaluated and with its handlers as after Options.Check, or
	// says why it can not serve.
	Load func(ctx context.Context) (*Revision, error)
}

// recall gives the attempts what served last, if one of them fails, and puts
// them into the order in which they are let in: what served last comes before
// what is new, or a new script could take a route away over a restart.
func (r *Registry) recall(ctx context.Context, attempts []*attempt) {
	if r.options.Served == nil || r.fit(attempts) {
		return
	}
	served, err := r.options.Served(ctx)
	if err != nil {
		r.options.Logger.Error("what served last is not known, so it can not serve instead of what does not load", "error", err)
		return
	}
	for _, a := range attempts {
		last, ok := served[a.script.Name]
		switch {
		case !ok || r.Current(a.script.Name) != nil:
		case a.rev != nil && a.rev.ID == last.Revision:
			a.served = true
		default:
			a.since = last.Since
			a.last = sync.OnceValues(func() (*Revision, error) { return last.load(ctx) })
		}
	}
	inParallel(attempts, func(a *attempt) {
		if a.err != nil && a.last != nil {
			_, err := a.last() // that it fails is said when it is needed
			a.served = err == nil
		}
	})
	slices.SortStableFunc(attempts, func(a, b *attempt) int { return a.place() - b.place() })
}

// fit reports whether all attempts worked and can serve beside each other.
func (r *Registry) fit(attempts []*attempt) bool {
	if slices.ContainsFunc(attempts, func(a *attempt) bool { return a.err != nil }) {
		return false
	}
	revs := make([]*Revision, 0, len(attempts))
	for _, a := range attempts {
		if r.options.Validate(revs, a.rev) != nil {
			return false
		}
		revs = append(revs, a.rev)
	}
	if len(*r.current.Load()) == 0 { // they are let in just so: it need not be found out again
		for _, a := range attempts {
			a.fits = true
		}
	}
	return true
}

func (s *Served) load(ctx context.Context) (rev *Revision, err error) {
	if rev, err = s.Load(ctx); err == nil && rev.Handlers != nil {
		err = rev.checkHandlers()
	}
	if err != nil {
		return nil, fmt.Errorf("revision %s of %s, which served last, can not serve instead: %w", s.Revision, moment(s.Since), err)
	}
	return rev, nil
}

// place is zero for what served last, and one for what is new.
func (a *attempt) place() int {
	if a.served {
		return 0
	}
	return 1
}

// fallBack returns the revision that serves instead of an attempt that failed,
// if there is one, or why the one that served last can not.
func (r *Registry) fallBack(a *attempt) (*Revision, error) {
	if a.last == nil || r.Current(a.script.Name) != nil {
		return nil, nil
	}
	rev, err := a.last()
	if err != nil {
		return nil, err
	}
	if err := r.options.Validate(r.others(a.script.Name), rev); err != nil {
		return nil, fmt.Errorf("revision %s of %s, which served last, can not serve instead: %w", rev.ID, moment(a.since), err)
	}
	return rev, nil
}

// moment is a time in a sentence.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
