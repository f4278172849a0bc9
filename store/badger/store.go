package badger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"reprise/store"
	"reprise/store/badger/files"

	bdg "github.com/dgraph-io/badger/v4"
)

// Store is the embedded engine. See [store.Store] for its methods' contract.
type Store struct {
	db        *bdg.DB
	dir       string
	inMemory  bool
	engineTTL bool // Badger may forget expired keys: our clock is its clock
	log       *slog.Logger
	now       func() time.Time
	limit     size

	gate      *gate
	snaps     *snapshots
	committer *committer
	space     *space
	sweep     chan struct{} // a journal was dropped

	stop     context.CancelFunc // ends the background goroutines
	workers  sync.WaitGroup
	closing  sync.Once
	closeErr error
}

var _ store.Store = (*Store)(nil)

// Open opens the store in o.Dir, or makes it. If another process has it open,
// the error is a [*LockedError].
func Open(o Options) (*Store, error) {
	log := orDiscard(o.Logger)
	memTable := o.MemTable
	if memTable == 0 {
		memTable = defaultMemTable
	}
	engine := tuned(o.Dir, o.InMemory, memTable, log)
	engine.SyncWrites = !o.InMemory
	if !o.InMemory {
		engine.ValueThreshold = valueThreshold
	}
	if o.tune != nil {
		o.tune(&engine)
	}
	space := newSpace(o.Dir, o.InMemory, o.FreeSpace, memTable, log)
	db, err := open(engine, space, storeFormat)
	if err != nil {
		return nil, err
	}
	s := &Store{
		db: db, dir: o.Dir, inMemory: o.InMemory, engineTTL: o.Now == nil, log: log, now: o.Now,
		limit: limitOf(db), gate: newGate(), snaps: &snapshots{}, space: space, sweep: make(chan struct{}, 1),
	}
	if s.now == nil {
		s.now = time.Now
	}
	reserved, err := readReserved(db)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store in %s: %w", o.Dir, err), db.Close())
	}
	s.committer = newCommitter(db, s.snaps, reserved, s.now)
	if o.send != nil {
		s.committer.send = o.send
	}
	s.start()
	return s, nil
}

// open opens Badger, if there is room for it.
func open(engine bdg.Options, space *space, format files.Format) (*bdg.DB, error) {
	if err := makeDir(engine); err != nil {
		return nil, err
	}
	if err := errors.Join(space.observe(), space.refusalToDrop()); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	if !engine.InMemory {
		if err := files.Check(engine.Dir, format); err != nil {
			return nil, explain(engine.Dir, err)
		}
	}
	db, err := bdg.Open(engine)
	if err != nil {
		return nil, explain(engine.Dir, err)
	}
	if !engine.InMemory {
		if err := files.Opened(engine.Dir, format); err != nil {
			return nil, errors.Join(explain(engine.Dir, err), db.Close())
		}
	}
	return db, nil
}

// closeDB closes Badger, and leaves word that it did.
func closeDB(db *bdg.DB) error {
	dir, inMemory := db.Opts().Dir, db.Opts().InMemory
	if err := db.Close(); err != nil || inMemory {
		return err
	}
	return files.Closed(dir)
}

func readReserved(db *bdg.DB) (store.Version, error) {
	txn := db.NewTransaction(false)
	defer txn.Discard()
	var n uint64
	_, err := get(txn, reserveKey, func(v []byte) error {
		var err error
		n, err = parseNumber(v)
		return err
	})
	if err != nil {
		return 0, damaged(err, "how far versions are reserved")
	}
	return store.Version(n), nil
}

func (s *Store) start() {
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo // the store's own life, ended by Close
	s.stop = stop
	go s.committer.run()
	s.workers.Go(func() { s.keepHouse(ctx) })
	if !s.inMemory {
		s.workers.Go(func() { s.space.watch(ctx) })
	}
}

// Close waits for the commits that were accepted and for reads under way.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.stop()
		s.workers.Wait()
		s.gate.close()
		s.committer.close()
		s.snaps.replace(nil)
		if err := closeDB(s.db); err != nil {
			s.closeErr = fmt.Errorf("closing the store in %s: %w", s.dir, err)
		}
	})
	return s.closeErr
}

// Health returns nil while the store can be read and written, and else why not:
// ErrClosed, ErrFull (it recovers by itself when there is room), or the failed
// write after which it must be opened again.
func (s *Store) Health() error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := s.committer.broken(); err != nil {
		return err
	}
	return s.space.refusal()
}

// Commit implements [store.Store]. Its commit is atomic and in order also when
// ctx ends while it waits: it then happens or not, as a whole.
func (s *Store) Commit(ctx context.Context, c store.Commit) (store.Committed, error) {
	if err := s.gate.enter(); err != nil {
		return store.Committed{}, err
	}
	defer s.gate.leave()
	refusal := s.space.refusal
	if c.OnlyDeletes() {
		refusal = s.space.refusalToDrop
	}
	if err := refusal(); err != nil {
		return store.Committed{}, err
	}
	ch, size, err := s.prepare(&c)
	if err != nil {
		return store.Committed{}, err
	}
	r := &request{size: size, relaxed: c.Relaxed, apply: ch.apply}
	if c.Relaxed {
		r.scopes = scopesOf(&c)
	}
	done, err := s.committer.submit(ctx, r)
	if err == nil {
		return done, nil
	}
	if failed, ok := errors.AsType[*store.CheckError](err); ok {
		failed.Check = c.Checks[failed.Index]
	}
	return store.Committed{}, err
}

// scopesOf says what c writes, in the words of early.
func scopesOf(c *store.Commit) []string {
	var scopes []string
	add := func(s string) {
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	if len(c.Appends) > 0 {
		add(journalScope(c.Run))
	}
	for i := range c.KV {
		add(kvScope(c.KV[i].Namespace))
	}
	if len(c.Timers) > 0 {
		add(timerScope)
	}
	for i := range c.Rows {
		add(tableScope(c.Rows[i].Table))
	}
	return scopes
}

// DropJournal implements [store.Store]. The journal is gone when it returns; its
// records are swept away in the background.
func (s *Store) DropJournal(ctx context.Context, run string) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := s.space.refusalToDrop(); err != nil {
		return err
	}
	key := headKey(run)
	r := &request{apply: func(v *view, _ *committer) (store.Committed, error) {
		h, err := readHead(v.get, key)
		if err == nil && h.id != 0 {
			v.delete(key)
			v.set(droppedKey(h.id), number(h.length))
		}
		return store.Committed{}, err
	}}
	r.size.add(len(key), 0, s.inMemory)
	r.size.add(9, 8, s.inMemory)
	if _, err := s.committer.submit(ctx, r); err != nil {
		return err
	}
	select {
	case s.sweep <- struct{}{}:
	default:
	}
	return nil
}
