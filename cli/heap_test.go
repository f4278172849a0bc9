package cli

import "testing"

func TestGrowth(t *testing.T) {
	// A small heap may grow by more than itself, a large one doubles.
	for live, want := range map[uint64]int{0: 400, 10 << 20: 400, 32 << 20: 200, 64 << 20: 100, 1 << 40: 100} {
		if got := growth(live); got != want {
			t.Errorf("of %d live bytes the heap may grow by %d%%, want %d%%", live, got, want)
		}
	}
}
