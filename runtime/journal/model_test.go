// The model of a history: a plain list of the records in force, searched anew
// for every question. Random journals must read the same in both.

package journal_test

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reprise/runtime/call"
	"reprise/runtime/journal"
)

type entry struct {
	seq uint64
	r   journal.Record
}

type model struct {
	all    []journal.Record
	live   []entry // in force
	reborn map[uint64]uint64
}

func (m *model) add(r journal.Record) {
	if c, ok := r.(*journal.Control); ok && c.Op == journal.OpRetry {
		m.retry(c)
	}
	m.live = append(m.live, entry{uint64(len(m.all)), r})
	m.all = append(m.all, r)
}

func (m *model) retry(c *journal.Control) {
	again := map[uint64]bool{}
	gone := map[uint64]bool{}
	for _, id := range c.Void {
		gone[id] = true
		if o := m.outcome(id); o != nil && o.Err == nil {
			again[id] = true
		}
	}
	for _, t := range m.turns() {
		for i := range t.Calls {
			if t.N >= c.Turn {
				gone[t.Calls[i].ID], again[t.Calls[i].ID] = true, true
			}
		}
	}
	for id := range again {
		m.reborn[id]++
	}
	resumed := uint64(0)
	for _, e := range m.live {
		if c, ok := e.r.(*journal.Control); ok && c.Op == journal.OpResume {
			resumed = e.seq
		}
	}
	m.live = slices.DeleteFunc(m.live, func(e entry) bool {
		switch r := e.r.(type) {
		case *journal.Turn:
			return r.N >= c.Turn
		case *journal.Outcome:
			return gone[r.Call]
		case *journal.Attempt:
			return gone[r.Call]
		case *journal.Ended:
			return true
		case *journal.Control:
			return r.Op == journal.OpCancel || r.Op == journal.OpKill || r.Op == journal.OpPause && e.seq > resumed
		}
		return false
	})
}

func find[T journal.Record](m *model, keep func(T) bool) []T {
	var list []T
	for _, e := range m.live {
		if r, ok := e.r.(T); ok && keep(r) {
			list = append(list, r)
		}
	}
	return list
}

func (m *model) turns() []*journal.Turn {
	return find(m, func(*journal.Turn) bool { return true })
}

func (m *model) outcome(id uint64) *journal.Outcome {
	list := find(m, func(o *journal.Outcome) bool { return o.Call == id && !o.Late })
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func (m *model) delivered(id uint64) uint64 {
	for _, t := range m.turns() {
		if t.Cause == journal.ByOutcome && t.Outcome == id {
			return t.N
		}
	}
	return 0
}

func (m *model) aborted(id uint64) bool {
	return slices.ContainsFunc(m.turns(), func(t *journal.Turn) bool { return slices.Contains(t.Aborts, id) })
}

func (m *model) calls() []uint64 {
	var ids []uint64
	for _, t := range m.turns() {
		for i := range t.Calls {
			ids = append(ids, t.Calls[i].ID)
		}
	}
	return ids
}

func (m *model) open() []uint64 {
	return slices.DeleteFunc(m.calls(), func(id uint64) bool { return m.outcome(id) != nil || m.aborted(id) })
}

func (m *model) pending() []uint64 {
	var ids []uint64
	for _, o := range find(m, func(o *journal.Outcome) bool { return m.outcome(o.Call) == o }) {
		if m.delivered(o.Call) == 0 && !m.aborted(o.Call) {
			ids = append(ids, o.Call)
		}
	}
	return ids
}

func (m *model) inDoubt(id uint64) bool {
	doubt := false
	for _, e := range m.live {
		switch r := e.r.(type) {
		case *journal.Attempt:
			if r.Call == id {
				doubt = !r.Failed
			}
		case *journal.Control:
			doubt = doubt && (r.Op != journal.OpResume || !slices.Contains(r.Void, id))
		}
	}
	return doubt && m.outcome(id) == nil
}

func (m *model) ended() *journal.Ended {
	if list := find(m, func(*journal.Ended) bool { return true }); len(list) > 0 {
		return list[0]
	}
	return nil
}

// next draws a record that may follow.
func (m *model) next(t *rapid.T) journal.Record {
	calls, turns := m.calls(), m.turns()
	any := func(name string, list []uint64) uint64 { return rapid.SampledFrom(list).Draw(t, name) }
	for {
		switch rapid.IntRange(0, 11).Draw(t, "what") {
		case 0, 1, 2, 3:
			if m.ended() == nil {
				return m.nextTurn(t)
			}
		case 4, 5, 6:
			if len(calls) > 0 {
				return &journal.Outcome{Call: any("call", calls), Late: rapid.IntRange(0, 5).Draw(t, "late") == 0, Err: failure(t, 3)}
			}
		case 7:
			if len(calls) > 0 {
				return &journal.Attempt{Call: any("call", calls), N: rapid.IntRange(1, 3).Draw(t, "n"), Failed: yes(t)}
			}
		case 8:
			return &journal.Signal{Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name")}
		case 9:
			if m.ended() == nil {
				return &journal.Ended{Status: "failed"}
			}
		case 10:
			op := rapid.SampledFrom([]journal.Op{journal.OpCancel, journal.OpKill, journal.OpPause, journal.OpResume, journal.OpUpgrade, journal.OpReseed}).Draw(t, "op")
			c := &journal.Control{Op: op, Revision: strconv.Itoa(len(m.all))}
			if c.Seed[0] = byte(len(m.all)); op == journal.OpResume && len(calls) > 0 {
				c.Void = []uint64{any("call", calls)}
			}
			return c
		case 11:
			c := &journal.Control{Op: journal.OpRetry, Turn: uint64(rapid.IntRange(1, len(turns)+1).Draw(t, "turn"))}
			for _, id := range calls {
				if n := m.delivered(id); (n == 0 || n >= c.Turn) && rapid.IntRange(0, 3).Draw(t, "void") == 0 {
					c.Void = append(c.Void, id)
				}
			}
			return c
		}
	}
}

func (m *model) nextTurn(t *rapid.T) *journal.Turn {
	calls, pending := m.calls(), m.pending()
	turn := &journal.Turn{N: uint64(len(m.turns()) + 1), Cause: journal.ByUnwind}
	switch {
	case turn.N == 1:
		turn.Cause = journal.ByBegin
	case len(pending) > 0:
		turn.Cause, turn.Outcome = journal.ByOutcome, rapid.SampledFrom(pending).Draw(t, "deliver")
	}
	last := uint64(0)
	if len(calls) > 0 {
		last = slices.Max(calls)
		if rapid.IntRange(0, 3).Draw(t, "abort") == 0 {
			turn.Aborts = []uint64{rapid.SampledFrom(calls).Draw(t, "aborted")}
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "calls") {
		last++
		c := journal.Call{ID: last, Kind: "timer"}
		if yes(t) {
			c.Kind, c.Args = call.KindWait, journal.Inline([]byte(`{"name":"`+rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name")+`"}`))
		}
		turn.Calls = append(turn.Calls, c)
	}
	return turn
}

// agree compares every answer of a history with the model's.
func (m *model) agree(t *rapid.T, h *journal.History) {
	t.Helper()
	check := func(what string, want, got any) {
		t.Helper()
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-model +history):\n%s", what, diff)
		}
	}
	check("length", uint64(len(m.all)), h.Len)
	check("turns", len(m.turns()), len(h.Turns))
	for i, turn := range m.turns() {
		check("turn", turn, h.Turns[i])
	}
	check("calls", len(m.calls()), h.Calls())
	check("open", nilled(m.open()), openOf(h))
	check("pending", m.pending(), pendingOf(h))
	check("ended", m.ended(), h.Ended)
	live := map[uint64]bool{}
	for _, e := range m.live {
		live[e.seq] = true
	}
	for seq := range m.all {
		check("void "+strconv.Itoa(seq), !live[uint64(seq)], h.Void(uint64(seq)))
	}
	for id := uint64(1); id < 40; id++ {
		check("outcome", m.outcome(id), h.Outcome(id))
		check("generation", m.reborn[id], h.Generation(id))
		check("in doubt", m.inDoubt(id), h.Tries(id).InDoubt)
		at := slices.IndexFunc(m.turns(), func(t *journal.Turn) bool {
			return slices.ContainsFunc(t.Calls, func(c journal.Call) bool { return c.ID == id })
		})
		check("issued", at >= 0, h.IssuedBy(id) != nil && h.Call(id).ID == id)
	}
	m.agreeOnTheRest(check, h)
}

func (m *model) agreeOnTheRest(check func(string, any, any), h *journal.History) {
	taken := map[string]int{}
	for _, turn := range m.turns() {
		for i := range turn.Calls {
			c := &turn.Calls[i]
			if o := m.outcome(c.ID); c.Kind == call.KindWait && o != nil && o.Err == nil {
				taken[string(c.Args.Inline[9:10])]++
			}
		}
	}
	check("taken signals", taken, h.TakenSignals())
	revision := "rev-1"
	for _, c := range find(m, func(c *journal.Control) bool { return c.Op == journal.OpUpgrade }) {
		revision = c.Revision
	}
	check("revision", revision, h.Revision)
	cancels := find(m, func(c *journal.Control) bool { return c.Op == journal.OpCancel || c.Op == journal.OpKill })
	check("cancelled", len(cancels) > 0, h.Cancel != nil)
	if h.Cancel != nil {
		kill := slices.ContainsFunc(cancels, func(c *journal.Control) bool { return c.Op == journal.OpKill })
		check("killed", kill, h.Cancel.Op == journal.OpKill)
	}
	paused := false
	for _, e := range m.live {
		if c, ok := e.r.(*journal.Control); ok {
			paused = c.Op == journal.OpPause || paused && c.Op != journal.OpResume
		}
	}
	check("paused", paused, h.Paused != nil)
	reseeds := find(m, func(c *journal.Control) bool { return c.Op == journal.OpReseed })
	check("seeds", len(reseeds)+1, len(h.Seeds()))
	check("seeds in order", true, slices.IsSortedFunc(h.Seeds(), func(a, b journal.Seed) int { return cmp.Compare(a.After, b.After) }))
}

// nilled is nil for an empty list.
func nilled(list []uint64) []uint64 {
	if len(list) == 0 {
		return nil
	}
	return list
}

// journalOf draws a journal and follows it with the model and a live history.
func journalOf(t *rapid.T, h *journal.History) *model {
	m := &model{reborn: map[uint64]uint64{}}
	add := func(r journal.Record) {
		if err := h.Add(r); err != nil {
			t.Fatalf("record %d, %#v: %v", h.Len, r, err)
		}
		m.add(r)
	}
	add(begun())
	for range rapid.IntRange(0, 60).Draw(t, "records") {
		add(m.next(t))
		if rapid.IntRange(0, 3).Draw(t, "look") == 0 {
			m.agree(t, h)
		}
	}
	return m
}

func TestHistoriesAgreeWithTheModel(t *testing.T) {
	// A history that is kept while it grows, one that is read at the end, and
	// the model say the same about every record and call.
	rapid.Check(t, func(t *rapid.T) {
		live := &journal.History{}
		m := journalOf(t, live)
		m.agree(t, live)
		read, err := journal.Read(encode(m.all), nil)
		if err != nil {
			t.Fatal(err)
		}
		again := &model{reborn: map[uint64]uint64{}}
		for _, r := range read.All() {
			again.add(r)
		}
		again.agree(t, read)
	})
}

func TestARefusedRecordChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &journal.History{}
		m := journalOf(t, h)
		last := uint64(len(m.turns()))
		for _, r := range []journal.Record{
			begun(), &journal.Turn{N: last + 2, Cause: journal.ByUnwind}, &journal.Turn{N: last, Cause: journal.ByUnwind},
			&journal.Turn{N: last + 1, Cause: journal.ByOutcome, Outcome: 1000},
			&journal.Turn{N: last + 1, Cause: journal.ByUnwind, Aborts: []uint64{1000}},
			&journal.Turn{N: last + 1, Cause: journal.ByUnwind, Calls: []journal.Call{{ID: 0}}},
			&journal.Turn{N: last + 1, Cause: journal.ByUnwind, Calls: []journal.Call{{ID: h.LastCall() + 2}}}, // a gap: the replay would number it otherwise
			&journal.Outcome{Call: 1000}, &journal.Attempt{Call: 1000}, retry(last + 2), retry(1, 1000),
			&journal.Control{Op: journal.OpResume, Void: []uint64{1000}},
		} {
			if err := h.Add(r); !errors.Is(err, journal.ErrDamaged) {
				t.Fatalf("%#v: %v", r, err)
			}
			m.agree(t, h)
		}
	})
}

func TestPrefixIsAHistory(t *testing.T) {
	// A fork's records are accepted in their order; it has the turns before the
	// point, and about their calls what the run knows, but for the one outcome.
	rapid.Check(t, func(t *rapid.T) {
		h := &journal.History{}
		m := journalOf(t, h)
		from := uint64(rapid.IntRange(1, len(h.Turns)+1).Draw(t, "from"))
		fork, err := h.Until(from)
		if err != nil {
			t.Fatal(err)
		}
		again := &model{reborn: map[uint64]uint64{}}
		for _, r := range fork.All() {
			again.add(r)
		}
		again.agree(t, fork)
		if uint64(len(fork.Turns)) != from-1 || fork.Ended != nil || fork.Cancel != nil || fork.Paused != nil {
			t.Fatalf("%d turns", len(fork.Turns))
		}
		except := uint64(0)
		if n := int(from) - 1; n < len(h.Turns) && h.Turns[n].Cause == journal.ByOutcome {
			except = h.Turns[n].Outcome
		}
		for _, id := range again.calls() {
			want := m.outcome(id)
			if id == except {
				want = nil
			}
			if fork.Outcome(id) != want {
				t.Fatalf("call %d: %v and not %v", id, fork.Outcome(id), want)
			}
			if fork.Tries(id).InDoubt || want == nil && fork.Tries(id).Begun > 0 {
				t.Fatalf("call %d, which has no answer, has attempts", id)
			}
		}
		have := map[string]int{}
		for _, s := range h.Signals {
			have[s.Name]++
		}
		kept := map[string]int{}
		for _, s := range fork.Signals {
			kept[s.Name]++
		}
		for name, n := range fork.TakenSignals() {
			if kept[name] != min(n, have[name]) {
				t.Fatalf("%d signals %s are kept, %d were taken, %d came", kept[name], name, n, have[name])
			}
		}
	})
}
