// Package journal is what a durable run writes down: the records, their binary
// form, and the history they make when they are read back.
//
// A journal is append-only and has one writer. What has to be undone (a retry
// rewinds a run) is written as another record that says so; [History] is the
// view after all of them.
//
//	h, err := journal.Read(records, load)
//	for _, t := range h.Turns { // the turns in force, in order
//		…deliver h.Outcome(t.Outcome), compare the calls…
//	}
//	for _, o := range h.Pending() { // facts that were not delivered
//		…
//	}
//
// The writer keeps a History too and gives it each record before it is kept: a
// record that could not be read back is refused there.
//
//	if err := h.Add(r); err != nil {
//		…nothing has changed
//	}
//	b = journal.Append(b, r, h.Started.File)
//
// Rules that a reader relies on: the first record, and only that, is Started;
// turns are numbered from one, calls rise; a turn delivers a fact that is in
// force, once; a retry voids turns from a number on, with all that belongs to
// the calls they issued, and numbers are then used again. A record that became
// too large is kept elsewhere under its hash, and [Spilled] stands for it.
//
// [Describe] and [Dump] show records to people, [Compare] says where a replay
// did something else.
//
// The one invariant: a journal that was written can always be read, by this
// version and by every later one; bytes that are no journal are an error and
// never a panic.
//
// It must not know the store, the VM or the engine.
package journal
