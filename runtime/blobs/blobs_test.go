package blobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"

	"reprise/store"
	"reprise/store/badger"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// background is for what has no test at hand.
var background = context.Background()

// tester is a *testing.T, a *testing.B or a *rapid.T.
type tester interface {
	Cleanup(func())
	Error(args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Helper()
}

func open(t tester, o badger.Options) store.Store {
	t.Helper()
	s, err := badger.Open(o)
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

func memory(t tester) store.Store { return open(t, badger.Options{InMemory: true, MemTable: 8 << 20}) }

// small returns blobs that cut payloads into pieces of 16 bytes.
func small(s store.Store) *Blobs { return &Blobs{store: s, chunk: 16} }

func payload(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i ^ i>>8 ^ size)
	}
	return data
}

func mustPut(t *testing.T, b *Blobs, owner string, data []byte) [32]byte {
	t.Helper()
	hash, err := b.Put(t.Context(), owner, data)
	if err != nil {
		t.Fatal(err)
	}
	if hash != sha256.Sum256(data) {
		t.Fatalf("Put returned %x, which is not the hash", hash)
	}
	return hash
}

func wantGet(t *testing.T, b *Blobs, data []byte) {
	t.Helper()
	got, err := b.Get(t.Context(), sha256.Sum256(data))
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("Get returned %d bytes, want %d (%v)", len(got), len(data), err)
	}
}

func TestPutAndGet(t *testing.T) {
	for name, o := range map[string]badger.Options{"Memory": {InMemory: true}, "Disk": {Dir: t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			b := New(open(t, o))
			for _, size := range []int{0, 1, 70_000, chunkSize - 1, chunkSize, chunkSize + 1, 3*chunkSize + 5} {
				data := payload(size)
				mustPut(t, b, "a", data)
				wantGet(t, b, data)
				mustPut(t, b, "a", data)
				mustPut(t, b, "b", data)
				wantGet(t, b, data)
			}
			if _, err := b.Get(t.Context(), [32]byte{1}); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get of what is not there: %v", err)
			}
			for _, owner := range []string{"a", "nobody", "b"} {
				wantWhole(t, b)
				if err := b.Drop(t.Context(), owner); err != nil {
					t.Fatal(err)
				}
			}
			wantEmpty(t, b.store)
		})
	}
}

// A blob goes with the last that refers to it, however names are like each other.
func TestOwners(t *testing.T) {
	b := small(memory(t))
	data, other := payload(100), payload(5)
	owners := []string{"", "/", "a", "a/", "a/b", "a\x00", "1:a", "\xff"}
	for _, o := range owners {
		mustPut(t, b, o, data)
		mustPut(t, b, o, fmt.Append(nil, "of ", o))
	}
	mustPut(t, b, "a", other)
	for i, o := range owners {
		wantGet(t, b, data)
		if err := b.Drop(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		wantWhole(t, b)
		if _, err := b.Get(t.Context(), sha256.Sum256(fmt.Append(nil, "of ", o))); !errors.Is(err, ErrNotFound) {
			t.Errorf("after Drop(%q): %v", o, err)
		}
		for _, rest := range owners[i+1:] {
			wantGet(t, b, fmt.Append(nil, "of ", rest))
		}
	}
	wantEmpty(t, b.store)
}

// A fork has what its origin had, however much, and keeps it.
func TestShare(t *testing.T) {
	b := small(memory(t))
	const n = 2*page + 10
	for i := range n {
		mustPut(t, b, "origin", fmt.Append(nil, i))
	}
	for range 2 { // again is the same
		if err := b.Share(t.Context(), "origin", "fork"); err != nil {
			t.Fatal(err)
		}
	}
	mustPut(t, b, "origin", []byte("later"))
	if err := b.Drop(t.Context(), "origin"); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		wantGet(t, b, fmt.Append(nil, i))
	}
	if _, err := b.Get(t.Context(), sha256.Sum256([]byte("later"))); !errors.Is(err, ErrNotFound) {
		t.Errorf("the origin's later payload: %v", err)
	}
	if err := b.Drop(t.Context(), "fork"); err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, b.store)
}

// What is wrong with stored bytes is said, never answered.
func TestDamage(t *testing.T) {
	data := payload(40)
	hash := sha256.Sum256(data)
	for what, c := range map[string]store.Commit{
		"another byte":     {Rows: []store.RowOp{{Table: chunks, Key: chunkKey(hash, 1), Value: make([]byte, 16)}}},
		"a missing piece":  {Rows: []store.RowOp{{Table: chunks, Key: chunkKey(hash, 1)}}},
		"a short piece":    {Rows: []store.RowOp{{Table: chunks, Key: chunkKey(hash, 0), Value: data[:15]}}},
		"a wrong size":     {KV: become(hash, state{whole: true, size: 24, chunk: 16})},
		"a huge size":      {KV: become(hash, state{whole: true, size: 1 << 30, chunk: 1})},
		"no state":         {KV: []store.KVOp{{Namespace: states, Key: hash[:]}}},
		"a strange state":  {KV: []store.KVOp{{Namespace: states, Key: hash[:], Value: []byte("what?")}}},
		"pieces of naught": {KV: []store.KVOp{{Namespace: states, Key: hash[:], Value: []byte{1, 40, 0}}}},
	} {
		b := small(memory(t))
		mustPut(t, b, "a", data)
		if _, err := b.store.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Get(t.Context(), hash); !errors.Is(err, ErrDamaged) || got != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// While owners come and go, nobody loses what is theirs, and in the end nothing
// is left.
func TestConcurrently(t *testing.T) {
	b := small(memory(t))
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			owner, fork := fmt.Sprint("owner", w), fmt.Sprint("fork", w)
			for round := range 30 {
				data := payload(10 + 40*(round%3)) // the same for all
				hash, err := b.Put(t.Context(), owner, data)
				if err != nil {
					t.Error(err)
					return
				}
				if err := b.Share(t.Context(), owner, fork); err != nil {
					t.Error(err)
				}
				for _, o := range []string{owner, fork} {
					if got, err := b.Get(t.Context(), hash); err != nil || !bytes.Equal(got, data) {
						t.Errorf("before Drop(%q): %v", o, err)
					}
					if err := b.Drop(t.Context(), o); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	wantEmpty(t, b.store)
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20, 16 << 20} {
		data := payload(size)
		b.Run(fmt.Sprintf("new/%dKiB", size>>10), func(b *testing.B) {
			kept := New(open(b, badger.Options{Dir: b.TempDir()}))
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				data[0], data[1], data[2] = byte(i), byte(i>>8), byte(i>>16)
				owner := fmt.Sprint(i)
				if _, err := kept.Put(b.Context(), owner, data); err != nil {
					b.Fatal(err)
				}
				if err := kept.Drop(b.Context(), owner); err != nil { // or the disk fills up
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("there/64KiB", func(b *testing.B) {
		kept := New(open(b, badger.Options{Dir: b.TempDir()}))
		data := payload(64 << 10)
		b.SetBytes(64 << 10)
		for b.Loop() {
			if _, err := kept.Put(b.Context(), "a", data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20, 16 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			kept := New(open(b, badger.Options{Dir: b.TempDir()}))
			hash, err := kept.Put(b.Context(), "a", payload(size))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := kept.Get(b.Context(), hash); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
