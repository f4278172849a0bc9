package badger

import (
	"bytes"
	"fmt"
	"os"
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

// Journals come and go, big records and small ones; what they take of the disk
// stays in proportion to those that are there, and not to those that ever were.
func TestDroppedJournalsGiveTheirSpaceBack(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir, MemTable: 1 << 20, tune: func(o *bdg.Options) {
		o.ValueLogFileSize = 1 << 20
		o.BaseTableSize = 1 << 20
		o.BaseLevelSize = 2 << 20
	}})
	s.stop() // the test keeps house, and alone: see collect
	s.workers.Wait()
	big, small := bytes.Repeat([]byte("big"), 35_000), bytes.Repeat([]byte("small"), 200)
	first, rest := [][]byte{big, big}, [][]byte{}
	for range 100 {
		first, rest = append(first, small), append(rest, small)
	}
	const (
		kept  = 5   // journals at a time, 2 MB together
		after = 100 // of them, 40 MB have been written, of which a third may be left
		end   = 500 // Badger compacts when it finds the time
	)
	written := int64(0)
	for i := range end {
		written += int64(2*len(big) + 200*len(small))
		for _, c := range []store.Commit{{Appends: first}, {Appends: rest, ExpectSeq: uint64(len(first))}} {
			c.Run = fmt.Sprint(i)
			if _, err := s.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if i >= kept {
			if err := s.DropJournal(t.Context(), fmt.Sprint(i-kept)); err != nil {
				t.Fatal(err)
			}
		}
		if i%10 != 9 {
			continue
		}
		if err := s.sweepJournals(t.Context()); err != nil { // as keepHouse does
			t.Fatal(err)
		}
		s.collect(t.Context())
		if i >= after && 3*usedBy(t, dir) < written {
			return
		}
	}
	t.Errorf("of %d KiB written, %d are on the disk, and %d journals of 400 are kept", written>>10, usedBy(t, dir)>>10, kept)
}

// usedBy sums up tables and value logs, without what a file was made larger than
// its contents.
func usedBy(t *testing.T, dir string) (used int64) {
	t.Helper()
	for _, pattern := range []string{"*.sst", "*.vlog"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil && !os.IsNotExist(err) { // one may go meanwhile
				t.Fatal(err)
			}
			used += int64(len(bytes.TrimRight(data, "\x00")))
		}
	}
	return used
}
