package journal

// Prefix returns what a fork from turn starts with, after a Started record of
// its own: the records in force, in their order, of the turns before it. With
// them go the facts about the calls they issued, except the one that turn
// itself delivered (that call is performed again); the attempts at calls that
// have a fact; the signals that such facts took; upgrades and reseeds. With
// turn 1, or an empty history, that is nothing but upgrades and reseeds.
//
// An upgrade among them holds in the fork too: one that is to run another
// revision than History.Revision needs an OpUpgrade after the prefix.
func (h *History) Prefix(turn uint64) []Record {
	kept := h.keptSignals(turn)
	seed := 0
	var list []Record
	for seq, r := range h.records {
		keep := false
		switch r := r.(type) {
		case *Turn:
			keep = r.N < turn
		case *Outcome:
			s := h.calls[r.Call]
			keep = s.keepsFact(turn) && s.fact == r
		case *Attempt:
			keep = h.calls[r.Call].keepsFact(turn)
		case *Signal:
			if keep = kept[r.Name] > 0; keep {
				kept[r.Name]--
			}
		case *Control:
			keep = r.Op == OpUpgrade
			if r.Op == OpReseed {
				seed++
				keep = h.reseeds[seed].After < turn
			}
		}
		if keep && !h.Void(uint64(seq)) {
			list = append(list, r)
		}
	}
	return list
}

// Until returns a new history that ends before a turn: Started, then the prefix
// that a fork from that turn begins with.
func (h *History) Until(turn uint64) (*History, error) {
	fork := &History{}
	if h.Started == nil {
		return fork, nil
	}
	for _, r := range append([]Record{h.Started}, h.Prefix(turn)...) {
		if err := fork.Add(r); err != nil {
			return nil, err
		}
	}
	return fork, nil
}

// keepsFact reports whether a fork from turn keeps what came back from a call.
// A call that is not in force has no state.
func (s *state) keepsFact(turn uint64) bool {
	return s != nil && s.fact != nil && s.turn.N < turn && s.delivered != turn
}

// keptSignals counts, by name, the signals that were taken by facts that a fork
// from turn keeps.
func (h *History) keptSignals(turn uint64) map[string]int {
	kept := map[string]int{}
	for _, s := range h.issued {
		if !s.keepsFact(turn) {
			continue
		}
		if name, err := takenName(s.call, s.fact); err == nil && name != "" {
			kept[name]++
		}
	}
	return kept
}
