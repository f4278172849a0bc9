package badger

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"reprise/store"

	bdg "github.com/dgraph-io/badger/v4"
)

// Collecting garbage frees value log files and loses nothing, also not for
// somebody who reads meanwhile.
func TestCollect(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, MemTable: 1 << 20, tune: func(o *bdg.Options) {
		o.ValueLogFileSize = 1 << 20
		o.NumLevelZeroTables = 1
	}})
	value := func(key, round int) []byte {
		return bytes.Repeat(fmt.Appendf(nil, "%d/%d.", key, round), 20_000)
	}
	const keys, rounds = 10, 8
	for round := range rounds {
		for key := range keys {
			c := store.Commit{KV: []store.KVOp{{Namespace: "n", Key: fmt.Append(nil, key), Value: value(key, round)}}}
			if key == 7 {
				c.KV[0].Delete = round == rounds-1
			}
			// Something beside it, so that memtables fill up and are compacted:
			// only that tells Badger what is garbage.
			c.Rows = []store.RowOp{{Table: "t", Key: fmt.Sprint(key, round), Value: make([]byte, 60_000)}}
			if _, err := s.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := valueLogs(t, dir)
	// Tables go down all levels, as they would in time.
	if err := s.db.Flatten(1); err != nil {
		t.Fatal(err)
	}
	reading := make(chan error, 1)
	go func() {
		var err error
		for range 10 {
			if err = sameValues(s, t, keys, rounds, value); err != nil {
				break
			}
		}
		reading <- err
	}()
	s.collect(t.Context())
	if err := <-reading; err != nil {
		t.Fatal(err)
	}
	if n := valueLogs(t, dir); n >= before {
		t.Errorf("there were %d value log files and now there are %d", before, n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir})
	if err := sameValues(s, t, keys, rounds, value); err != nil {
		t.Fatal(err)
	}
}

func valueLogs(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.vlog"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// sameValues reads all keys both ways.
func sameValues(s *Store, t *testing.T, keys, rounds int, value func(key, round int) []byte) error {
	n := 0
	for key := range keys {
		got, err := s.Get(t.Context(), "n", fmt.Append(nil, key))
		if err != nil {
			return err
		}
		if key == 7 {
			if got[0].Version != 0 {
				return fmt.Errorf("the deleted key is there")
			}
			continue
		}
		n++
		if !bytes.Equal(got[0].Value, value(key, rounds-1)) {
			return fmt.Errorf("key %d has other bytes than were written", key)
		}
	}
	list, err := s.List(t.Context(), "n", store.Range{})
	if err == nil && len(list) != n {
		err = fmt.Errorf("%d keys are listed, want %d", len(list), n)
	}
	return err
}
