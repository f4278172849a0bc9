package badger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"reprise/store"

	bdg "github.com/dgraph-io/badger/v4"
)

// disk stands between the committer and Badger: it holds every transaction back
// until the test lets it pass or fail.
type disk struct {
	sent chan func(error) // one for each transaction; nil lets it pass
}

func newDisk() *disk { return &disk{sent: make(chan func(error), 100)} }

func (d *disk) send(txn *bdg.Txn, landed func(error)) {
	d.sent <- func(err error) {
		if err != nil {
			txn.Discard()
			landed(err)
			return
		}
		txn.CommitWith(landed)
	}
}

func openTest(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.InMemory = true
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// enqueue puts a commit into the queue, in its place, and returns where its
// answer will be.
func enqueue(t *testing.T, s *Store, c store.Commit) chan reply {
	t.Helper()
	ch, size, err := s.prepare(&c)
	if err != nil {
		t.Fatal(err)
	}
	r := &request{
		ctx: t.Context(), size: size, relaxed: c.Relaxed, scopes: scopesOf(&c), apply: ch.apply, replies: make(chan reply, 1),
	}
	s.committer.queue <- r
	return r.replies
}

// judged waits until everything in the queue has been judged.
func judged(t *testing.T, s *Store) {
	t.Helper()
	probe := store.Commit{Relaxed: true, Rows: []store.RowOp{{Table: "probe", Value: []byte("x")}}}
	if _, err := s.Commit(t.Context(), probe); err != nil { // is answered when it is judged
		t.Fatal(err)
	}
}

func mustLand(t *testing.T, r chan reply) {
	t.Helper()
	if got := <-r; got.err != nil {
		t.Fatal(got.err)
	}
}

func put(key, value string) store.Commit {
	return store.Commit{KV: []store.KVOp{{Namespace: "n", Key: []byte(key), Value: []byte(value)}}}
}

func relaxed(c store.Commit) store.Commit {
	c.Relaxed = true
	return c
}

// warm makes the first reservation of versions land, so that relaxed commits
// are acknowledged early.
func warm(t *testing.T, s *Store, d *disk) {
	t.Helper()
	first := enqueue(t, s, put("warm", "x"))
	(<-d.sent)(nil)
	mustLand(t, first)
}

// However many commits wait for the disk, they share one transaction.
func TestCommitsThatWaitShareOneTransaction(t *testing.T) {
	d := newDisk()
	s := openTest(t, Options{send: d.send})
	warm(t, s, d)
	first := enqueue(t, s, put("first", "x"))
	pass := <-d.sent // it is on its way and stays there
	var waiting []chan reply
	for i := range 50 {
		waiting = append(waiting, enqueue(t, s, put(fmt.Sprint(i), "x")))
	}
	judged(t, s)
	pass(nil)
	mustLand(t, first)
	(<-d.sent)(nil)
	for _, r := range waiting {
		mustLand(t, r)
	}
	if n := len(d.sent); n != 0 {
		t.Fatalf("%d more transactions were sent", n)
	}
}

// A commit that fails fails alone, and is judged against the commits before it
// in the same batch.
func TestOneFailureDoesNotSpoilTheBatch(t *testing.T) {
	d := newDisk()
	s := openTest(t, Options{send: d.send})
	warm(t, s, d)
	first := enqueue(t, s, put("a", "1"))
	pass := <-d.sent
	absent := []store.Check{{Namespace: "n", Key: []byte("b")}}
	var rivals []chan reply
	for i := range 5 {
		c := put("b", fmt.Sprint(i))
		c.Checks = absent
		rivals = append(rivals, enqueue(t, s, c))
	}
	late := put("a", "2")
	late.Checks = []store.Check{{Namespace: "n", Key: []byte("a")}} // sees what is on its way
	loser := enqueue(t, s, late)
	judged(t, s)
	pass(nil)
	(<-d.sent)(nil)
	mustLand(t, first)
	wins := 0
	for _, r := range rivals {
		got := <-r
		if _, lost := errors.AsType[*store.CheckError](got.err); got.err == nil {
			wins++
		} else if !lost {
			t.Error(got.err)
		}
	}
	if wins != 1 {
		t.Errorf("%d of the rivals won, want one", wins)
	}
	if got := <-loser; got.err == nil {
		t.Error("a check of a key that was on its way did not see it")
	}
}

// A relaxed commit is acknowledged without the disk. Who reads what it wrote
// waits for it; who reads something else does not.
func TestRelaxedDoesNotWaitForTheDisk(t *testing.T) {
	d := newDisk()
	s := openTest(t, Options{send: d.send})
	warm(t, s, d)
	first := enqueue(t, s, put("first", "x"))
	pass := <-d.sent
	c := relaxed(store.Commit{Run: "r", Appends: [][]byte{[]byte("record")}})
	if _, err := s.Commit(t.Context(), c); err != nil { // returns although nothing has passed
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "n", []byte("warm")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Journal(t.Context(), "other", 0); err != nil || len(got) != 0 {
		t.Fatal(got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.committer.early.wait(ctx, journalScope("r")); !errors.Is(err, context.Canceled) {
		t.Fatalf("reading the journal did not wait: %v", err)
	}
	seen := make(chan [][]byte, 1)
	go func() {
		got, err := s.Journal(t.Context(), "r", 0)
		if err != nil {
			t.Error(err)
		}
		seen <- got
	}()
	pass(nil)
	mustLand(t, first)
	(<-d.sent)(nil)
	if got := <-seen; len(got) != 1 {
		t.Fatalf("the journal has %d records, want 1", len(got))
	}
	if n := s.committer.early.count.Load(); n != 0 {
		t.Fatalf("%d scopes are still waited for", n)
	}
}

// A relaxed commit that writes KV in a fresh store waits: its version could be
// given out again after a crash.
func TestRelaxedWaitsForItsVersion(t *testing.T) {
	d := newDisk()
	s := openTest(t, Options{send: d.send})
	r := enqueue(t, s, relaxed(put("a", "1")))
	pass := <-d.sent
	select {
	case got := <-r:
		t.Fatalf("it was acknowledged with version %s before any was reserved", got.done.Version)
	default:
	}
	pass(nil)
	mustLand(t, r)
}

// When the disk fails, nothing is acknowledged any more.
func TestFailureOfTheDisk(t *testing.T) {
	d := newDisk()
	s := openTest(t, Options{send: d.send})
	warm(t, s, d)
	first := enqueue(t, s, put("a", "1"))
	fail := <-d.sent
	second := enqueue(t, s, put("b", "1"))
	if _, err := s.Commit(t.Context(), relaxed(store.Commit{Run: "r", Appends: [][]byte{nil}})); err != nil {
		t.Fatal(err)
	}
	judged(t, s)
	fail(io.ErrShortWrite)
	for _, r := range []chan reply{first, second} {
		if got := <-r; !errors.Is(got.err, io.ErrShortWrite) {
			t.Errorf("error %v", got.err)
		}
	}
	if _, err := s.Commit(t.Context(), put("c", "1")); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v", err)
	}
	if err := s.Health(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Health: %v", err)
	}
	// What had landed can still be read.
	if got, err := s.Get(t.Context(), "n", []byte("warm"), []byte("a")); err != nil || got[0].Version == 0 || got[1].Version != 0 {
		t.Errorf("Get: %v, %v", got, err)
	}
}

// Close waits for what was accepted.
func TestCloseWaitsForTheQueue(t *testing.T) {
	d := newDisk()
	s := openTest(t, Options{send: d.send})
	first := enqueue(t, s, put("a", "1"))
	pass := <-d.sent
	second := enqueue(t, s, put("b", "1"))
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	pass(nil)
	(<-d.sent)(nil)
	mustLand(t, first)
	mustLand(t, second)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
}

// When its context ends, a commit that waits returns, and may still happen.
func TestContextEndsWhileTheCommitWaits(t *testing.T) {
	d := newDisk()
	s := openTest(t, Options{send: d.send})
	ctx, cancel := context.WithCancelCause(t.Context())
	r := make(chan error, 1)
	go func() {
		_, err := s.Commit(ctx, put("a", "1"))
		r <- err
	}()
	pass := <-d.sent
	cancel(io.EOF)
	if err := <-r; !errors.Is(err, io.EOF) {
		t.Fatalf("error %v", err)
	}
	pass(nil)
	second := enqueue(t, s, put("b", "1"))
	(<-d.sent)(nil)
	mustLand(t, second)
	if got, err := s.Get(t.Context(), "n", []byte("a")); err != nil || got[0].Version == 0 {
		t.Fatalf("the commit was on its way and did not happen: %v, %v", got, err)
	}
}

// A batch that gets too big is cut between commits.
func TestBigBatchesAreCut(t *testing.T) {
	d := newDisk()
	s := openTest(t, Options{send: d.send})
	warm(t, s, d)
	first := enqueue(t, s, put("first", "x"))
	pass := <-d.sent
	var waiting []chan reply
	for i := range 20 { // 20 × 500 KB, of which 2.5 MB fit together
		waiting = append(waiting, enqueue(t, s, put(fmt.Sprint(i), string(make([]byte, 500_000)))))
	}
	pass(nil)
	transactions := 0
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case pass := <-d.sent:
				transactions++
				pass(nil)
			case <-ended:
				return
			}
		}
	})
	mustLand(t, first)
	for _, r := range waiting {
		mustLand(t, r)
	}
	close(ended)
	wg.Wait()
	if transactions < 3 {
		t.Errorf("%d transactions held 10 MB", transactions)
	}
}

// The count of what fits is not beyond what Badger takes.
func TestCommitsAtTheLimit(t *testing.T) {
	for _, o := range []Options{{InMemory: true}, {Dir: t.TempDir()}} {
		s := openTest(t, o)
		for name, commit := range map[string]func(n int) store.Commit{
			"many": func(n int) (c store.Commit) {
				for i := range n {
					c.KV = append(c.KV, store.KVOp{Namespace: "n", Key: fmt.Append(nil, i)})
				}
				return c
			},
			"timers": func(n int) (c store.Commit) {
				for i := range n {
					c.Timers = append(c.Timers, store.TimerOp{Run: "r", ID: uint64(i), At: time.Unix(1, 0)})
				}
				return c
			},
			"wide": func(n int) (c store.Commit) {
				value := make([]byte, 1000)
				for i := range n / 10 {
					c.Rows = append(c.Rows, store.RowOp{Table: "t", Key: fmt.Sprint(i), Value: value})
				}
				c.Rows = append(c.Rows, store.RowOp{Table: "t", Key: "rest", Value: value[:n%1000]})
				return c
			},
		} {
			low, high := 1, 100_000 // low fits, high does not
			for high-low > 1 {
				n := (low + high) / 2
				c := commit(n)
				switch _, _, err := s.prepare(&c); {
				case err == nil:
					low = n
				case errors.Is(err, store.ErrTooLarge):
					high = n
				default:
					t.Fatalf("%s of %d: %v", name, n, err)
				}
			}
			if _, err := s.Commit(t.Context(), commit(low)); err != nil {
				t.Fatalf("%s of %d: %v", name, low, err)
			}
			if _, err := s.Commit(t.Context(), commit(high)); !errors.Is(err, store.ErrTooLarge) {
				t.Fatalf("%s of %d: %v", name, high, err)
			}
			if low < 5000 {
				t.Errorf("%s: only %d fit", name, low)
			}
		}
	}
}
