package cli

// Go collects garbage when the heap has doubled. A server's live heap is small,
// 15 to 40 MiB, so that under load it would collect several times a second, and
// that is a tenth of its processor time. So a small heap may grow by more than
// itself; a large one doubles, as usual.

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// heapRoom is what a small heap may grow by before it is collected.
	heapRoom = 64 << 20
	// mostGrowth bounds it, in percent of what is live.
	mostGrowth = 400
	// heapEvery is how often the live heap is looked at.
	heapEvery = 2 * time.Second
)

// growth is by how many percent a heap may grow of which so much is live.
func growth(live uint64) int {
	return int(min(mostGrowth, max(100, heapRoom*100/max(live, 1))))
}

// keepHeapRoomy lets small heaps grow until stop is called. With GOGC set it
// does nothing: somebody knows better.
func keepHeapRoomy() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(mostGrowth)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(heapEvery)
		defer tick.Stop()
		now := mostGrowth
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for {
			select {
			case <-tick.C:
			case <-done:
				return
			}
			metrics.Read(live)
			// To set it stops the world for a moment: not for small changes.
			if next := growth(live[0].Value.Uint64()); next < now*9/10 || next > now*11/10 {
				debug.SetGCPercent(next)
				now = next
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		debug.SetGCPercent(before)
	}
}
