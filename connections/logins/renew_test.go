package logins_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/connections/oauthtest"
	"reprise/runtime/call"
	"reprise/store"
)

func TestOneRenewsForAll(t *testing.T) {
	// 200 calls meet a token that is over, all at once: the provider is asked once.
	h := newHouse(t, oauthtest.Options{}, nil)
	refused := make(chan struct{}, 1000)
	s := h.start(func(o *logins.Options) { o.Store = watched{h.store, refused} })
	s.login(h, "crm")
	old := s.mustToken(h)
	h.clock.pass(2 * time.Hour)
	arrived, release := h.p.Hold()
	var wg, ready sync.WaitGroup
	got := make([]string, 200)
	ready.Add(len(got))
	for i := range got {
		wg.Go(func() {
			ready.Done()
			token, err := s.Token(t.Context(), "crm")
			if err != nil {
				t.Error(err)
			}
			got[i] = token
		})
	}
	ready.Wait()
	<-arrived
	release()
	wg.Wait()
	for _, token := range got {
		if token != got[0] || token == old {
			t.Fatalf("they got %v", got)
		}
	}
	if n := h.p.Count("refresh_token"); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	if len(refused) > 0 {
		t.Error("they have fought for the lease")
	}
	if !h.takes(got[0]) {
		t.Error("the API does not take it")
	}
	h.private(s)
}

func TestRotationOutlivesRestarts(t *testing.T) {
	// Each refresh token is good for once, and the next process has the last one.
	h := newHouse(t, oauthtest.Options{}, nil)
	h.start().login(h, "crm")
	last := ""
	for n := range 4 {
		s := h.start()
		token := s.mustToken(h)
		if n > 0 && token != last {
			t.Error("after a restart it is another token")
		}
		h.clock.pass(2 * time.Hour)
		if last = s.mustToken(h); last == token {
			t.Error("it was not renewed")
		}
		if got := h.p.Count("refresh_token"); got != n+1 {
			t.Errorf("the provider was asked %d times", got)
		}
	}
	h.private(h.start())
}

func TestRevoked(t *testing.T) {
	// A provider that takes a login back deletes nothing here; the scripts are told
	// what to do, and a login mends it.
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	s.login(h, "crm")
	s.mustToken(h)
	kept, _, err := s.vault.Login(t.Context(), "crm")
	if err != nil {
		t.Fatal(err)
	}
	h.p.Revoke()
	h.clock.pass(2 * time.Hour)
	for range 3 {
		_, err = s.Token(t.Context(), "crm")
		wantCode(t, err, call.CodeLoginNeeded, "the connection crm needs a login: the provider does not take its refresh token any more (invalid_grant: it was revoked); run: reprise connections login crm")
	}
	if n := h.p.Count("refresh_token"); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	now, _, err := s.vault.Login(t.Context(), "crm")
	if refresh := between(kept, `"refresh":"`); err != nil || refresh == "" || between(now, `"refresh":"`) != refresh {
		t.Errorf("the refresh token is not there any more: %v", err)
	}
	if st := s.state("crm"); st.State != connections.LoginNeeded || st.Renews || !strings.Contains(st.Reason, "invalid_grant") {
		t.Errorf("it is %+v", st)
	}
	if !strings.Contains(h.log.String(), "level=WARN") || !strings.Contains(h.log.String(), "reprise connections login crm") {
		t.Errorf("the log has %s", h.log.String())
	}
	s = h.start() // it is known after a restart
	_, err = s.Token(t.Context(), "crm")
	wantCode(t, err, call.CodeLoginNeeded, "invalid_grant")
	if n := h.p.Count("refresh_token"); n != 1 {
		t.Errorf("after a restart the provider was asked again")
	}
	h.private(s, err)
	s.login(h, "crm")
	s.mustToken(h)
	if st := s.state("crm"); st.State != connections.Authorized || st.Reason != "" {
		t.Errorf("it is %+v", st)
	}
}

func TestProviderQuotesTheToken(t *testing.T) {
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	s.login(h, "crm")
	kept, _, err := s.vault.Login(t.Context(), "crm")
	if err != nil {
		t.Fatal(err)
	}
	h.p.Forget()
	h.clock.pass(2 * time.Hour)
	_, err = s.Token(t.Context(), "crm")
	wantCode(t, err, call.CodeLoginNeeded, "no such refresh token as [token]")
	if refresh := between(kept, `"refresh":"`); refresh == "" || strings.Contains(err.Error()+h.log.String()+s.state("crm").Reason, refresh) {
		t.Errorf("the token is in %v", err)
	}
}

// between returns the text after a mark, up to a quotation mark.
func between(text []byte, mark string) string {
	_, rest, _ := strings.Cut(string(text), mark)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func TestRenewedEarly(t *testing.T) {
	// In its last minute a token serves while it is renewed; that the provider can
	// not be asked is no news as long as it is good.
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	s.login(h, "crm")
	old := s.mustToken(h)
	h.clock.pass(59*time.Minute + 20*time.Second)
	h.p.Fail(true)
	arrived, release := h.p.Hold()
	if s.mustToken(h) != old {
		t.Error("it is another token already")
	}
	<-arrived
	release()
	s.Settle("crm")
	if s.mustToken(h) != old || h.p.Count("refresh_token") != 1 {
		t.Error("an early renewal that has failed is not left alone for a while")
	}
	h.p.Fail(false)
	h.clock.pass(11 * time.Second)
	arrived, release = h.p.Hold()
	if s.mustToken(h) != old {
		t.Error("it is another token already")
	}
	<-arrived
	release()
	s.Settle("crm")
	if s.mustToken(h) == old || h.p.Count("refresh_token") != 2 {
		t.Error("it was not renewed")
	}
	h.p.Fail(true)
	h.clock.pass(2 * time.Hour)
	_, err := s.Token(t.Context(), "crm")
	refused, ok := errors.AsType[*connections.GrantError](err)
	if !ok || refused.Status != 503 {
		t.Errorf("the error is %v", err)
	}
	if st := s.state("crm"); st.State != connections.Authorized {
		t.Errorf("a provider that is down needs no login: %+v", st)
	}
	h.p.Fail(false)
	s.mustToken(h)
}

func TestRefusedTokenIsRenewed(t *testing.T) {
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	s.login(h, "crm")
	old := s.mustToken(h)
	h.p.Expire() // whatever it has said
	for range 3 {
		if !s.Drop("crm", old) {
			t.Error("there is no other")
		}
		if token := s.mustToken(h); token == old {
			t.Error("it is the same")
		}
	}
	if n := h.p.Count("refresh_token"); n != 1 {
		t.Errorf("those who come late had the provider asked %d times", n)
	}
}

func TestNoRefreshToken(t *testing.T) {
	h := newHouse(t, oauthtest.Options{Once: true}, nil)
	s := h.start()
	s.login(h, "crm")
	token := s.mustToken(h)
	if st := s.state("crm"); st.Renews || st.State != connections.Authorized {
		t.Errorf("it is %+v", st)
	}
	h.clock.pass(59*time.Minute + 30*time.Second)
	if s.mustToken(h) != token {
		t.Error("it is another one")
	}
	if s.Drop("crm", token) {
		t.Error("there is another one")
	}
	h.clock.pass(time.Hour)
	_, err := s.Token(t.Context(), "crm")
	wantCode(t, err, call.CodeLoginNeeded, "the provider gave no refresh token")
	if st := s.state("crm"); st.State != connections.LoginNeeded {
		t.Errorf("it is %+v", st)
	}
}

// watched is a store that tells of leases that were not to be had.
type watched struct {
	store.Store
	refused chan struct{}
}

func (w watched) Commit(ctx context.Context, c store.Commit) (store.Committed, error) {
	done, err := w.Store.Commit(ctx, c)
	if _, taken := errors.AsType[*store.CheckError](err); taken {
		w.refused <- struct{}{}
	}
	return done, err
}

func TestTwoServersOneStore(t *testing.T) {
	h := newHouse(t, oauthtest.Options{}, nil)
	refused := make(chan struct{}, 1000)
	a := h.start()
	a.login(h, "crm")
	b := h.start(func(o *logins.Options) { o.Store = watched{h.store, refused} })
	old := a.mustToken(h)
	if b.mustToken(h) != old {
		t.Error("they have two tokens")
	}
	h.clock.pass(2 * time.Hour)
	arrived, release := h.p.Hold()
	var wg sync.WaitGroup
	var tokens [2]string
	wg.Go(func() { tokens[0], _ = a.Token(t.Context(), "crm") })
	<-arrived
	wg.Go(func() { tokens[1], _ = b.Token(t.Context(), "crm") })
	for range 2 {
		select { // it looks again, and leaves the provider alone
		case <-refused:
		case <-arrived:
			t.Error("both ask at the same time")
		}
	}
	release()
	wg.Wait()
	if tokens[0] == "" || tokens[0] != tokens[1] || tokens[0] == old || h.p.Count("refresh_token") != 1 || h.p.Together() != 1 {
		t.Errorf("%v, asked %d times, %d together", tokens, h.p.Count("refresh_token"), h.p.Together())
	}
}

func TestLoginDuringARenewal(t *testing.T) {
	// Whoever logs in while a renewal is under way wins.
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	s.login(h, "crm")
	s.mustToken(h)
	h.clock.pass(2 * time.Hour)
	answer := h.person(s.begin("crm").URL)
	arrived, release := h.p.Hold()
	var wg sync.WaitGroup
	var renewed string
	var err error
	wg.Go(func() { renewed, err = s.Token(t.Context(), "crm") })
	<-arrived
	wg.Go(func() {
		if _, err := s.Callback(t.Context(), answer); err != nil {
			t.Error(err)
		}
	})
	<-arrived
	release()
	wg.Wait()
	now := s.mustToken(h)
	kept, _, loadErr := s.vault.Login(t.Context(), "crm")
	if err != nil || loadErr != nil || !h.takes(renewed) || between(kept, `"access":"`) != now {
		t.Errorf("%v, %v; what is used is not what is kept", err, loadErr)
	}
}

// slow is a keeper that takes its time once something is kept.
type slow struct {
	logins.Keeper
	kept, on chan struct{} // one of each for the first time, where armed
	armed    atomic.Bool
}

func (s *slow) KeepLogin(ctx context.Context, name string, value []byte, at store.Version, c store.Commit) (store.Version, string, error) {
	now, file, err := s.Keeper.KeepLogin(ctx, name, value, at, c)
	if s.armed.CompareAndSwap(true, false) {
		s.kept <- struct{}{}
		<-s.on
	}
	return now, file, err
}

func TestLoginAfterARenewal(t *testing.T) {
	// A renewal that was kept, and of which nobody has heard yet when somebody logs
	// in: what is used then is what the login has brought.
	h := newHouse(t, oauthtest.Options{}, nil)
	keeper := &slow{kept: make(chan struct{}), on: make(chan struct{})}
	s := h.start(func(o *logins.Options) { keeper.Keeper, o.Keeper = o.Keeper, keeper })
	s.login(h, "crm")
	h.clock.pass(2 * time.Hour)
	keeper.armed.Store(true)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Token(t.Context(), "crm"); err != nil {
			t.Error(err)
		}
	})
	<-keeper.kept
	s.login(h, "crm")
	close(keeper.on)
	wg.Wait()
	now := s.mustToken(h)
	kept, _, err := s.vault.Login(t.Context(), "crm")
	if err != nil || between(kept, `"access":"`) != now {
		t.Errorf("what is used is not what is kept, %v", err)
	}
}

// forgetful is a keeper that keeps nothing for a while.
type forgetful struct {
	logins.Keeper
	mu    sync.Mutex
	fails int
}

func (f *forgetful) KeepLogin(ctx context.Context, name string, value []byte, at store.Version, c store.Commit) (store.Version, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails > 0 {
		f.fails--
		return 0, "", call.Errorf(call.CodeUnavailable, "the disk is full")
	}
	return f.Keeper.KeepLogin(ctx, name, value, at, c)
}

func TestStoreRefuses(t *testing.T) {
	// What the provider has given is not used before it is kept, and not lost while
	// it can not be.
	h := newHouse(t, oauthtest.Options{}, nil)
	keeper := &forgetful{}
	s := h.start(func(o *logins.Options) { keeper.Keeper, o.Keeper = o.Keeper, keeper })
	s.login(h, "crm")
	old := s.mustToken(h)
	h.clock.pass(2 * time.Hour)
	keeper.fails = 2
	for range 2 {
		_, err := s.Token(t.Context(), "crm")
		wantCode(t, err, call.CodeUnavailable, "the disk is full")
	}
	if s.mustToken(h) == old || h.p.Count("refresh_token") != 1 {
		t.Errorf("the provider was asked %d times", h.p.Count("refresh_token"))
	}
	h.clock.pass(2 * time.Hour)
	h.start().mustToken(h) // the next process has the right refresh token
}

func TestCallerGoesAway(t *testing.T) {
	// A call that is cancelled while the provider is asked does not lose what it
	// answers.
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	s.login(h, "crm")
	s.mustToken(h)
	h.clock.pass(2 * time.Hour)
	arrived, release := h.p.Hold()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Token(ctx, "crm"); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	})
	<-arrived
	cancel()
	wg.Wait()
	release()
	s.mustToken(h)
	if n := h.p.Count("refresh_token"); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}

func TestClose(t *testing.T) {
	// What is under way is finished; nothing begins any more.
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	s.login(h, "crm")
	h.clock.pass(2 * time.Hour)
	arrived, release := h.p.Hold()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Token(t.Context(), "crm"); err != nil {
			t.Error(err)
		}
	})
	<-arrived
	wg.Go(func() { s.Close(t.Context()) })
	release()
	wg.Wait()
	h.clock.pass(2 * time.Hour)
	_, err := s.Token(t.Context(), "crm")
	wantCode(t, err, call.CodeUnavailable, "stopping")
	h.start().mustToken(h)
	if n := h.p.Count("refresh_token"); n != 2 {
		t.Errorf("the provider was asked %d times", n)
	}
}
