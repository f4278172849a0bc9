// Package replaytest proves that a replay is exact: it holds tests only.
//
// Each script in testdata is executed many times against a host that answers
// its calls at random: in any order, with values, statuses, broken bodies and
// failures. Each of these executions is then played again from its recorded
// turns in a new VM of the newly compiled program, and must do the same to the
// last byte: calls, aborts, lines, result.
//
//	go test ./runtime/vm/replaytest            # 200 orders of each script
//	go test -tags soak ./runtime/vm/replaytest # 1,000
//
// The one invariant: a test here knows what scripts may see and nothing of how
// the VM does it. It must not know the engine, the journal or the store.
package replaytest
