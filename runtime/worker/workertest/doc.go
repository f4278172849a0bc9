// Package workertest is for tests of what becomes of runs whose worker process
// ends.
//
//	w := &workertest.Losing{Workers: host, Fate: func(t workertest.Turn) workertest.Fate {
//		if t.N == 3 {
//			return workertest.Lost
//		}
//		return workertest.Done
//	}}
//
// A session that was lost stays lost, as one in a process that has ended. It must
// not know the engine.
package workertest
