package blobs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"

	"reprise/store"
	"reprise/store/storetest"

	"pgregory.net/rapid"
)

// everything is what a store holds of blobs.
type everything struct {
	states            []store.Entry
	chunks, refs, own []string
}

func readAll(t tester, s store.Store) (all everything) {
	t.Helper()
	ctx := background
	var err error
	if all.states, err = s.List(ctx, states, store.Range{Limit: 1e6}); err != nil {
		t.Fatal(err)
	}
	for table, keys := range map[string]*[]string{chunks: &all.chunks, refs: &all.refs, owned: &all.own} {
		rows, err := s.Rows(ctx, table, store.Range{Limit: 1e6})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			*keys = append(*keys, r.Key)
		}
	}
	return all
}

func wantEmpty(t tester, s store.Store) {
	t.Helper()
	if all := readAll(t, s); len(all.states)+len(all.chunks)+len(all.refs)+len(all.own) != 0 {
		t.Fatalf("something is left: %+v", all)
	}
}

// wantWhole looks for what must hold at any time: what is referred to is there,
// nothing else is, and both lists of references say the same.
func wantWhole(t tester, b *Blobs) {
	t.Helper()
	all := readAll(t, b.store)
	known := map[string]state{}
	referred := map[string]bool{}
	for _, key := range all.refs {
		hash, owner := key[:64], key[65:]
		referred[hash] = true
		if !slices.Contains(all.own, ownedPrefix(owner)+hash) {
			t.Fatalf("%s does not list %s, which it refers to", owner, hash)
		}
	}
	if len(all.own) != len(all.refs) {
		t.Fatalf("%d references by blob and %d by owner", len(all.refs), len(all.own))
	}
	for _, e := range all.states {
		is, ok := decode(e.Value)
		hash := hex.EncodeToString(e.Key)
		if !ok || !referred[hash] {
			t.Fatalf("%s: nobody refers to it, or its state is strange: %x", hash, e.Value)
		}
		known[hash] = is
		_, err := b.Get(background, [32]byte(e.Key))
		if is.whole && err != nil || !is.whole && !errors.Is(err, ErrIncomplete) {
			t.Fatalf("%+v: %v", is, err)
		}
	}
	if len(known) != len(referred) {
		t.Fatalf("%d blobs are referred to, %d are there", len(referred), len(known))
	}
	for _, key := range all.chunks {
		var n int
		if _, err := fmt.Sscanf(key[65:], "%x", &n); err != nil || n >= known[key[:64]].rows() {
			t.Fatalf("a piece that belongs to nothing: %s", key)
		}
	}
}

// story is everything that can happen to blobs, in a few steps.
func story(b *Blobs) []func() error {
	put := func(owner string, size int) func() error {
		return func() error {
			_, err := b.Put(background, owner, payload(size))
			return err
		}
	}
	share := func(from, to string) func() error {
		return func() error { return b.Share(background, from, to) }
	}
	drop := func(owner string) func() error {
		return func() error { return b.Drop(background, owner) }
	}
	return []func() error{
		put("a", 70), put("b", 70), put("a", 5), put("a", 0), put("a", 33), put("c", 33),
		share("a", "fork"), drop("a"), put("a", 33), drop("b"), drop("fork"), drop("c"), put("c", 70), drop("c"), drop("a"),
	}
}

// Wherever the process dies, and whatever the crash loses of what nobody waited
// for, the blobs are whole; and the rest of the story can be told.
func TestCrashAnywhere(t *testing.T) {
	undisturbed := storetest.NewFaults(memory(t))
	for _, step := range story(small(undisturbed)) {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	wantEmpty(t, undisturbed)
	total := undisturbed.Commits()
	if total < 20 {
		t.Fatalf("the story has only %d commits", total)
	}
	for stop := range total {
		f := storetest.NewFaults(memory(t))
		f.StopAfter(stop)
		reached := 0
		for _, step := range story(small(f)) {
			if err := step(); err != nil {
				if !errors.Is(err, store.ErrClosed) {
					t.Fatal(err)
				}
				break
			}
			reached++
		}
		for _, kept := range []int{f.Relaxed(), f.Relaxed() / 2} {
			g, err := f.Survivors(memory(t), kept)
			if err != nil {
				t.Fatal(err)
			}
			wantWhole(t, small(g))
			steps := story(small(g))
			if kept == f.Relaxed() { // nothing is lost: the step that was cut off is done again
				steps = steps[min(reached, len(steps)-1):]
			}
			for i, step := range steps {
				if err := step(); err != nil {
					t.Fatalf("after a stop at %d: step %d: %v", stop, i, err)
				}
				wantWhole(t, small(g))
			}
			wantEmpty(t, g)
		}
	}
}

// A Put that a crash cut off is completed by the next, which stores only what is
// missing; until then Get says what is wrong.
func TestTornPut(t *testing.T) {
	data := payload(16 * 10)
	f := storetest.NewFaults(memory(t))
	f.StopAfter(5) // the reference and four pieces
	if _, err := small(f).Put(t.Context(), "a", data); !errors.Is(err, store.ErrClosed) {
		t.Fatal(err)
	}
	g, err := f.Survivors(memory(t), f.Relaxed())
	if err != nil {
		t.Fatal(err)
	}
	b := small(g)
	if _, err := b.Get(t.Context(), sha256.Sum256(data)); !errors.Is(err, ErrIncomplete) {
		t.Errorf("Get of a torn blob: %v", err)
	}
	b.chunk = 1000 // a later version's; the blob's own counts
	mustPut(t, b, "b", data)
	if n := g.Commits(); n != 8 {
		t.Errorf("%d commits completed it, want 8: the reference, six pieces and the end", n)
	}
	wantGet(t, b, data)
	wantWhole(t, b)
}

// The blobs and a model in plain maps agree, also over crashes.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := storetest.NewFaults(memory(t))
		b := small(f)
		model := map[string]map[int]bool{} // by owner, which sizes
		sizes := rapid.SampledFrom([]int{0, 1, 16, 17, 50})
		owners := rapid.SampledFrom([]string{"", "a", "a/", "b"})
		change := func(do func(b *Blobs) error) {
			if n := rapid.IntRange(0, 11).Draw(t, "stops after"); n < 3 {
				f.StopAfter(f.Commits() + n)
			}
			err := do(b)
			if err != nil && !errors.Is(err, store.ErrClosed) {
				t.Fatal(err)
			}
			select {
			case <-f.Stopped():
				g, err := f.Survivors(memory(t), f.Relaxed())
				if err != nil {
					t.Fatal(err)
				}
				f, b = g, small(g)
				wantWhole(t, b)
				if err := do(b); err != nil {
					t.Fatal(err)
				}
			default:
			}
			f.StopAfter(-1)
		}
		of := func(owner string) map[int]bool {
			if model[owner] == nil {
				model[owner] = map[int]bool{}
			}
			return model[owner]
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				size := sizes.Draw(t, "size")
				want := false
				for _, has := range model {
					want = want || has[size]
				}
				got, err := b.Get(background, sha256.Sum256(payload(size)))
				if want && (err != nil || !bytes.Equal(got, payload(size))) || !want && !errors.Is(err, ErrNotFound) {
					t.Fatalf("size %d, owned: %v: %v", size, want, err)
				}
				wantWhole(t, b)
			},
			"put": func(t *rapid.T) {
				owner, size := owners.Draw(t, "owner"), sizes.Draw(t, "size")
				change(func(b *Blobs) error {
					_, err := b.Put(background, owner, payload(size))
					return err
				})
				of(owner)[size] = true
			},
			"share": func(t *rapid.T) {
				from, to := owners.Draw(t, "from"), owners.Draw(t, "to")
				change(func(b *Blobs) error { return b.Share(background, from, to) })
				for size := range of(from) {
					of(to)[size] = true
				}
			},
			"drop": func(t *rapid.T) {
				owner := owners.Draw(t, "owner")
				change(func(b *Blobs) error { return b.Drop(background, owner) })
				delete(model, owner)
			},
		})
	})
}
