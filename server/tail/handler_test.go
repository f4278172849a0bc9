package tail_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"reprise/runtime/logs"
	"reprise/server/tail"
)

func TestAuthentication(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{AuthTimeout: 100 * time.Millisecond})
	t.Run("a good token in the first frame", func(t *testing.T) {
		s.log.Emit(logs.Entry{Msg: "x"})
		c := s.dial(t)
		c.send(`{"type":"auth","token":"secret"}`)
		f := c.read()
		if f.Type != tail.FrameHello || f.Protocol != 1 || f.Boot != s.log.Boot() || f.Version != "1.2.3" || f.Seq != 1 || f.Oldest != 1 {
			t.Errorf("hello is %+v", f)
		}
	})
	t.Run("a good token in the header", func(t *testing.T) {
		conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http"), http.Header{"Authorization": {"Bearer secret"}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		defer func() { _ = conn.Close() }()
		if f := (&raw{conn, t}).read(); f.Type != tail.FrameHello {
			t.Errorf("got %+v", f)
		}
	})
	for name, first := range map[string]string{
		"a wrong token":      `{"type":"auth","token":"guess"}`,
		"another frame":      `{"type":"subscribe"}`,
		"no JSON":            `hello`,
		"nothing in time":    "",
		"a wrong value type": `{"type":"auth","token":7}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := s.dial(t)
			if first != "" {
				c.send(first)
			}
			c.wantClose(tail.CloseUnauthorized)
		})
	}
	t.Run("no websocket", func(t *testing.T) {
		resp, err := http.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("got %s", resp.Status)
		}
	})
	t.Run("a foreign origin", func(t *testing.T) {
		_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http"), http.Header{"Origin": {"https://evil.example"}})
		if err == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("got %v", err)
		}
	})
}

func TestSocketLimit(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{MaxSockets: 1})
	c := s.open(t)
	_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http"), http.Header{"Authorization": {"Bearer secret"}})
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
	late := s.dial(t)
	late.send(`{"type":"auth","token":"secret"}`)
	late.wantClose(websocket.CloseTryAgainLater)
	c.send(`{"type":"subscribe"}`)
	_ = c.Close()
}

// Sockets without a token take no place from tails, and of those without one
// the oldest makes room for the newest.
func TestSocketsWithoutATokenLockNobodyOut(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{MaxSockets: 4, MaxWaiting: 2, AuthTimeout: patience})
	silent := make([]*raw, 8)
	for i := range silent {
		silent[i] = s.dial(t)
	}
	for _, c := range silent[:6] {
		if f, err := c.tryRead(); err == nil {
			t.Errorf("got %+v", f)
		}
	}
	owner := s.open(t) // takes the place of silent[6] for a moment
	for range 3 {
		s.open(t)
	}
	s.log.Emit(logs.Entry{Msg: "x"})
	owner.send(`{"type":"subscribe","filterId":"f","tail":1}`)
	owner.entries(1, "f")
	silent[7].send(`{"type":"auth","token":"guess"}`)
	silent[7].wantClose(tail.CloseUnauthorized)
}

func TestProtocol(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{Interval: time.Millisecond})
	c := s.open(t)

	c.send(`{"type":"pause"}`)
	if f := c.read(); f.Type != tail.FrameError || f.Code != tail.CodeNotSubscribed {
		t.Errorf("pause before subscribe: %+v", f)
	}
	for i := range 10 {
		s.log.Emit(logs.Entry{Script: "a", Msg: fmt.Sprint("old ", i)})
	}
	c.send(`{"type":"subscribe","filterId":"f1","filter":"script:a","tail":3}`)
	if got := c.entries(3, "f1"); got[0].Msg != "old 7" {
		t.Errorf("the tail begins with %q", got[0].Msg)
	}
	s.log.Emit(logs.Entry{Script: "b", Msg: "other"})
	s.log.Emit(logs.Entry{Script: "a", Msg: "new"})
	if got := c.entries(1, "f1"); got[0].Msg != "new" {
		t.Errorf("got %q", got[0].Msg)
	}

	c.send(`{"type":"filter","filterId":"bad","filter":"levle:warn"}`)
	if f := c.read(); f.Type != tail.FrameError || f.Code != tail.CodeInvalidFilter || f.Column != 1 || f.FilterID != "bad" ||
		f.Message != `unknown key "levle" at column 1; did you mean level?` {
		t.Errorf("got %+v", f)
	}
	s.log.Emit(logs.Entry{Script: "a", Msg: "the old filter stays"})
	c.entries(1, "f1")

	c.send(`{"type":"filter","filterId":"f2","filter":"script:b"}`)
	c.send(`{"type":"nonsense"}`) // its answer tells that the filter has been read
	if f := c.read(); f.Code != tail.CodeInvalidFrame {
		t.Errorf("got %+v", f)
	}
	s.log.Emit(logs.Entry{Script: "a", Msg: "no"})
	s.log.Emit(logs.Entry{Script: "b", Msg: "yes"})
	if got := c.entries(1, "f2"); got[0].Msg != "yes" {
		t.Errorf("got %q", got[0].Msg)
	}

	c.send(`{"type":"pause"}`)
	c.send(`not JSON`)
	if f := c.read(); f.Code != tail.CodeInvalidFrame {
		t.Errorf("got %+v", f)
	}
	s.log.Emit(logs.Entry{Script: "b", Msg: "held back"})
	c.send(`{"type":"filter","filterId":"x","filter":"level:"}`)
	if f := c.read(); f.Type != tail.FrameError { // and not the batch
		t.Errorf("got %+v", f)
	}
	c.send(`{"type":"resume"}`)
	if got := c.entries(1, "f2"); got[0].Msg != "held back" {
		t.Errorf("got %q", got[0].Msg)
	}

	c.send(fmt.Sprintf(`{"type":"subscribe","filterId":"f3","since":{"boot":%q,"seq":2}}`, s.log.Boot()))
	if got := c.entries(int(s.log.Head())-2, "f3"); got[0].Seq != 3 {
		t.Errorf("since 2 begins with %d", got[0].Seq)
	}
	if err := c.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"pause"}`)); err != nil {
		t.Fatal(err)
	}
	if f := c.read(); f.Code != tail.CodeInvalidFrame {
		t.Errorf("a binary message: %+v", f)
	}
}

func TestAFrameThatIsTooLongEndsTheSocket(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{})
	c := s.open(t)
	c.send(`{"type":"filter","filter":"` + strings.Repeat("x", 17<<10) + `"}`)
	if _, err := c.tryRead(); err == nil { // a close frame, or a reset when it overtakes that
		t.Error("the socket lives on")
	}
}

func TestPing(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{PingInterval: 200 * time.Millisecond})
	s.log.Emit(logs.Entry{Msg: "x"})
	c := s.open(t)
	pinged := make(chan struct{}, 100)
	c.SetPingHandler(func(string) error { pinged <- struct{}{}; return nil })
	for range 3 {
		if f := c.read(); f.Type != tail.FramePing || f.Seq != 1 || f.Time.IsZero() {
			t.Errorf("got %+v", f)
		}
	}
	if len(pinged) == 0 {
		t.Error("no websocket ping came beside the frames")
	}
	// Not a pong comes from this client: it is taken for dead, and closed.
	for {
		if _, err := c.tryRead(); err != nil {
			break
		}
	}
}

func TestHundredSocketsSeeEverySeqAndOneStalls(t *testing.T) {
	// A hundred sockets read everything while one does not read at all: they
	// miss nothing, and it gets gaps for exactly what it missed.
	s := serve(t, logs.Options{Ring: 16 << 10, RingBytes: 8 << 20}, tail.Options{})
	const sockets, total = 100, 12_000
	stalled := s.open(t)
	stalled.send(`{"type":"subscribe","filterId":"s"}`)
	stalled.send(`{"type":"nonsense"}`)
	stalled.read()
	var readers sync.WaitGroup
	for i := range sockets {
		c := s.open(t)
		c.send(`{"type":"subscribe","filterId":"f"}`)
		c.send(`{"type":"nonsense"}`)
		c.read()
		readers.Go(func() {
			defer func() { _ = c.Close() }()
			seq := uint64(0)
			for seq < total {
				_ = c.SetReadDeadline(time.Now().Add(patience)) // fails only with the read
				_, frame, err := c.ReadMessage()
				if err != nil || !bytes.HasPrefix(frame, []byte(`{"type":"batch","filterId":"f",`)) {
					t.Errorf("socket %d, after %d: %.60s, %v", i, seq, frame, err)
					return
				}
				for _, got := range seqsIn(frame) {
					if seq++; got != seq {
						t.Errorf("socket %d: seq %d, want %d", i, got, seq)
						return
					}
				}
			}
		})
	}
	for range total {
		s.log.Emit(logs.Entry{Kind: logs.KindConsole, Script: "a", Msg: "a line of the usual length, more or less, as scripts print"})
	}
	readers.Wait()
	// Now far more than sockets buffer and the ring holds.
	const more = 1500
	for range more {
		s.log.Emit(logs.Entry{Msg: strings.Repeat("x", 15<<10)})
	}
	head := s.log.Head()
	expect, gaps := uint64(1), 0
	for expect <= head {
		f := stalled.read()
		switch f.Type {
		case tail.FrameBatch:
			for _, e := range f.Entries {
				if e.Seq != expect {
					t.Fatalf("seq %d, want %d", e.Seq, expect)
				}
				expect++
			}
		case tail.FrameGap:
			if f.From != expect || f.To < f.From || f.Reason != logs.ReasonSlow || f.FilterID != "s" {
				t.Fatalf("gap %+v, want from %d", f, expect)
			}
			expect = f.To + 1
			gaps++
		}
	}
	if gaps == 0 {
		t.Error("the stalled reader was told of no gap")
	}
}

// seqsIn finds the numbers of a batch's entries without decoding them: a
// million of them, in a test that measures the server's side.
func seqsIn(frame []byte) (seqs []uint64) {
	for part := range bytes.SplitSeq(frame, []byte(`{"seq":`)) {
		digits, _, found := bytes.Cut(part, []byte(`,"ts":`))
		if !found {
			continue
		}
		if n, err := strconv.ParseUint(string(digits), 10, 64); err == nil {
			seqs = append(seqs, n)
		}
	}
	return seqs
}

func TestAStalledReaderIsCutOffAfterTheWriteTimeout(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{WriteTimeout: 50 * time.Millisecond})
	c := s.open(t)
	c.send(`{"type":"subscribe"}`)
	c.send(`{"type":"nonsense"}`)
	c.read()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); s.sockets.Count() > 0 && time.Now().Before(end); <-ticker.C {
		for range 20 {
			s.log.Emit(logs.Entry{Msg: strings.Repeat("x", 15<<10)})
		}
	}
	if n := s.sockets.Count(); n != 0 {
		t.Errorf("%d sockets are open", n)
	}
}

func TestLateShutdown(t *testing.T) {
	// Without sockets there is nobody to cut off, however late it is.
	s := serve(t, logs.Options{}, tail.Options{})
	late, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		if err := s.sockets.Shutdown(late); err != nil {
			t.Fatal(err)
		}
	}
}

func TestShutdownClosesWithACode(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{})
	waiting, idle, busy := s.dial(t), s.open(t), s.open(t)
	busy.send(`{"type":"subscribe"}`)
	busy.send(`{"type":"nonsense"}`)
	busy.read()
	s.log.Emit(logs.Entry{Msg: "x"})
	busy.read()
	if err := s.sockets.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*raw{waiting, idle, busy} {
		c.wantClose(websocket.CloseGoingAway)
	}
	if n := s.log.Stats().Tails; n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
	_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http"), nil)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after shutdown: %v", err)
	}
}

func TestAClosedLogClosesItsSockets(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{})
	c := s.open(t)
	c.send(`{"type":"subscribe","filterId":"f"}`)
	c.send(`{"type":"nonsense"}`)
	c.read()
	s.log.Emit(logs.Entry{Msg: "last words"})
	if err := s.log.Close(); err != nil {
		t.Fatal(err)
	}
	if got := c.entries(2, "f"); got[0].Msg != "last words" {
		t.Errorf("got %+v", got)
	}
	c.wantClose(websocket.CloseGoingAway)
}
