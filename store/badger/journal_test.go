package badger

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"reprise/store"

	bdg "github.com/dgraph-io/badger/v4"
	"github.com/google/go-cmp/cmp"
)

func texts(records [][]byte) (out []string) {
	for _, r := range records {
		out = append(out, string(r))
	}
	return out
}

func TestPacks(t *testing.T) {
	long := strings.Repeat("x", mostPacked/2)
	for _, want := range [][]string{{"a"}, {""}, {"", "", "a"}, {long, long, "b"}, {"a", long + long + long, "b"}} {
		var records [][]byte
		for _, r := range want {
			records = append(records, []byte(r))
		}
		packs, _ := packed(records, nil)
		var got []string
		for _, p := range packs {
			n := uint64(0)
			if err := unpack(p.value, func(r []byte) { got, n = append(got, string(r)), n+1 }); err != nil || n != p.count {
				t.Errorf("%d records of %d, %v", n, p.count, err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d records became %d", len(want), len(got))
		}
	}
	for _, foreign := range [][]byte{nil, {}, {3}, {many, 5}, {many, 0x80}, {many, 1, 'a', 2, 'b'}} {
		if err := unpack(foreign, func([]byte) {}); err == nil {
			t.Errorf("%v was unpacked", foreign)
		}
	}
}

// What is added to a journal while a batch waits is one pack, whatever else is
// refused meanwhile; and every record can be read from any number on.
func TestJournalsArePacked(t *testing.T) {
	d := newDisk()
	s := openTest(t, Options{send: d.send})
	warm(t, s, d)
	var want []string
	add := func(n int) store.Commit {
		c := store.Commit{Run: "r", ExpectSeq: uint64(len(want))}
		for range n {
			c.Appends = append(c.Appends, fmt.Append(nil, "record ", len(want)))
			want = append(want, string(c.Appends[len(c.Appends)-1]))
		}
		return c
	}
	refused := func() store.Commit {
		row := store.RowOp{Table: "t", Key: "k", Value: []byte("v"), IfAbsent: true}
		return store.Commit{
			Run: "r", ExpectSeq: uint64(len(want)), Appends: [][]byte{[]byte("refused"), []byte("too")}, Rows: []store.RowOp{row, row},
		}
	}
	for range 3 {
		first := enqueue(t, s, put("first", "x"))
		pass := <-d.sent // the batch that follows waits
		var waiting, lost []chan reply
		for _, n := range []int{1, 2, 3} {
			waiting = append(waiting, enqueue(t, s, add(n)))
			if n == 2 {
				lost = append(lost, enqueue(t, s, refused()), enqueue(t, s, refused()))
			}
		}
		judged(t, s)
		pass(nil)
		mustLand(t, first)
		(<-d.sent)(nil)
		for _, r := range waiting {
			mustLand(t, r)
		}
		for _, r := range lost {
			if got := <-r; got.err == nil {
				t.Error("a commit was made that had to be refused")
			}
		}
	}
	if n := countPacks(t, s); n != 6 {
		t.Errorf("%d packs, want two for each batch: what is added behind something refused begins one", n)
	}
	for from := range len(want) + 1 {
		got, err := s.Journal(t.Context(), "r", uint64(from))
		if d := cmp.Diff(want[from:], texts(got)); err != nil || len(want[from:])+len(got) > 0 && d != "" {
			t.Fatalf("from %d on: %v (-want +got)\n%s", from, err, d)
		}
	}
}

// What earlier versions stored one by one is read, and added to.
func TestRecordsOfEarlierVersions(t *testing.T) {
	s := openTest(t, Options{})
	old := &request{apply: func(v *view, c *committer) (store.Committed, error) {
		h := head{id: uint64(c.nextVersion())}
		for ; h.length < 5; h.length++ {
			v.set(recordKey(h.id, h.length), fmt.Append([]byte{plain}, h.length))
		}
		v.set(headKey("r"), h.encode())
		return store.Committed{}, nil
	}}
	if _, err := s.committer.submit(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), store.Commit{Run: "r", ExpectSeq: 5, Appends: [][]byte{[]byte("5"), []byte("6")}}); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[uint64]string{0: "0123456", 3: "3456", 5: "56", 6: "6"} {
		got, err := s.Journal(t.Context(), "r", from)
		if err != nil || strings.Join(texts(got), "") != want {
			t.Errorf("from %d on: %q, %v", from, texts(got), err)
		}
	}
	if err := s.DropJournal(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if err := s.sweepJournals(t.Context()); err != nil || countPacks(t, s) != 0 {
		t.Errorf("%d packs are left, %v", countPacks(t, s), err)
	}
}

// A journal with a hole, or another end than its head says, is no journal.
func TestDamagedJournals(t *testing.T) {
	for name, hurt := range map[string]func(v *view, id uint64){
		"a missing pack":        func(v *view, id uint64) { v.delete(recordKey(id, 3)) },
		"the first one missing": func(v *view, id uint64) { v.delete(recordKey(id, 0)) },
		"the last one missing":  func(v *view, id uint64) { v.delete(recordKey(id, 6)) },
		"a shorter pack":        func(v *view, id uint64) { v.set(recordKey(id, 3), []byte{many, 1, 'a'}) },
		"a longer pack":         func(v *view, id uint64) { v.set(recordKey(id, 6), []byte{many, 0, 0, 0, 0}) },
		"foreign bytes":         func(v *view, id uint64) { v.set(recordKey(id, 3), []byte("?")) },
	} {
		s := openTest(t, Options{})
		for seq := uint64(0); seq < 9; seq += 3 {
			if _, err := s.Commit(t.Context(), store.Commit{Run: "r", ExpectSeq: seq, Appends: make([][]byte, 3)}); err != nil {
				t.Fatal(err)
			}
		}
		r := &request{apply: func(v *view, _ *committer) (store.Committed, error) {
			h, err := readHead(v.get, headKey("r"))
			hurt(v, h.id)
			return store.Committed{}, err
		}}
		if _, err := s.committer.submit(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		for _, from := range []uint64{0, 2} {
			if got, err := s.Journal(t.Context(), "r", from); err == nil {
				t.Errorf("%s: %d records from %d on", name, len(got), from)
			}
		}
	}
}

func countPacks(t *testing.T, s *Store) (n int) {
	t.Helper()
	snap := s.snaps.acquire()
	defer s.snaps.release(snap)
	err := scan(t.Context(), snap.txn, []byte{kindRecord}, store.Range{}, func([]byte, *bdg.Item) (bool, error) {
		n++
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
