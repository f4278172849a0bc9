// Package worker holds the VMs: it loads revisions, begins runs in VMs and
// hands their turns back and forth.
//
// A Pool has them in child processes: pool.go places runs there, remote.go is
// the server's side of one and serve.go the child's, watch.go kills what takes
// too much, and suspects.go decides whose doing it was. A Host holds VMs in this
// process, which is what a child has inside, and what --workers 0 is. Both are
// Workers. What crosses the package's border is plain data only, the messages of
// messages.go, and nobody outside has to know where the VMs are.
//
//	w := worker.New(worker.Options{Platform: web.Platform(), Modules: modules})
//	handlers, err := w.Load(worker.Revision{ID: id, Script: name, Code: code, Map: sourceMap})
//	s, turn, err := w.Begin(id, worker.Start{Handler: "fetch", Request: req}, onLine)
//	for !turn.Done {
//		turn = s.Deliver(worker.Delivery{Outcome: <-outcomes, At: time.Now()})[0]
//	}
//	s.End(turn.Err == nil)
//
// The one invariant: a VM executes for one run at a time, and none that failed,
// was interrupted or has calls open is ever used for another.
//
// It must not know the engine, bindings' host sides, the store or the network.
package worker
