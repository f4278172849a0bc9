package worker

import (
	"testing"
	"time"
)

func TestPartsOfTheProcessor(t *testing.T) {
	// A turn beside three others is charged a quarter, also when it is the last one
	// that is left, and nothing of what was used before it.
	cpu := time.Hour
	p := &parts{cpu: func() time.Duration { return cpu }}
	p.change(+1)
	began := p.now()
	charged := func(want time.Duration) {
		t.Helper()
		if got := p.now() - began; got != want {
			t.Errorf("charged %v, not %v", got, want)
		}
	}
	charged(0)
	cpu += 100 * time.Millisecond
	charged(100 * time.Millisecond)
	p.change(+3)
	cpu += 400 * time.Millisecond
	charged(200 * time.Millisecond)
	p.change(-3)
	charged(200 * time.Millisecond)
	cpu += 50 * time.Millisecond
	charged(250 * time.Millisecond)
}
