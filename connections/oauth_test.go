package connections_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reprise/connections"
)

// endpoint is a token endpoint without a network: it answers after a while, in
// the time of the test's bubble.
type endpoint struct {
	asked atomic.Int64
	life  int
	fails atomic.Bool
	slow  time.Duration
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	n := e.asked.Add(1)
	select {
	case <-time.After(e.slow):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	status, body := http.StatusOK, `{"access_token":"t`+strconv.FormatInt(n, 10)+`","expires_in":`+strconv.Itoa(e.life)+`}`
	if e.fails.Load() {
		status, body = http.StatusBadRequest, `{"error":"invalid_grant"}`
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r,
	}, nil
}

var grant = connections.Grant{TokenURL: "https://auth.example.com/token?x=1", ClientID: "me", ClientSecret: "s"}

func oauth(e *endpoint) *connections.OAuth { return connections.NewOAuth(&http.Client{Transport: e}) }

func TestOneAsksForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{life: 3600, slow: time.Second}
		o := oauth(e)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if token, err := o.Token(t.Context(), grant); err != nil || token != "t1" {
					t.Errorf("token = %s, %v", token, err)
				}
			})
		}
		wg.Wait()
		if n := e.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		other := grant
		other.Scopes = []string{"b", "a"}
		swapped := grant
		swapped.Scopes = []string{"a", "b"}
		first, _ := o.Token(t.Context(), other)
		second, _ := o.Token(t.Context(), swapped)
		if first != "t2" || second != "t2" {
			t.Errorf("with scopes: %s, %s", first, second)
		}
	})
}

func TestRefreshEarly(t *testing.T) {
	// In its last minute a token is replaced by one, and serves the others.
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{life: 3600, slow: time.Second}
		o := oauth(e)
		mustToken := func(want string) {
			t.Helper()
			if token, err := o.Token(t.Context(), grant); err != nil || token != want {
				t.Errorf("token = %s, %v; want %s", token, err, want)
			}
		}
		mustToken("t1")
		time.Sleep(59*time.Minute - 2*time.Second)
		mustToken("t1")
		time.Sleep(10 * time.Second)
		var wg sync.WaitGroup
		wg.Go(func() { mustToken("t2") })
		synctest.Wait()
		mustToken("t1")
		wg.Wait()
		mustToken("t2")
		e.fails.Store(true)
		time.Sleep(59*time.Minute + 30*time.Second)
		mustToken("t2")
		time.Sleep(time.Minute)
		var refused *connections.GrantError
		if _, err := o.Token(t.Context(), grant); !errors.As(err, &refused) || refused.Status != 400 || refused.URL != "https://auth.example.com/token" {
			t.Errorf("err = %v", err)
		}
		e.fails.Store(false)
		mustToken("t7") // each refusal was asked for twice: see below
	})
}

func TestDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := oauth(&endpoint{life: 3600})
		first, _ := o.Token(t.Context(), grant)
		o.Drop(grant, first)
		second, _ := o.Token(t.Context(), grant)
		o.Drop(grant, first) // somebody who is late
		third, _ := o.Token(t.Context(), grant)
		if first != "t1" || second != "t2" || third != "t2" {
			t.Errorf("%s %s %s", first, second, third)
		}
	})
}

func TestWhoAsksIsCancelled(t *testing.T) {
	// The one who asks may be cancelled; those who wait then ask themselves. An
	// endpoint that refuses is asked once for all who waited.
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{life: 3600, slow: time.Second}
		o := oauth(e)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := o.Token(ctx, grant); !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v", err)
			}
		})
		synctest.Wait()
		for range 5 {
			wg.Go(func() {
				if token, err := o.Token(t.Context(), grant); err != nil || token != "t3" {
					t.Errorf("token = %s, %v", token, err)
				}
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		o.Drop(grant, "t3")
		e.fails.Store(true)
		before := e.asked.Load()
		for range 5 {
			wg.Go(func() {
				if _, err := o.Token(t.Context(), grant); err == nil {
					t.Error("no error")
				}
			})
		}
		wg.Wait()
		if n := e.asked.Load() - before; n > 2 { // the library tries both styles of authentication
			t.Errorf("asked %d times", n)
		}
	})
}
