package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/runtime/script"
	"reprise/server/admin"
	"reprise/server/api"
	"reprise/server/client"
	"reprise/server/datadir"
	"reprise/server/tail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	_ Engine   = (*runtime.Engine)(nil)
	_ Registry = (*script.Registry)(nil)
)

func TestBothOriginsAnswer(t *testing.T) {
	f := newFixture(t, nil)
	for url, want := range map[string]int{
		f.ScriptsURL() + "/hello":       200,
		f.ScriptsURL() + "/_/readyz":    200,
		f.ScriptsURL() + "/api/v1/runs": 404, // the admin API is not at the script origin
		f.AdminURL() + "/":              200,
		f.AdminURL() + "/healthz":       200,
		f.AdminURL() + "/readyz":        200,
		f.AdminURL() + "/metrics":       401,
		f.AdminURL() + "/hello":         404, // nor scripts at the admin's
	} {
		if status, body := f.get(t, url); status != want {
			t.Errorf("%s: %d %s", url, status, body)
		}
	}
	if _, body := f.get(t, f.ScriptsURL()+"/hello"); body != "from hello" {
		t.Errorf("body is %q", body)
	}
}

func TestStudioURLHasTheToken(t *testing.T) {
	f := newFixture(t, nil)
	token, err := os.ReadFile(filepath.Join(f.dir, datadir.TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	if want := f.AdminURL() + "/#token=" + strings.TrimSpace(string(token)); f.StudioURL() != want {
		t.Errorf("studio is at %s, want %s", f.StudioURL(), want)
	}
}

// A program on this machine finds the server through the data directory.
func TestClient(t *testing.T) {
	f := newFixture(t, nil)
	c, err := client.Open(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	server, err := c.Server(t.Context())
	if err != nil || server.Addr != f.Addr() || server.ScriptsURL != f.ScriptsURL() || server.Mode != "dev" || server.Scripts != 1 || server.Boot == "" || server.StartedAt.IsZero() {
		t.Errorf("server is %+v, %v", server, err)
	}
	s, err := c.Script(t.Context(), "hello")
	if err != nil || s.Revision != "9f2c" || s.Stats.Requests != 7 || len(s.Routes) != 1 || s.Routes[0].Path != "/hello" || s.Routes[0].Handler != "fetch" {
		t.Errorf("script is %+v, %v", s, err)
	}
	var e *call.Error
	if _, err := c.Run(t.Context(), "nope", 0); !errors.As(err, &e) || e.Code != string(call.CodeNotFound) || !strings.Contains(err.Error(), "there is no run nope") {
		t.Errorf("an unknown run: %v", err)
	}
}

func TestWorkersAndWhatIsKeptApart(t *testing.T) {
	// The API says how the worker processes are, and which scripts execute apart.
	until := time.Date(2026, 11, 22, 9, 30, 42, 0, time.FixedZone("", 3600))
	f := newFixture(t, func(o *Options) {
		o.Workers = func() api.Workers { return api.Workers{Count: 2, Alive: 1, Memory: 3, Sandbox: "ok", Ended: 4} }
		o.Apart = func(revision string) (at time.Time) {
			if revision == "9f2c" {
				at = until
			}
			return at
		}
	})
	c, err := client.Open(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	server, err := c.Server(t.Context())
	if err != nil || server.Workers == nil || *server.Workers != (api.Workers{Count: 2, Alive: 1, Memory: 3, Sandbox: "ok", Ended: 4}) {
		t.Errorf("server is %+v, %v", server, err)
	}
	s, err := c.Script(t.Context(), "hello")
	if err != nil || s.Apart == nil || !s.Apart.Until.Equal(until) || s.Apart.Until.Location() != time.UTC {
		t.Errorf("script is %+v, %v", s, err)
	}
	other := state("other", nil)
	other.Revision.ID = "b1a2"
	f.registry.set(other)
	if s, err = c.Script(t.Context(), "other"); err != nil || s.Apart != nil {
		t.Errorf("another script is %+v, %v", s, err)
	}
}

// The tail is served, with the same token.
func TestTail(t *testing.T) {
	f := newFixture(t, nil)
	c, err := tail.Dial(t.Context(), tail.DialOptions{URL: f.AdminURL(), Token: f.token, Tail: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f.options.Log.Emit(logs.Entry{Level: logs.Info, Kind: logs.KindServer, Msg: "over the wire"})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		ev, err := c.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range ev.Entries {
			if e.Msg == "over the wire" {
				return
			}
		}
	}
}

func TestScriptsChanged(t *testing.T) {
	f := newFixture(t, nil)
	broken := script.State{Script: script.Script{Name: "bad", File: "scripts/bad.ts"}, Status: script.Broken, Err: call.Errorf(call.CodeLoad, "x is not defined")}
	f.registry.set(broken, state("orders", &script.HTTP{Path: "/orders/:id", Method: []string{"GET"}, Auth: &script.Auth{Token: "T"}, CORS: &script.CORS{Origins: []string{"*"}}}))
	if err := f.ScriptsChanged(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/hello": 404, "/orders/7": 401, "/orders": 404, "/bad": 503} {
		if status, body := f.get(t, f.ScriptsURL()+path); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if _, body := f.get(t, f.ScriptsURL()+"/bad"); !strings.Contains(body, "x is not defined") {
		t.Errorf("the reason is not told: %s", body)
	}
	f.registry.set(state("a", nil), state("a/index", nil))
	if err := f.ScriptsChanged(); err == nil || !strings.Contains(err.Error(), "already answered by the script a") {
		t.Errorf("two scripts with one route: %v", err)
	}
}

func TestValidate(t *testing.T) {
	a, b := state("a", nil).Revision, state("b", &script.HTTP{Path: "/a/*"}).Revision
	if err := Validate([]*script.Revision{a}, b); call.CodeOf(err) != call.CodeConfig {
		t.Errorf("a taken route: %v", err)
	}
	if err := Validate([]*script.Revision{a, b}, a); err == nil {
		t.Error("b has the route")
	}
	if err := Validate(nil, a); err != nil {
		t.Error(err)
	}
}

func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for flag, change := range map[string]func(*Options){
		"--addr":  func(o *Options) { o.Addr = taken.Addr().String() },
		"--admin": func(o *Options) { o.Admin = taken.Addr().String() },
	} {
		o := Options{Addr: "127.0.0.1:0", Admin: "127.0.0.1:0", DataDir: t.TempDir(), Engine: &engine{}, Scripts: &registry{}}
		change(&o)
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Start(t.Context())
		if err == nil || !strings.Contains(err.Error(), taken.Addr().String()+" is in use") || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
		if _, err := os.Stat(filepath.Join(o.DataDir, datadir.InfoFile)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: server.json is there", flag)
		}
	}
}

func TestListeningComesBeforeTheFirstAnswer(t *testing.T) {
	// Whoever has to know the addresses knows them before a script is asked for
	// anything; if that fails, nothing is left behind.
	o := Options{Addr: "127.0.0.1:0", Admin: "127.0.0.1:0", DataDir: t.TempDir(), Engine: &engine{}, Scripts: &registry{}}
	var s *Server
	var at string
	o.Listening = func() error {
		at = s.AdminAddr()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.ScriptsURL()+"/_/healthz", nil)
		if err != nil {
			return err
		}
		if res, err := new(http.Transport).RoundTrip(req); err == nil {
			_ = res.Body.Close()
			t.Error("it answers already")
		}
		return errors.New("not today")
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("err = %v", err)
	}
	if strings.HasSuffix(at, ":0") {
		t.Errorf("the admin origin is at %s", at)
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatalf("the address is still taken: %v", err)
	}
	_ = l.Close()
	if _, err := os.Stat(filepath.Join(o.DataDir, datadir.InfoFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("server.json is there")
	}
}

func TestWrongAddresses(t *testing.T) {
	for _, addr := range []string{"8080", "127.0.0.1:99999", "203.0.113.1:0", "no-such-host.invalid:0"} {
		s, err := New(Options{Addr: addr, Engine: &engine{}, Scripts: &registry{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "--addr") {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestNoAdmin(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Admin = "" })
	if f.AdminAddr() != "" || f.AdminURL() != "" || f.StudioURL() != "" || f.Tails() != 0 {
		t.Errorf("there is an admin origin at %s", f.AdminURL())
	}
	if status, _ := f.get(t, f.ScriptsURL()+"/hello"); status != 200 {
		t.Errorf("scripts: %d", status)
	}
	if _, err := client.Open(f.dir); err == nil || !strings.Contains(err.Error(), "--no-admin") {
		t.Errorf("a client: %v", err)
	}
}

// Close stops accepting, lets requests end, and removes server.json.
func TestCloseDrains(t *testing.T) {
	e := &engine{entered: make(chan struct{}), release: make(chan struct{})}
	f := newFixture(t, func(o *Options) { o.Engine = e })
	answer := make(chan string, 1)
	go func() {
		resp, err := f.http.Get(f.ScriptsURL() + "/hello")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		answer <- string(b) + map[bool]string{true: "", false: " cut off"}[err == nil]
	}()
	<-e.entered
	closed := make(chan error, 1)
	go func() { closed <- f.Close(context.Background()) }()
	// Once the port is closed, the request in progress is still there.
	for {
		c, err := net.Dial("tcp", f.Addr())
		if err != nil {
			break
		}
		c.Close()
	}
	select {
	case err := <-closed:
		t.Fatalf("Close returned with a request in progress: %v", err)
	case a := <-answer:
		t.Fatalf("the request was cut off: %s", a)
	default:
	}
	close(e.release)
	if got := <-answer; got != "from hello" {
		t.Errorf("the answer is %q", got)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := datadir.ReadInfo(f.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("server.json is still there: %v", err)
	}
	if _, err := client.Open(f.dir); !errors.Is(err, client.ErrNotRunning) {
		t.Errorf("a client finds %v", err)
	}
}

// Requests that wait for a run do not hold up the end.
func TestCloseEndsWaits(t *testing.T) {
	e := &engine{entered: make(chan struct{}, 1)}
	f := newFixture(t, func(o *Options) { o.Engine = e })
	c, err := client.Open(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	waited := make(chan error, 1)
	go func() {
		_, err := c.Run(context.Background(), "r1", time.Minute)
		waited <- err
	}()
	<-e.entered
	if err := f.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-waited; call.CodeOf(err) != call.CodeUnavailable {
		t.Errorf("the wait ended with %v", err)
	}
}

func TestCloseCutsOffAtTheDeadline(t *testing.T) {
	e := &engine{entered: make(chan struct{}), release: make(chan struct{})}
	f := newFixture(t, func(o *Options) { o.Engine = e })
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := f.http.Get(f.ScriptsURL() + "/hello"); err == nil {
			resp.Body.Close()
		}
	}()
	<-e.entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.Close(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("Close: %v", err)
	}
	<-done // the connection was cut
	close(e.release)
}

func TestReadiness(t *testing.T) {
	var full error
	var mu sync.Mutex
	f := newFixture(t, func(o *Options) {
		o.Checks = []admin.Check{{Name: "disk", Test: func() error { mu.Lock(); defer mu.Unlock(); return full }}}
	})
	mu.Lock()
	full = errors.New("10 MiB left")
	mu.Unlock()
	for _, url := range []string{f.ScriptsURL() + "/_/readyz", f.AdminURL() + "/readyz"} {
		if status, body := f.get(t, url); status != 503 || strings.Contains(body, "10 MiB") {
			t.Errorf("%s: %d %s", url, status, body)
		}
	}
}

// server.json says where the server is.
func TestServerJSON(t *testing.T) {
	f := newFixture(t, nil)
	b, err := os.ReadFile(filepath.Join(f.dir, "server.json"))
	if err != nil {
		t.Fatal(err)
	}
	var info map[string]any
	if err := json.Unmarshal(b, &info); err != nil {
		t.Fatal(err)
	}
	if info["addr"] != f.Addr() || info["admin"] != f.AdminAddr() || info["pid"] != float64(os.Getpid()) {
		t.Errorf("it says %s", b)
	}
}

func TestURLs(t *testing.T) {
	for _, tc := range []struct{ configured, real, want string }{
		{":0", "[::]:8080", "http://127.0.0.1:8080"},
		{"0.0.0.0:0", "0.0.0.0:8080", "http://127.0.0.1:8080"},
		{"localhost:0", "127.0.0.1:8080", "http://localhost:8080"},
		{"[::1]:0", "[::1]:8080", "http://[::1]:8080"},
		{"192.0.2.1:8080", "192.0.2.1:8080", "http://192.0.2.1:8080"},
	} {
		addr, err := net.ResolveTCPAddr("tcp", tc.real)
		if err != nil {
			t.Fatal(err)
		}
		o := &origin{addr: tc.configured, listener: fakeListener{addr: addr}}
		if got := o.url(); got != tc.want {
			t.Errorf("%s as %s: %s, want %s", tc.configured, tc.real, got, tc.want)
		}
	}
}

type fakeListener struct {
	net.Listener
	addr net.Addr
}

func (l fakeListener) Addr() net.Addr { return l.addr }
