package worker_test

import (
	"testing"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/proc"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/runtime/worker"
)

// BenchmarkTurn executes small turns one after the other, in this process and in
// a worker: the difference is what a lone request pays for each of its turns.
func BenchmarkTurn(b *testing.B) {
	host := worker.New(worker.Options{Platform: web.Platform(), Modules: []vm.Module{deadly{}}})
	pool := worker.NewPool(worker.PoolOptions{Workers: 1, Spawn: func() (*proc.Process, error) {
		return proc.Start("worker", proc.Options{Shared: worker.SharedMemory, Env: []string{"GOMAXPROCS=1"}})
	}})
	b.Cleanup(pool.Close)
	if err := pool.Start(); err != nil {
		b.Fatal(err)
	}
	for name, w := range map[string]worker.Workers{"inside": host, "worker": pool} {
		r := bundle("a", `{ async run() { const { call } = __reprise.module("deadly"); for (;;) await call(1); } }`)
		if _, err := w.Load(r, nil); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			s, turn, err := w.Begin("a", worker.Start{Run: "r", Script: "s", Revision: "a", Handler: worker.HandlerRun, Durable: true, Now: time.Unix(1, 0).UTC()}, nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				turn = s.Deliver(worker.Delivery{Outcome: call.OK(turn.Calls[0].ID, nil), At: time.Unix(2, 0).UTC()})[0]
				if len(turn.Calls) != 1 {
					b.Fatal(turn)
				}
			}
			s.End(false)
		})
	}
}
