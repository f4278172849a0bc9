// Flow control: how many runs of a script, or of one key, are under way, and how
// many begin in a time. A limited run is recorded as queued; one goroutine lets
// runs in, first come first served within a key. All of it is in the store, so
// that a restart changes nothing.

package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"reprise/runtime/call"
	"reprise/store"
)

const (
	tableQueue = "runs.queue" // script NUL key NUL id -> rate key
	tableSlots = "runs.slots" // script NUL key NUL id: let in and not ended
	tableRates = "runs.rates" // script NUL rate key -> when the rate is used up to
)

// scheduleKey is the key of scheduled runs that wait for the one before.
const scheduleKey = "@schedule"

type flow struct {
	engine *Engine
	rang   chan struct{}

	mu    sync.Mutex
	looks map[flowKey]bool // keys to look at; guarded by mu
	all   bool             // whatever has a queue is to be looked at; guarded by mu
}

type flowKey struct{ script, key string }

func newFlow(e *Engine) *flow {
	return &flow{engine: e, rang: make(chan struct{}, 1), looks: map[flowKey]bool{}}
}

// classify queues a run whose script limits how runs begin.
func (f *flow) classify(s *Script, b *beginning, r *run) error {
	switch {
	case b.alone:
		r.FlowKey = scheduleKey
	case s.Concurrency == nil && s.Rate == nil:
		return nil
	default:
		if s.Rate != nil {
			r.RateKey = keyIn(s.Rate.Key, b.input)
			r.FlowKey = r.RateKey
		}
		if s.Concurrency != nil {
			r.FlowKey = keyIn(s.Concurrency.Key, b.input)
		}
	}
	r.Status = Queued
	return nil
}

// keyIn is the value at a dotted path of the input, as text: "*" without a path.
func keyIn(path string, input []byte) string {
	if path == "" {
		return "*"
	}
	value := json.RawMessage(input)
	for _, name := range strings.Split(path, ".")[1:] { // the first is "input"
		var o map[string]json.RawMessage
		if json.Unmarshal(value, &o) != nil {
			return "null"
		}
		value = o[name]
	}
	switch {
	case len(value) == 0:
		return "null"
	case len(value) > 200:
		sum := sha256.Sum256(value)
		return "sha256-" + hex.EncodeToString(sum[:16])
	}
	return strings.ReplaceAll(string(value), "\x00", "")
}

func slotKey(r *run) string { return indexKey(indexKey(r.Script, r.FlowKey), r.ID) }

// enqueue makes the queue's row part of the commit that records the run.
func (f *flow) enqueue(a *actor) {
	a.setRow(store.RowOp{Table: tableQueue, Key: slotKey(&a.run), Value: []byte(a.run.RateKey)})
}

// leave makes it part of the commit of a run's end that its slot is free.
func (f *flow) leave(a *actor) {
	if a.run.FlowKey == "" {
		return
	}
	table := tableSlots
	if a.before == Queued {
		table = tableQueue
	}
	a.setRow(store.RowOp{Table: table, Key: slotKey(&a.run)})
}

// comeBack makes it part of a commit that a run that had ended is under way again.
func (f *flow) comeBack(a *actor) {
	if a.run.FlowKey != "" {
		a.setRow(store.RowOp{Table: tableSlots, Key: slotKey(&a.run), Value: []byte{}})
	}
	if a.run.Tick != nil {
		a.setRow(tickingRow(&a.run, []byte{}))
	}
}

// look has the next runs of a key let in.
func (f *flow) look(script, key string) {
	if key == "" {
		return
	}
	f.mu.Lock()
	f.looks[flowKey{script, key}] = true
	f.mu.Unlock()
	select {
	case f.rang <- struct{}{}:
	default:
	}
}

// lookAtAll has the next runs of every key let in.
func (f *flow) lookAtAll() {
	f.mu.Lock()
	f.all = true
	f.mu.Unlock()
	select {
	case f.rang <- struct{}{}:
	default:
	}
}

// list adds the keys that have a queue to those to look at.
func (f *flow) list(ctx context.Context) error {
	r := store.Range{Limit: 1}
	for {
		rows, err := f.engine.options.Store.Rows(ctx, tableQueue, r)
		if err != nil || len(rows) == 0 {
			return err
		}
		parts := strings.SplitN(rows[0].Key, "\x00", 3)
		if len(parts) == 3 {
			f.mu.Lock()
			f.looks[flowKey{parts[0], parts[1]}] = true
			f.mu.Unlock()
		}
		r.Start = []byte(indexKey(parts[0], strings.Join(parts[1:len(parts)-1], "")) + "\x01")
	}
}

func (f *flow) take() (k flowKey, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k = range f.looks {
		delete(f.looks, k)
		return k, true
	}
	return k, false
}

// run lets runs in until the engine stops.
func (f *flow) run() {
	defer f.engine.work.Done()
	for {
		select {
		case <-f.rang:
		case <-f.engine.quit:
			return
		}
		if err := f.listIfAsked(); err != nil {
			continue
		}
		for k, ok := f.take(); ok; k, ok = f.take() {
			if err := f.admit(f.engine.ctx, k); err != nil && f.engine.ctx.Err() == nil && !f.engine.isStopping() {
				f.engine.options.Logger.Error("queued runs could not be let in; trying again", "script", k.script, "error", err)
				f.later(k, time.Second)
			}
		}
	}
}

func (f *flow) listIfAsked() error {
	f.mu.Lock()
	all := f.all
	f.all = false
	f.mu.Unlock()
	if !all {
		return nil
	}
	err := f.list(f.engine.ctx)
	if err != nil && f.engine.ctx.Err() == nil {
		f.engine.options.Logger.Error("the queues can not be read; trying again", "error", err)
		time.AfterFunc(time.Second, f.lookAtAll)
	}
	return err
}

func (f *flow) later(k flowKey, d time.Duration) {
	time.AfterFunc(d, func() { f.look(k.script, k.key) })
}

// maxLooked is how far down a queue is looked for a run whose rate allows it to
// begin.
const maxLooked = 1000

// admit lets in as many runs of a key as may begin now: the oldest first, past
// those that their rate holds back.
func (f *flow) admit(ctx context.Context, k flowKey) error {
	prefix := indexKey(indexKey(k.script, k.key), "")
	r := rangeOf(prefix, 100)
	spent, soonest := map[string]bool{}, time.Duration(0) // rates that are used up
	for looked := 0; looked < maxLooked; looked += r.Limit {
		queue, err := f.engine.options.Store.Rows(ctx, tableQueue, r)
		if err != nil {
			return err
		}
		for _, row := range queue {
			if spent[string(row.Value)] {
				continue
			}
			pause, full, err := f.try(ctx, k, row.Key[len(prefix):], string(row.Value))
			if err != nil || full {
				return err // whoever ends has us look again
			}
			if pause > 0 {
				spent[string(row.Value)] = true
				if soonest == 0 || pause < soonest {
					soonest = pause
				}
			}
		}
		if len(queue) < r.Limit {
			break
		}
		r.Start = []byte(queue[len(queue)-1].Key + "\x00")
	}
	if soonest > 0 {
		f.later(k, soonest)
	}
	return nil
}

// try lets a queued run in, unless its key is full, or its rate makes it pause.
func (f *flow) try(ctx context.Context, k flowKey, id, rateKey string) (pause time.Duration, full bool, err error) {
	free, err := f.free(ctx, k, indexKey(indexKey(k.script, k.key), ""))
	if err != nil || !free {
		return 0, true, err
	}
	rate, pause, err := f.rate(ctx, k.script, rateKey)
	if err != nil || pause > 0 {
		return pause, false, err
	}
	return 0, false, f.letIn(ctx, k, id, rate)
}

// free reports whether another run of a key may be under way.
func (f *flow) free(ctx context.Context, k flowKey, prefix string) (bool, error) {
	limit := 0
	switch s := f.engine.options.Scripts.Current(k.script); {
	case k.key == scheduleKey:
		limit = 1
	case s != nil && s.Concurrency != nil:
		limit = s.Concurrency.Limit
	}
	if limit <= 0 {
		return true, nil
	}
	slots, err := f.engine.options.Store.Rows(ctx, tableSlots, rangeOf(prefix, limit))
	return len(slots) < limit, err
}

// rate says how long the next run has to wait. It is the generic cell rate
// algorithm: one moment for each key, up to which the rate is used; a burst may
// use a whole limit at once.
func (f *flow) rate(ctx context.Context, script, key string) (row *store.RowOp, pause time.Duration, err error) {
	s := f.engine.options.Scripts.Current(script)
	if key == "" || s == nil || s.Rate == nil {
		return nil, 0, nil
	}
	now := time.Now()
	used := now
	value, ok, err := f.engine.options.Store.Row(ctx, tableRates, indexKey(script, key))
	if err != nil {
		return nil, 0, err
	}
	if ok && len(value) == 8 {
		if t := time.Unix(0, int64(binary.BigEndian.Uint64(value))); t.After(now) {
			used = t
		}
	}
	used = used.Add(s.Rate.Per / time.Duration(s.Rate.Limit))
	if pause := used.Sub(now) - s.Rate.Per; pause > 0 {
		return nil, pause, nil
	}
	next := binary.BigEndian.AppendUint64(nil, uint64(used.UnixNano()))
	return &store.RowOp{Table: tableRates, Key: indexKey(script, key), Value: next}, 0, nil
}

// letIn has a queued run begin.
func (f *flow) letIn(ctx context.Context, k flowKey, id string, rate *store.RowOp) error {
	_, err := onAny(ctx, f.engine, id, func(a *actor) (struct{}, error) {
		a.setRow(store.RowOp{Table: tableQueue, Key: slotKey(&a.run)})
		if a.run.Status == Queued {
			now := a.now()
			a.run.StartedAt = &now
			a.status(Running, "")
			a.setRow(store.RowOp{Table: tableSlots, Key: slotKey(&a.run), Value: []byte{}})
			if rate != nil {
				a.setRow(*rate)
			}
		}
		a.flush(false)
		return struct{}{}, a.broken
	})
	if call.CodeOf(err) == call.CodeNotFound {
		return f.engine.dropQueued(ctx, k, id)
	}
	return err
}

// dropQueued takes a run that is gone out of the queue.
func (e *Engine) dropQueued(ctx context.Context, k flowKey, id string) error {
	e.options.Logger.Warn("a queued run is gone; it is taken out of the queue", "run", id, "script", k.script)
	_, err := e.options.Store.Commit(ctx, store.Commit{Rows: []store.RowOp{{Table: tableQueue, Key: indexKey(indexKey(k.script, k.key), id)}}})
	return err
}
