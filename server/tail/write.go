package tail

import (
	"context"
	"time"

	"github.com/gorilla/websocket"
)

// write is the only goroutine that writes messages to the socket. It returns
// when the socket is to be closed.
func (s *socket) write(ctx context.Context) {
	var buf []byte
	buf = appendHello(buf, s.opts.Log, s.opts.Version)
	if !s.send(buf) {
		return
	}
	// Two clocks: the websocket's own ping keeps the connection alive and
	// finds dead peers, also while batches flow; our ping frame is for people
	// and pages, which can not see the other kind.
	heartbeat := time.NewTicker(s.opts.PingInterval)
	defer heartbeat.Stop()
	silence := time.NewTimer(s.opts.PingInterval)
	defer silence.Stop()
	for {
		buf = buf[:0]
		select {
		case ev := <-s.events:
			buf = appendEvent(buf, ev)
		case frame := <-s.says:
			buf = append(buf, frame...)
		case <-silence.C:
			buf = appendPing(buf, time.Now(), s.opts.Log.Head())
		case <-heartbeat.C:
			if err := s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.opts.WriteTimeout)); err != nil {
				return
			}
			continue
		case c := <-s.end:
			s.close(c)
			return
		case <-s.server.stop:
			s.close(closing{websocket.CloseGoingAway, "the server is shutting down"})
			return
		case <-ctx.Done():
			return
		}
		if !s.send(buf) {
			return
		}
		silence.Reset(s.opts.PingInterval)
		if cap(buf) > keepBuffer {
			buf = nil
		}
	}
}

// send writes one frame. false means that the other side is gone, or has not
// read for so long that it is taken for gone.
func (s *socket) send(frame []byte) bool {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.opts.WriteTimeout)); err != nil {
		return false
	}
	return s.conn.WriteMessage(websocket.TextMessage, frame) == nil
}
