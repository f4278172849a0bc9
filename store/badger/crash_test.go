package badger_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"reprise/store"
	"reprise/store/badger"
)

// The crash test runs this test binary again, as a process that only writes,
// and kills it while it does. What it was told is on disk must be there.

const (
	crashDir     = "REPRISE_TEST_CRASH_DIR" // set in the process that is killed
	crashRound   = "REPRISE_TEST_CRASH_ROUND"
	crashWriters = 8
)

// part returns commit i of a writer: the same name in everything a commit holds.
func part(writer string, i int) store.Commit {
	value := fmt.Appendf(nil, "%s/%d", writer, i)
	if i%7 == 0 {
		value = append(value, make([]byte, 70_000)...) // one for the value log
	}
	key := fmt.Appendf(nil, "%08d", i)
	return store.Commit{
		Run: writer, ExpectSeq: uint64(i), Appends: [][]byte{value},
		KV:     []store.KVOp{{Namespace: writer, Key: key, Value: value}},
		Timers: []store.TimerOp{{Run: writer, ID: uint64(i), At: time.Unix(int64(i), 0)}},
		Rows:   []store.RowOp{{Table: writer, Key: string(key), Value: value}},
		// What is lost of these is lost whole.
		Relaxed: i%3 == 0,
	}
}

// writeUntilKilled is main in the process that is killed; false elsewhere.
func writeUntilKilled() bool {
	dir := os.Getenv(crashDir)
	if dir == "" {
		return false
	}
	s, err := badger.Open(badger.Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for w := range crashWriters {
		wg.Go(func() {
			writer := fmt.Sprint(os.Getenv(crashRound), "-", w)
			for i := 0; ; i++ {
				c := part(writer, i)
				done, err := s.Commit(context.Background(), c)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				if !c.Relaxed {
					// One write call, so that a line is whole or absent.
					if _, err := fmt.Fprintf(os.Stdout, "%s %d %d\n", writer, i, done.Version); err != nil {
						os.Exit(1)
					}
				}
			}
		})
	}
	wg.Wait()
	return true
}

func TestCrash(t *testing.T) {
	t.Parallel() // it mostly waits for the disk
	dir := t.TempDir()
	var newest store.Version
	for round := range 4 {
		acked, oldest, last := crash(t, dir, round)
		if oldest <= newest {
			t.Fatalf("version %s was given out again after %s", oldest, newest)
		}
		newest = last
		s, err := badger.Open(badger.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		timers, err := s.Due(t.Context(), time.Now(), 1e9)
		if err != nil {
			t.Fatal(err)
		}
		for writer, n := range acked {
			wantWhole(t, s, writer, n, timers)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// crash starts a writing process, kills it after some commits, and returns how
// many commits of each writer it said were on disk, and their versions' range.
func crash(t *testing.T, dir string, round int) (acked map[string]int, oldest, newest store.Version) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprint(crashRound, "=", round))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked = map[string]int{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		var writer string
		var i int
		var v store.Version
		if _, err := fmt.Sscan(lines.Text(), &writer, &i, (*uint64)(&v)); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		acked[writer] = i + 1
		newest = max(newest, v)
		if oldest == 0 || v < oldest {
			oldest = v
		}
		if n == 300+100*round {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the writing process ended by itself: %v\n%s", err, stderr.String())
	}
	return acked, oldest, newest
}

// wantWhole looks for at least n commits of a writer, each with all its parts.
func wantWhole(t *testing.T, s store.Store, writer string, n int, timers []store.Timer) {
	t.Helper()
	ctx := t.Context()
	records, err := s.Journal(ctx, writer, 0)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := s.List(ctx, writer, store.Range{Limit: 1e9})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Rows(ctx, writer, store.Range{Limit: 1e9})
	if err != nil {
		t.Fatal(err)
	}
	mine := 0
	for _, timer := range timers {
		if timer.Run == writer {
			mine++
		}
	}
	if len(records) < n || len(entries) != len(records) || len(rows) != len(records) || mine != len(records) {
		t.Fatalf("writer %s: %d acknowledged; %d records, %d keys, %d rows, %d timers",
			writer, n, len(records), len(entries), len(rows), mine)
	}
	for i := range records {
		want := part(writer, i).Appends[0]
		if !bytes.Equal(records[i], want) || !bytes.Equal(entries[i].Value, want) || !bytes.Equal(rows[i].Value, want) {
			t.Fatalf("writer %s: commit %d has other bytes than were written", writer, i)
		}
	}
}
