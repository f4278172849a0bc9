package tail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"reprise/runtime/logs"
)

const (
	maxToken    = 4 << 10  // the first frame
	maxFrame    = 16 << 10 // later ones: a filter is at most 1,000 bytes
	maxFilterID = 100

	// keepBuffer is the largest frame buffer that a socket holds on to.
	keepBuffer = 256 << 10

	// stopTimeout is how long a close frame may take.
	stopTimeout = time.Second
)

// socket is one connection. serve's goroutine reads; two more pump and write.
type socket struct {
	server *Sockets
	opts   *Options
	conn   *websocket.Conn
	ticket *ticket

	sub    *logs.Subscription // made at the first subscribe; used by the reading goroutine
	events chan logs.Event    // from the pump to the writer
	says   chan []byte        // ready frames from the reader to the writer
	end    chan closing       // why to close; the first one counts
}

// closing is a close frame.
type closing struct {
	code   int
	reason string
}

func newSocket(s *Sockets, conn *websocket.Conn, t *ticket) *socket {
	return &socket{
		server: s, opts: &s.opts, conn: conn, ticket: t,
		events: make(chan logs.Event),
		says:   make(chan []byte),
		end:    make(chan closing, 1),
	}
}

// serve runs the socket until it ends; then all its goroutines have ended.
func (s *socket) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !s.authenticated() {
		return
	}
	var tasks sync.WaitGroup
	hangUp := func() {
		cancel()
		_ = s.conn.Close() // ends a read or write under way; an error means it is closed already
	}
	tasks.Go(func() {
		defer hangUp()
		s.write(ctx)
	})
	s.read(ctx, &tasks)
	hangUp()
	if s.sub != nil {
		s.sub.Close()
	}
	tasks.Wait()
}

// authenticated waits for a good token, or closes the socket.
func (s *socket) authenticated() bool {
	token := s.ticket.token
	if token == nil {
		s.conn.SetReadLimit(maxToken)
		stopped := make(chan struct{})
		defer close(stopped)
		go s.hangUpOnStop(stopped)
		_ = s.conn.SetReadDeadline(time.Now().Add(s.opts.AuthTimeout)) // fails only on a broken socket, and then so does the read
		var f clientFrame
		if err := s.conn.ReadJSON(&f); err != nil {
			s.refuse(err)
			return false
		}
		if f.Type != "auth" {
			s.close(closing{CloseUnauthorized, "the first frame must be auth with the token"})
			return false
		}
		token = &f.Token
	}
	if !s.opts.Authenticate(*token) {
		s.close(closing{CloseUnauthorized, "the token is wrong"})
		return false
	}
	if err := s.server.admit(s.ticket); err != nil {
		s.close(closing{websocket.CloseTryAgainLater, err.Error()})
		return false
	}
	return true
}

// hangUpOnStop ends the wait for a token when the server stops.
func (s *socket) hangUpOnStop(stopped <-chan struct{}) {
	select {
	case <-s.server.stop:
		s.close(closing{websocket.CloseGoingAway, "the server is shutting down"})
		_ = s.conn.Close()
	case <-stopped:
	}
}

// refuse closes a socket whose first frame did not come or can not be read.
func (s *socket) refuse(err error) {
	var timeout net.Error
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		s.close(closing{CloseUnauthorized, fmt.Sprintf("no token within %s", s.opts.AuthTimeout)})
	case errors.As(err, &syntax), errors.As(err, &wrongType):
		s.close(closing{CloseUnauthorized, "the first frame must be auth with the token"})
	}
}

// close sends a close frame. It may be called beside the writer.
func (s *socket) close(c closing) {
	// An error means that the other side is gone, which is what closing is for.
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(c.code, c.reason), time.Now().Add(stopTimeout))
}

// finish asks the writer to close the socket.
func (s *socket) finish(c closing) {
	select {
	case s.end <- c:
	default:
	}
}

// say gives a frame to the writer. It waits while the writer is busy, so a
// client that sends nonsense and does not read is not read either.
func (s *socket) say(ctx context.Context, frame []byte) {
	select {
	case s.says <- frame:
	case <-ctx.Done():
	}
}

// read obeys the client's frames until the socket ends.
func (s *socket) read(ctx context.Context, tasks *sync.WaitGroup) {
	s.conn.SetReadLimit(maxFrame)
	alive := func(string) error { return s.conn.SetReadDeadline(time.Now().Add(4 * s.opts.PingInterval)) }
	s.conn.SetPongHandler(alive)
	for {
		if err := alive(""); err != nil {
			return
		}
		kind, data, err := s.conn.ReadMessage()
		if err != nil {
			return
		}
		s.obey(ctx, tasks, kind, data)
	}
}

// obey does what one frame says, or answers what is wrong with it.
func (s *socket) obey(ctx context.Context, tasks *sync.WaitGroup, kind int, data []byte) {
	var f clientFrame
	if err := json.Unmarshal(data, &f); kind != websocket.TextMessage || err != nil {
		s.say(ctx, appendError(nil, CodeInvalidFrame, "a frame is one JSON object in a text message", "", 0))
		return
	}
	if len(f.FilterID) > maxFilterID || f.Tail < 0 {
		s.say(ctx, appendError(nil, CodeInvalidFrame, fmt.Sprintf("filterId has at most %d characters, and tail is not negative", maxFilterID), "", 0))
		return
	}
	switch f.Type {
	case "auth": // once more does no harm: the header may have been enough
	case "subscribe":
		s.subscribe(ctx, tasks, f)
	case "filter", "pause", "resume":
		s.change(ctx, f)
	default:
		s.say(ctx, appendError(nil, CodeInvalidFrame, fmt.Sprintf("unknown type %q (subscribe, filter, pause, resume)", f.Type), f.FilterID, 0))
	}
}

func (s *socket) subscribe(ctx context.Context, tasks *sync.WaitGroup, f clientFrame) {
	filter, ok := s.filter(ctx, f)
	if !ok {
		return
	}
	opts := logs.SubscribeOptions{Filter: filter, FilterID: f.FilterID, Since: f.Since, Tail: f.Tail, Interval: s.opts.Interval}
	if s.sub != nil {
		s.sub.Restart(opts)
		return
	}
	s.sub = s.opts.Log.Subscribe(opts)
	sub := s.sub
	tasks.Go(func() { s.pump(ctx, sub) })
}

func (s *socket) change(ctx context.Context, f clientFrame) {
	if s.sub == nil {
		s.say(ctx, appendError(nil, CodeNotSubscribed, fmt.Sprintf("%s comes after subscribe", f.Type), f.FilterID, 0))
		return
	}
	switch f.Type {
	case "filter":
		if filter, ok := s.filter(ctx, f); ok {
			s.sub.SetFilter(filter, f.FilterID)
		}
	case "pause":
		s.sub.Pause()
	case "resume":
		s.sub.Resume()
	}
}

func (s *socket) filter(ctx context.Context, f clientFrame) (*logs.Filter, bool) {
	filter, err := logs.ParseFilter(f.Filter)
	if err == nil {
		return filter, true
	}
	column := 0
	if wrong := (*logs.FilterError)(nil); errors.As(err, &wrong) {
		column = wrong.Column
	}
	s.say(ctx, appendError(nil, CodeInvalidFilter, err.Error(), f.FilterID, column))
	return nil, false
}

// pump hands events of the subscription to the writer.
func (s *socket) pump(ctx context.Context, sub *logs.Subscription) {
	for {
		ev, err := sub.Next(ctx)
		switch {
		case errors.Is(err, logs.ErrClosed):
			s.finish(closing{websocket.CloseGoingAway, "the log was closed"})
			return
		case err != nil:
			if ctx.Err() == nil {
				s.say(ctx, appendError(nil, CodeStore, err.Error(), "", 0))
				s.finish(closing{websocket.CloseInternalServerErr, "the log can not be read"})
			}
			return
		}
		select {
		case s.events <- ev:
		case <-ctx.Done():
			return
		}
	}
}
