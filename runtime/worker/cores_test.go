package worker

import (
	"slices"
	"testing"
	"time"
)

func TestCoresForLongTurns(t *testing.T) {
	// While turns take long there are cores to spare; a second after the last one
	// there are no more.
	var sets []int
	c := &cores{few: 1, many: 6, set: func(n int) int { sets = append(sets, n); return 0 }}
	at := time.Unix(1, 0)
	for _, step := range []struct {
		after, took time.Duration
		want        []int
	}{
		{0, 0, nil},
		{5 * time.Millisecond, 4 * time.Millisecond, nil},
		{5 * time.Millisecond, 9 * time.Millisecond, []int{6}},
		{5 * time.Millisecond, 14 * time.Millisecond, []int{6}},
		{900 * time.Millisecond, time.Millisecond, []int{6}},
		{50 * time.Millisecond, 6 * time.Millisecond, []int{6}},
		{time.Second, time.Millisecond, []int{6}},
		{time.Millisecond, 0, []int{6, 1}},
		{time.Minute, 0, []int{6, 1}},
		{0, time.Second, []int{6, 1, 6}},
	} {
		at = at.Add(step.after)
		c.look(at, step.took)
		if !slices.Equal(sets, step.want) {
			t.Fatalf("%v later, a turn of %v: %v, want %v", step.after, step.took, sets, step.want)
		}
	}
}
