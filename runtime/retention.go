package runtime

import (
	"context"
	"strings"
	"time"

	"reprise/store"
)

// Retention says how long runs that have ended are kept. Zero values are the
// defaults.
type Retention struct {
	Age       time.Duration // 30 days
	PerScript int           // 10,000 runs of each script
}

// The defaults of Retention.
const (
	DefaultRunAge        = 30 * 24 * time.Hour
	DefaultRunsPerScript = 10_000
	// sweepEvery is how often runs are deleted that need not be kept.
	sweepEvery = 10 * time.Minute
)

func (r Retention) age() time.Duration {
	if r.Age > 0 {
		return r.Age
	}
	return DefaultRunAge
}

func (r Retention) perScript() int {
	if r.PerScript > 0 {
		return r.PerScript
	}
	return DefaultRunsPerScript
}

// sweepForever deletes, now and then, what need not be kept.
func (e *Engine) sweepForever() {
	defer e.work.Done()
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := e.Sweep(e.ctx); err != nil && e.ctx.Err() == nil {
				e.options.Logger.Warn("old runs could not be deleted; trying again later", "error", err)
			}
		case <-e.quit:
			return
		}
	}
}

// Sweep deletes the ended runs that are older than the retention or beyond its
// number for each script, and the revisions that nobody needs any more.
func (e *Engine) Sweep(ctx context.Context) error {
	scripts, err := e.prefixes(ctx, tableByScript)
	if err != nil {
		return err
	}
	for _, script := range scripts {
		if err := e.sweepScript(ctx, script); err != nil {
			return err
		}
	}
	return e.sweepRevisions(ctx)
}

// prefixes lists the first parts of a table's keys, each once.
func (e *Engine) prefixes(ctx context.Context, table string) ([]string, error) {
	var out []string
	r := store.Range{Limit: 1}
	for {
		rows, err := e.options.Store.Rows(ctx, table, r)
		if err != nil {
			return nil, storeError("list what is kept", err)
		}
		if len(rows) == 0 {
			return out, nil
		}
		prefix, _, _ := strings.Cut(rows[0].Key, "\x00")
		out = append(out, prefix)
		r.Start = []byte(prefix + "\x01")
	}
}

func (e *Engine) sweepScript(ctx context.Context, script string) error {
	ended, oldest := 0, time.Now().Add(-e.options.Retention.age())
	return e.eachOf(ctx, script, func(r *run) error {
		if e.isStopping() {
			return errStopped
		}
		if !r.Status.Ended() || r.EndedAt == nil {
			return nil
		}
		if ended++; ended <= e.options.Retention.perScript() && r.EndedAt.After(oldest) {
			return nil
		}
		if awaited, err := e.isAwaited(ctx, r); err != nil || awaited {
			return err
		}
		err := e.Delete(ctx, r.ID)
		if isGone(err) {
			return nil
		}
		return err
	})
}

// isAwaited reports whether the run that invoked r may still ask for its result:
// one that is paused does so when it goes on.
func (e *Engine) isAwaited(ctx context.Context, r *run) (bool, error) {
	if !r.Attached {
		return false, nil
	}
	parent, err := e.row(ctx, r.Parent)
	if isGone(err) {
		return false, nil
	}
	return err == nil && !parent.Status.Ended(), err
}

func (e *Engine) isStopping() bool {
	select {
	case <-e.quit:
		return true
	default:
		return false
	}
}

// sweepRevisions deletes the revisions that no run refers to, and that no script
// was served by last.
func (e *Engine) sweepRevisions(ctx context.Context) error {
	served, err := ReadServed(ctx, e.options.Store)
	if err != nil {
		return err
	}
	last := map[string]bool{}
	for _, s := range served {
		last[s.Revision] = true
	}
	r := store.Range{Limit: 500}
	for {
		rows, err := e.options.Store.Rows(ctx, tableRevisions, r)
		if err != nil {
			return storeError("list the revisions", err)
		}
		for _, row := range rows {
			if last[row.Key] {
				continue
			}
			if err := e.sweepRevision(ctx, row.Key); err != nil {
				return err
			}
		}
		if len(rows) < r.Limit {
			return nil
		}
		r.Start = []byte(rows[len(rows)-1].Key + "\x00")
	}
}

func (e *Engine) sweepRevision(ctx context.Context, id string) error {
	e.keeping.Lock()
	defer e.keeping.Unlock()
	if !e.unkeep(id) {
		return nil // a run may be beginning with it, or a script be served by it
	}
	runs, err := e.options.Store.Rows(ctx, tableByRevision, rangeOf(indexKey(id, ""), 1))
	if err != nil || len(runs) > 0 {
		return err
	}
	if _, err := e.options.Store.Commit(ctx, store.Commit{Rows: []store.RowOp{{Table: tableRevisions, Key: id}}}); err != nil {
		return storeError("delete a revision", err)
	}
	if err := e.blobs.Drop(ctx, revisionOwner(id)); err != nil {
		return storeError("delete a revision", err)
	}
	return nil
}
