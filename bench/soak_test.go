//go:build soak && !race

// Memory is measured without the race detector, which keeps several times as much.

package bench

import "testing"

func TestAThousandReloadsLeakNothing(t *testing.T) {
	// Edits under a light load leave no goroutine and no memory behind: the
	// last five hundred need no more than the first.
	r := startReloading(t, 2)
	n := 0
	round := func(saves int) {
		for range saves {
			n++
			r.save(t, n)
		}
	}
	round(500)
	threads, memory := r.threads(t), r.memory(t)
	round(500)
	if grown := r.memory(t) - memory; grown > 32<<10 {
		t.Errorf("500 reloads grew the process by %d KiB, from %d", grown, memory)
	}
	if grown := r.threads(t) - threads; grown > 8 {
		t.Errorf("500 reloads left %d threads", grown)
	}
	t.Logf("%d reloads: %d KiB then %d KiB, %d threads then %d", n, memory, r.memory(t), threads, r.threads(t))
}

// threads is how many threads the process has.
func (p *process) threads(b testing.TB) int { return p.status(b, "Threads:") }
