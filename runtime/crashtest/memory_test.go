package crashtest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"reprise/store"
	"reprise/store/storetest"
)

// memory is a store in plain maps: the model of the conformance tests, which
// costs nothing to make and has no goroutines.
type memory struct {
	mu         sync.Mutex
	model      *storetest.Model
	version    store.Version
	namespaces map[string]bool
}

var _ store.Store = (*memory)(nil)

func newMemory() *memory {
	return &memory{model: storetest.NewModel(time.Now), namespaces: map[string]bool{}}
}

func (m *memory) Commit(_ context.Context, c store.Commit) (store.Committed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	version := store.Version(0)
	if len(c.KV) > 0 {
		version = m.version + 1
	}
	if err := m.model.Commit(c, version); err != nil {
		return store.Committed{}, err
	}
	m.version = max(m.version, version)
	for _, op := range c.KV {
		m.namespaces[op.Namespace] = true
	}
	done := store.Committed{Version: version}
	if len(c.Appends) > 0 {
		done.Seq = c.ExpectSeq + uint64(len(c.Appends))
	}
	return done, nil
}

func (m *memory) Journal(_ context.Context, run string, from uint64) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.model.Journal(run, from), nil
}

func (m *memory) DropJournal(_ context.Context, run string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.model.DropJournal(run)
	return nil
}

func (m *memory) Get(_ context.Context, namespace string, keys ...[]byte) ([]store.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.model.Get(namespace, keys...), nil
}

func (m *memory) List(_ context.Context, namespace string, r store.Range) ([]store.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.model.List(namespace, r), nil
}

func (m *memory) Row(_ context.Context, table, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.model.Row(table, key)
	return value, ok, nil
}

func (m *memory) Rows(_ context.Context, table string, r store.Range) ([]store.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.model.Rows(table, r), nil
}

func (m *memory) Due(_ context.Context, now time.Time, limit int) ([]store.Timer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.model.Due(now, limit), nil
}

func (m *memory) Close() error { return nil }

// spaces lists the KV namespaces that were ever written to.
func (m *memory) spaces() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.namespaces))
}
