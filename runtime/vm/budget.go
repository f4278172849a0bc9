// What the run in a VM may use. The limits are live: they may be others from one
// turn to the next, and none of them but the size of a result is anything that
// the script's course could depend on, as none can be caught.

package vm

import (
	"cmp"
	"time"

	"reprise/runtime/call"
)

// Limit changes what the run may use, from the next turn on.
func (v *VM) Limit(b Budget) {
	if v.run != nil {
		v.run.budget = b
	}
	v.rt.SetMaxCallStackSize(v.callDepth())
}

func (v *VM) callDepth() int {
	if v.run == nil {
		return v.config.CallDepth
	}
	return cmp.Or(v.run.budget.CallDepth, v.config.CallDepth)
}

// mayTake returns how long the next execution may take, and the error of one
// that takes longer: the limit that is nearer says what it is.
func (v *VM) mayTake() (most time.Duration, over func(took time.Duration) *call.Error) {
	var b Budget
	if v.run != nil {
		b = v.run.budget
	}
	most = min(cmp.Or(b.TurnCPU, v.config.TurnBudget), time.Duration(turnLimit.Load()))
	if left := b.RunCPU - b.Used; b.RunCPU > 0 && left < most {
		return max(left, 0), func(took time.Duration) *call.Error { return call.OverRunCPU(b.Used+v.used(took), b.RunCPU) }
	}
	return most, func(took time.Duration) *call.Error { return call.OverTurnCPU(v.used(took), most) }
}

// spent takes a turn's CPU time off the run's.
func (v *VM) spent(took time.Duration) time.Duration {
	cpu := v.used(took)
	v.run.budget.Used += cpu
	return cpu
}

// leaveOut drops a result that is too large to be handed out.
func (v *VM) leaveOut(t *Turn) {
	most := v.run.budget.Result
	if most <= 0 {
		return
	}
	if n := int64(len(t.Value)); n > most {
		t.Value, t.TooLarge = nil, n
	}
	if r := t.Response; r != nil && int64(len(r.Body.Inline)) > most {
		t.Response, t.TooLarge = nil, int64(len(r.Body.Inline))
	}
}
