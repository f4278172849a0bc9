package bench

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// heavy takes some 10 ms of a core for each request, or as much with the race
// detector, which makes a script some ten times slower.
const heavy = `export default {
  fetch() {
    let n = 0;
    for (let i = 0; i < %d; i++) n += i & 7;
    return new Response(String(n));
  },
};
`

// flood is what became of very many requests at once.
type flood struct {
	mu       sync.Mutex
	statuses map[int]int // guarded by mu
	hasty    atomic.Int64
}

// flood has so many connections ask for a script without pause, until stop is called.
func (r *rig) flood(path string, connections int) (stop func() *flood) {
	f := &flood{statuses: map[int]int{}}
	quit := make(chan struct{})
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
				}
				if !f.one(r, path) {
					return
				}
			}
		})
	}
	return func() *flood {
		close(quit)
		group.Wait()
		return f
	}
}

func (f *flood) one(r *rig, path string) (goOn bool) {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Error(err)
		return false
	}
	res, err := r.asks.Do(req)
	if err != nil {
		r.t.Error(err)
		return false
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body) // the status is what counts
	f.mu.Lock()
	f.statuses[res.StatusCode]++
	f.mu.Unlock()
	switch res.StatusCode {
	case http.StatusOK, http.StatusGatewayTimeout: // it may take longer than 30 s, on a machine that has other things to do
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if res.Header.Get("Retry-After") == "" {
			f.hasty.Add(1)
		}
		<-time.After(50 * time.Millisecond) // who is refused takes a breath, or refusing is all there is to measure
	default:
		r.t.Errorf("%s %s", res.Status, strings.TrimSpace(string(body)))
		return false
	}
	return true
}

func TestAFloodIsAScriptsOwn(t *testing.T) {
	// Hundreds of connections ask for a script that needs the processor: another
	// script is answered all the same. Beyond a bound they are refused, and told
	// when to come again.
	iterations := 80_000
	if raced {
		iterations /= 10
	}
	r := startRig(t, "serve", map[string]string{"neighbour.ts": serving, "heavy.ts": fmt.Sprintf(heavy, iterations)})
	r.warmUp("/neighbour")
	measure := func() *tally {
		stop := r.ask("/neighbour", 50, "hello")
		<-time.After(floodFor)
		asked := stop()
		asked.check(r)
		if asked.lost > 0 {
			t.Errorf("%d requests of the neighbour were refused", asked.lost)
		}
		return asked
	}
	without := measure()
	t.Logf("without a flood: %v", without)
	for _, connections := range []int{4, 500, 1100} {
		stop := r.flood("/heavy", connections)
		with := measure()
		f := stop()
		t.Logf("%d connections: %v; medians %.1f, 99 %% %.1f times those without; the flood's statuses: %v", connections, with,
			float64(with.at(.5))/float64(without.at(.5)), float64(with.at(.99))/float64(without.at(.99)), f.statuses)
		if n := f.hasty.Load(); n > 0 {
			t.Errorf("%d requests were refused without a word about when to come again", n)
		}
		if f.statuses[http.StatusOK] == 0 {
			t.Error("nobody of the flood was answered")
		}
		if refused := f.statuses[http.StatusTooManyRequests]; connections > 1000 && refused == 0 {
			t.Error("nobody of the flood was refused")
		}
	}
	r.logEnds()
	r.stop()
}
