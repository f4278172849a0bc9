// Package worker holds the VMs: it loads revisions, begins runs in VMs and
// hands their turns back and forth.
//
// Today the VMs live in this process (the --workers 0 of the design). What
// crosses the package's border is plain data only, the messages of
// messages.go, so that the VMs can move into child processes and nobody else
// has to know.
//
//	h := worker.New(worker.Options{Platform: web.Platform(), Modules: modules})
//	handlers, err := h.Load(worker.Revision{ID: id, Script: name, Code: code, Map: sourceMap})
//	s, turn, err := h.Begin(id, worker.Start{Handler: "fetch", Request: req}, onLine)
//	for !turn.Done {
//		turn = s.Deliver(<-outcomes, time.Now())
//	}
//	s.End()
//
// The one invariant: a VM executes for one run at a time, and none that failed,
// was interrupted or has calls open is ever used for another.
//
// It must not know the engine, bindings' host sides, the store or the network.
package worker
