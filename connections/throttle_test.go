package connections_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reprise/connections"
)

func limited(t *testing.T, u connections.Upstream) *connections.Set {
	t.Helper()
	u.Name, u.BaseURL = "x", "http://a/"
	s, err := connections.NewSet(u)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRateLimit(t *testing.T) {
	// Five hundred callers at once: ten a second, in order, none left out.
	synctest.Test(t, func(t *testing.T) {
		s := limited(t, connections.Upstream{Rate: &connections.Rate{Limit: 10, Per: time.Second}})
		var mu sync.Mutex
		var at []time.Duration
		began := time.Now()
		var group sync.WaitGroup
		for range 500 {
			group.Go(func() {
				p, err := s.Enter(t.Context(), "x")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				at = append(at, time.Since(began))
				mu.Unlock()
				p.Answered(200, nil)
			})
		}
		group.Wait()
		slices.Sort(at)
		for i := range at[10:] {
			if d := at[i+10] - at[i]; d < time.Second-time.Millisecond {
				t.Fatalf("requests %d to %d are within %v", i, i+10, d)
			}
		}
		if last := at[len(at)-1]; len(at) != 500 || last > 50*time.Second {
			t.Errorf("%d requests within %v", len(at), last)
		}
	})
}

func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limited(t, connections.Upstream{Rate: &connections.Rate{Limit: 60, Per: time.Minute, Burst: 3}})
		began := time.Now()
		var at []time.Duration
		for range 5 {
			p, err := s.Enter(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			p.Answered(200, nil)
			at = append(at, time.Since(began).Round(time.Millisecond))
		}
		if want := []time.Duration{0, 0, 0, time.Second, 2 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("at %v, want %v", at, want)
		}
	})
}

func TestWhoGivesUpHoldsNothing(t *testing.T) {
	// Neither a slot, nor a place in the order.
	synctest.Test(t, func(t *testing.T) {
		s := limited(t, connections.Upstream{Concurrency: 1, Rate: &connections.Rate{Limit: 1, Per: time.Hour}})
		p, err := s.Enter(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		mine := errors.New("enough")
		for range 3 {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Minute, func() { cancel(mine) })
			if _, err := s.Enter(ctx, "x"); !errors.Is(err, mine) {
				t.Errorf("waiting for the slot: %v", err)
			}
		}
		p.Answered(200, nil)
		for range 3 {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Minute, func() { cancel(mine) })
			if _, err := s.Enter(ctx, "x"); !errors.Is(err, mine) {
				t.Errorf("waiting for the rate: %v", err)
			}
		}
		began := time.Now()
		if p, err = s.Enter(t.Context(), "x"); err != nil || time.Since(began) > time.Hour {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		p.Answered(200, nil)
	})
}

func TestReplace(t *testing.T) {
	// A set that is replaced keeps counting where the limits are the same, and a
	// mistake changes nothing.
	synctest.Test(t, func(t *testing.T) {
		u := connections.Upstream{Concurrency: 1}
		s := limited(t, u)
		p, err := s.Enter(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		u.Name, u.BaseURL = "x", "http://b/"
		if err := s.Replace(u); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Resolve("x", "/p"); got != "http://b/p" || err != nil {
			t.Errorf("it resolves to %s, %v", got, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := s.Enter(ctx, "x"); err == nil {
			t.Error("two at a time")
		}
		p.Answered(200, nil)
		if err := s.Replace(connections.Upstream{Name: "y", BaseURL: "nowhere"}); err == nil {
			t.Error("no error")
		}
		if _, ok := s.Get("x"); !ok {
			t.Error("x is gone")
		}
		if err := s.Replace(); err != nil {
			t.Error(err)
		}
		if _, ok := s.Get("x"); ok {
			t.Error("x is there")
		}
		if _, ok := s.Get(connections.Self); !ok {
			t.Error("self is gone")
		}
	})
}

func TestUpstreamsThatCanNotBe(t *testing.T) {
	for name, u := range map[string]connections.Upstream{
		"auth":          {Auth: &connections.Auth{Type: "magic"}},
		"no token":      {Auth: &connections.Auth{Type: "bearer"}},
		"no user":       {Auth: &connections.Auth{Type: "basic", Password: "x"}},
		"header name":   {Auth: &connections.Auth{Type: "apiKey", In: "header", Name: "a b", Token: "x"}},
		"cookie name":   {Auth: &connections.Auth{Type: "apiKey", In: "cookie", Name: "a;b", Token: "x"}},
		"no query name": {Auth: &connections.Auth{Type: "apiKey", In: "query", Token: "x"}},
		"token URL":     {Auth: &connections.Auth{Type: "oauth2", TokenURL: "token", ClientID: "x"}},
		"no client":     {Auth: &connections.Auth{Type: "oauth2", TokenURL: "http://t/token"}},
		"header":        {Headers: map[string]string{"a\nb": "x"}},
		"header value":  {Headers: map[string]string{"a": "x\r\ny: z"}},
		"secret":        {Query: map[string]string{"a": "${secret:}"}},
		"timeout":       {Timeout: -1},
		"concurrency":   {Concurrency: -1},
		"rate":          {Rate: &connections.Rate{Per: time.Second}},
		"rate time":     {Rate: &connections.Rate{Limit: 1}},
		"burst":         {Rate: &connections.Rate{Limit: 1, Per: time.Second, Burst: 2}},
	} {
		u.Name, u.BaseURL = "x", "http://a/"
		if _, err := connections.NewSet(u); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
