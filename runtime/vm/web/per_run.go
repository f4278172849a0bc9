package web

import "reprise/runtime/vm"

// perRun is the state that must not outlive a run: a VM may serve many, and
// call IDs start anew with each.
type perRun struct {
	timers  timers
	console consoleState
	entries []entry // of performance
}

type perRunKey struct{}

// perRun returns the state of the run, or that of the top level.
func (r *realm) perRun() *perRun {
	if _, ok := r.v.Info(); !ok {
		if r.topLevel == nil {
			r.topLevel = &perRun{}
		}
		return r.topLevel
	}
	return vm.RunLocal(r.v, perRunKey{}, func() *perRun { return &perRun{} })
}
