package connections_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reprise/connections"
	"reprise/runtime/call"
)

// told keeps what an observer was told.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (o *told) add(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, fmt.Sprintf(format, args...))
}

func observed(t *testing.T, u connections.Upstream) (*connections.Set, *told) {
	t.Helper()
	s, o := limited(t, u), &told{}
	s.Observe(connections.Observer{
		Request: func(c string, status int, waited time.Duration) {
			o.add("%s %d %s", c, status, waited.Round(time.Second))
		},
		Circuit: func(c string, open bool, failures int, cooldown time.Duration) {
			o.add("%s open=%v %d %s", c, open, failures, cooldown)
		},
		Held: func(c string, wait time.Duration, reason string) { o.add("%s held %s: %s", c, wait, reason) },
	})
	return s, o
}

func enter(t *testing.T, s *connections.Set) *connections.Passage {
	t.Helper()
	p, err := s.Enter(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCircuitBreaker(t *testing.T) {
	// Three failures in a row, and nothing is sent for a minute; then one tries.
	synctest.Test(t, func(t *testing.T) {
		s, o := observed(t, connections.Upstream{Breaker: &connections.Breaker{Failures: 3, Cooldown: time.Minute}, Concurrency: 2})
		refused := func(ok bool) {
			t.Helper()
			_, err := s.Enter(t.Context(), "x")
			if (call.CodeOf(err) == call.CodeCircuitOpen) != ok {
				t.Fatalf("error = %v", err)
			}
		}
		enter(t, s).Failed()
		enter(t, s).Answered(503, nil)
		enter(t, s).Answered(404, nil) // it works
		enter(t, s).Failed()
		enter(t, s).Answered(500, nil)
		enter(t, s).GivenUp() // says nothing
		enter(t, s).Answered(502, nil)
		refused(true)
		time.Sleep(time.Minute)
		probe := enter(t, s)
		refused(true) // only one tries
		probe.Failed()
		refused(true)
		time.Sleep(time.Minute)
		enter(t, s).GivenUp() // and must have an end
		refused(true)
		time.Sleep(time.Minute)
		enter(t, s).Answered(200, nil)
		enter(t, s).Answered(200, nil)
		want := []string{"x open=true 3 1m0s", "x open=true 3 1m0s", "x open=true 3 1m0s", "x open=false 3 1m0s"}
		got := slices.DeleteFunc(o.lines, func(l string) bool { return l[2] != 'o' })
		if !slices.Equal(got, want) {
			t.Errorf("told %q", got)
		}
	})
}

func TestAnUpstreamIsLeftAlone(t *testing.T) {
	// What one answer says of the upstream's limits holds for all who come.
	for name, tc := range map[string]struct {
		status int
		header map[string]string
		waits  time.Duration
	}{
		"Retry-After":       {429, map[string]string{"Retry-After": "7"}, 7 * time.Second},
		"of a 503":          {503, map[string]string{"Retry-After": "7"}, 7 * time.Second},
		"of another":        {500, map[string]string{"Retry-After": "7"}, 0},
		"too long":          {429, map[string]string{"Retry-After": "3600"}, 0},
		"nothing left":      {200, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "3"}, 3 * time.Second},
		"a moment":          {200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "946684810"}, 10 * time.Second},
		"something left":    {200, map[string]string{"RateLimit-Remaining": "1", "RateLimit-Reset": "3"}, 0},
		"what is no number": {200, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "soon"}, 0},
		"NaN":               {200, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "NaN"}, 0},
		"infinite":          {200, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "1e999"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // it is the year 2000 there
				s, o := observed(t, connections.Upstream{})
				header := http.Header{}
				for k, v := range tc.header {
					header.Set(k, v)
				}
				enter(t, s).Answered(tc.status, header)
				began := time.Now()
				var group sync.WaitGroup
				for range 5 {
					group.Go(func() { enter(t, s).Answered(200, nil) })
				}
				group.Wait()
				took := time.Since(began)
				if took < tc.waits || took > tc.waits+time.Second || (len(o.lines) == 7) != (tc.waits > 0) {
					t.Errorf("it took %v; told %q", took, o.lines)
				}
			})
		})
	}
}

func TestWhoIsHeldMayGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := observed(t, connections.Upstream{Concurrency: 1})
		enter(t, s).Answered(429, http.Header{"Retry-After": {"30"}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Enter(ctx, "x"); err == nil {
			t.Error("it was let in")
		}
		enter(t, s).Answered(200, nil) // the slot is free
	})
}

func TestSelfIsNeverHeld(t *testing.T) {
	// One script's 429 must not hold up the calls of all to this server.
	s, err := connections.NewSet()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p, err := s.Enter(t.Context(), connections.Self)
		if p != nil || err != nil {
			t.Fatalf("%v, %v", p, err)
		}
		p.Answered(429, http.Header{"Retry-After": {"30"}})
	}
}
