package connections_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"reprise/connections"
)

// budgeted is a set whose observer writes down what is refused, and when.
func budgeted(t *testing.T, b *connections.Budget) (*connections.Set, *[]string) {
	t.Helper()
	var said []string
	s := limited(t, connections.Upstream{RetryBudget: b})
	s.Observe(connections.Observer{Spent: func(c string, calls, retries int) {
		said = append(said, fmt.Sprintf("%s %d/%d", c, retries, calls))
	}})
	return s, &said
}

// retries counts how many of n retries may be made.
func retries(s *connections.Set, n int) (granted int) {
	for range n {
		if s.Retry("x") {
			granted++
		}
	}
	return granted
}

func TestRetryBudget(t *testing.T) {
	// A fifth of the calls of ten seconds, and ten in any case. It is said once in
	// that time, and what is older is forgotten.
	synctest.Test(t, func(t *testing.T) {
		s, said := budgeted(t, nil)
		if got := retries(s, 50); got != 10 {
			t.Errorf("without calls: %d", got)
		}
		for range 200 {
			s.Called("x")
		}
		if got := retries(s, 50); got != 30 {
			t.Errorf("of 200 calls: %d more", got)
		}
		time.Sleep(9 * time.Second)
		if got := retries(s, 50); got != 0 {
			t.Errorf("in the same time: %d", got)
		}
		time.Sleep(2 * time.Second)
		if got := retries(s, 50); got != 10 {
			t.Errorf("later: %d", got)
		}
		if want := []string{"x 10/0", "x 10/0"}; !slices.Equal(*said, want) {
			t.Errorf("said %q", *said)
		}
	})
}

func TestRetryBudgetNeverExceeded(t *testing.T) {
	// Whatever comes when: in no ten seconds are there more retries than the floor
	// or the share of the calls in the part-second longer window around them.
	rapid.Check(t, func(r *rapid.T) {
		percent, floor := rapid.IntRange(0, 150).Draw(r, "percent"), rapid.IntRange(0, 5).Draw(r, "floor")
		synctest.Test(t, func(t *testing.T) {
			s, _ := budgeted(t, &connections.Budget{Percent: percent, Floor: floor})
			var calls, granted []time.Time
			for range 60 {
				time.Sleep(time.Duration(rapid.IntRange(0, 900).Draw(r, "pause")) * time.Millisecond)
				if rapid.Bool().Draw(r, "call") {
					s.Called("x")
					calls = append(calls, time.Now())
				} else if s.Retry("x") {
					granted = append(granted, time.Now())
				}
			}
			within := func(times []time.Time, end time.Time, d time.Duration) (n int) {
				for _, at := range times {
					if !at.After(end) && end.Sub(at) < d {
						n++
					}
				}
				return n
			}
			for _, end := range granted {
				n, of := within(granted, end, 9*time.Second), within(calls, end, 10*time.Second)
				if n > max(floor, of*percent/100) {
					r.Fatalf("%d retries of %d calls (%d %%, floor %d)", n, of, percent, floor)
				}
			}
		})
	})
}

func TestWhatHasNoBudget(t *testing.T) {
	// The server itself, calls to no connection, and whoever says none. Of 0 there
	// is none at all.
	s := limited(t, connections.Upstream{RetryBudget: &connections.NoBudget})
	if retries(s, 1000) != 1000 || !s.Retry(connections.Self) || !s.Retry("") {
		t.Error("refused")
	}
	if s, _ := budgeted(t, &connections.Budget{}); retries(s, 3) != 0 {
		t.Error("granted")
	}
	for _, b := range []connections.Budget{{Percent: -1}, {Floor: -1}, {Percent: connections.MaxBudget + 1}} {
		if _, err := connections.NewSet(connections.Upstream{Name: "x", BaseURL: "http://a", RetryBudget: &b}); err == nil {
			t.Errorf("%+v was taken", b)
		}
	}
}
