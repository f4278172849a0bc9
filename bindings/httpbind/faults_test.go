package httpbind_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// A network that misbehaves: a TCP proxy in front of an upstream, whose first
// connections have a fault. The library that is known for this brings a dozen
// modules along, for HTTP control and metrics that a test has no use for.

// fault is what becomes of one connection. It returns when the connection is over.
type fault func(client, server *net.TCPConn)

// clean hands everything on.
func clean(client, server *net.TCPConn) { join(client, server) }

// late hands everything on, the answer later.
func late(d time.Duration) fault {
	return answering(func(client net.Conn, answer io.Reader) {
		<-time.After(d)
		_, _ = io.Copy(client, answer)
	})
}

// silent takes the request and says nothing, as a host does that was cut off.
func silent(client, _ *net.TCPConn) { _, _ = io.Copy(io.Discard, client) }

// silentAfter says nothing more after n bytes.
func silentAfter(n int64) fault {
	return answering(func(client net.Conn, answer io.Reader) { _, _ = io.CopyN(client, answer, n) })
}

// slow hands the answer on a byte at a time.
func slow(pause time.Duration) fault {
	return answering(func(client net.Conn, answer io.Reader) {
		for {
			<-time.After(pause)
			if _, err := io.CopyN(client, answer, 1); err != nil {
				return
			}
		}
	})
}

// resetAfter resets the connection after n bytes of the answer, and closedAfter
// closes it.
func resetAfter(n int64) fault {
	return func(client, server *net.TCPConn) {
		endAfter(n, client, server, func() { _ = client.SetLinger(0) })
	}
}

func closedAfter(n int64) fault {
	return func(client, server *net.TCPConn) { endAfter(n, client, server, func() {}) }
}

func endAfter(n int64, client, server *net.TCPConn, how func()) {
	var group sync.WaitGroup
	group.Go(func() { _, _ = io.Copy(server, client) })
	_, _ = io.CopyN(client, server, n)
	if n == 0 {
		_, _ = server.Read(make([]byte, 1)) // the request is there
	}
	how()
	_ = client.Close()
	group.Wait()
}

// neverClosed hands everything on, and does not close when the server does.
func neverClosed(client, server *net.TCPConn) {
	answering(func(client net.Conn, answer io.Reader) { _, _ = io.Copy(client, answer) })(client, server)
}

// answering hands the request on, and lets f do so with the answer. The connection
// is over when the client says so.
func answering(f func(client net.Conn, answer io.Reader)) fault {
	return func(client, server *net.TCPConn) {
		var group sync.WaitGroup
		group.Go(func() { f(client, server) })
		_, _ = io.Copy(server, client)
		_ = server.Close()
		_ = client.Close()
		group.Wait()
	}
}

// network is such a proxy.
type network struct {
	address string
	made    atomic.Int64
	over    func() // waits until all connections are; none are made any more
}

// behind starts a network in front of an upstream. Its first connections have the
// faults, the others none.
func behind(t *testing.T, upstream string, faults ...fault) *network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{address: "http://" + l.Addr().String()}
	var accepting, open sync.WaitGroup
	accepting.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			do := fault(clean)
			if i := n.made.Add(1); int(i) <= len(faults) {
				do = faults[i-1]
			}
			open.Go(func() {
				defer client.Close()
				server, err := net.Dial("tcp", strings.TrimPrefix(upstream, "http://"))
				if err != nil {
					return
				}
				defer server.Close()
				do(client.(*net.TCPConn), server.(*net.TCPConn))
			})
		}
	})
	n.over = func() {
		_ = l.Close()
		accepting.Wait()
		open.Wait()
	}
	t.Cleanup(n.over)
	return n
}

func TestFaultsOfTheNetwork(t *testing.T) {
	// What the page says of each, for a call that may be sent again and for one that
	// may not; and nothing of it is left: when the server has let go of its idle
	// connections, all that were ever made are over.
	const short, long = 100, 30_000
	body := strings.Repeat("x", 10_000)
	for name, tc := range map[string]struct {
		fault     fault
		timeoutMS int64
		code      call.Code // of one that is not tried again; empty: there is an answer
		again     bool      // a GET is tried again, and has an answer then
	}{
		"late":                     {fault: late(20 * time.Millisecond), timeoutMS: long},
		"never closed":             {fault: neverClosed, timeoutMS: long},
		"too late":                 {fault: late(500 * time.Millisecond), timeoutMS: short, code: call.CodeTimeout},
		"silent":                   {fault: silent, timeoutMS: short, code: call.CodeTimeout},
		"silent in the head":       {fault: silentAfter(20), timeoutMS: short, code: call.CodeTimeout},
		"silent in the body":       {fault: silentAfter(2000), timeoutMS: short, code: call.CodeTimeout},
		"slow":                     {fault: slow(time.Millisecond), timeoutMS: short, code: call.CodeTimeout},
		"reset before the answer":  {fault: resetAfter(0), timeoutMS: long, code: call.CodeNetwork, again: true},
		"reset in the head":        {fault: resetAfter(20), timeoutMS: long, code: call.CodeNetwork, again: true},
		"reset in the body":        {fault: resetAfter(2000), timeoutMS: long, code: call.CodeNetwork, again: true},
		"closed before the answer": {fault: closedAfter(0), timeoutMS: long, code: call.CodeNetwork, again: true},
		"closed in the head":       {fault: closedAfter(20), timeoutMS: long, code: call.CodeNetwork, again: true},
		"closed in the body":       {fault: closedAfter(2000), timeoutMS: long, code: call.CodeNetwork, again: true},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				var asked atomic.Int64
				s := serve(t, func(w http.ResponseWriter, r *http.Request) {
					asked.Add(1)
					fmt.Fprint(w, body)
				})
				n := behind(t, s.URL, tc.fault)
				h := upstreamHost(t, connections.Upstream{BaseURL: n.address})
				o := h.do(web.HTTPRequest{Method: method, Connection: "shop", URL: "/", TimeoutMS: tc.timeoutMS}, "")
				want, tries := tc.code, int64(1)
				if tc.again && method == "GET" {
					want, tries = "", 2
				}
				if call.CodeOf(o.Err) != want || n.made.Load() != tries || len(h.attempts) != int(tries) {
					t.Errorf("%v, with %d connections and %d attempts; want %q and %d", o.Err, n.made.Load(), len(h.attempts), want, tries)
				}
				if want == "" && string(o.Body.Inline) != body {
					t.Errorf("%d bytes, want %d", len(o.Body.Inline), len(body))
				}
				h.b.Close()
				n.over() // hangs, if a connection is left
			})
		}
	}
}

func TestAnAPIThatIsNotThere(t *testing.T) {
	// Nothing was sent, so a POST is tried again as well.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"GET", "POST"} {
		h := upstreamHost(t, connections.Upstream{BaseURL: address})
		o := h.do(web.HTTPRequest{Method: method, Connection: "shop", URL: "/"}, "")
		if call.CodeOf(o.Err) != call.CodeConnect || len(h.attempts) != 3 {
			t.Errorf("%s: %v after %d attempts", method, o.Err, len(h.attempts))
		}
	}
}

func TestFaultsOpenTheCircuit(t *testing.T) {
	// A host that was cut off is given up like one that answers 500.
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	n := behind(t, s.URL, slices.Repeat([]fault{silent, resetAfter(0)}, 2)...)
	h := upstreamHost(t, connections.Upstream{BaseURL: n.address, Breaker: &connections.Breaker{Failures: 4, Cooldown: time.Hour}})
	var codes []call.Code
	for i := range 5 {
		o := h.at(web.HTTPRequest{URL: "/", TimeoutMS: []int64{50, 30_000}[i%2], Retry: &web.HTTPRetry{Attempts: 1}})
		codes = append(codes, call.CodeOf(o.Err))
	}
	if want := []call.Code{call.CodeTimeout, call.CodeNetwork, call.CodeTimeout, call.CodeNetwork, call.CodeCircuitOpen}; !slices.Equal(codes, want) {
		t.Errorf("got %q", codes)
	}
	h.b.Close()
	n.over()
}
