// Who gets a place. Anybody can open a socket and not show a token, so these
// have few places of their own, and the newest takes that of the oldest: who
// has a token shows it at once and is a tail before it is their turn to go.

package tail

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gorilla/websocket"
)

// ticket is the place of one socket. Its fields are guarded by Sockets.mu, but
// for token, which does not change.
type ticket struct {
	token   *string // of the Authorization header; nil if there is none
	tail    bool    // it has shown a good token
	evicted bool    // it has lost its place to a newer one
	conn    *websocket.Conn
}

// enter takes a place: among the tails for who shows a good token at once, and
// otherwise among those that wait.
func (s *Sockets) enter(token *string) (*ticket, error) {
	t := &ticket{token: token, tail: token != nil && s.opts.Authenticate(*token)}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, errors.New("the server is shutting down")
	case t.tail:
		if err := s.addTail(); err != nil {
			return nil, err
		}
	default:
		s.wait(t)
	}
	s.entered++
	return t, nil
}

// wait gives t a place among those without a token. s.mu must be held.
func (s *Sockets) wait(t *ticket) {
	if len(s.waiting) >= s.opts.MaxWaiting {
		oldest := s.waiting[0]
		oldest.evicted = true
		if oldest.conn != nil {
			_ = oldest.conn.Close() // an error means it is closed already
		}
		s.waiting = slices.Delete(s.waiting, 0, 1)
	}
	s.waiting = append(s.waiting, t)
}

// admit makes a tail of a socket that has shown a good token.
func (s *Sockets) admit(t *ticket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.evicted {
		return errors.New("too many sockets have not shown a token")
	}
	if t.tail {
		return nil
	}
	if err := s.addTail(); err != nil {
		return err
	}
	t.tail = true
	s.stopWaiting(t)
	return nil
}

// addTail counts one more tail, if there may be one. s.mu must be held.
func (s *Sockets) addTail() error {
	if s.tails >= s.opts.MaxSockets {
		return fmt.Errorf("there are already %d tails; close one, or try again later", s.tails)
	}
	s.tails++
	return nil
}

// stopWaiting takes t off the list. s.mu must be held.
func (s *Sockets) stopWaiting(t *ticket) {
	if i := slices.Index(s.waiting, t); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
}

func (s *Sockets) leave(t *ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entered--
	if t.tail {
		s.tails--
	}
	s.stopWaiting(t)
	if s.stopped && s.entered == 0 {
		close(s.idle)
	}
}

func (s *Sockets) track(t *ticket, conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[conn] = struct{}{}
	t.conn = conn
	if t.evicted {
		_ = conn.Close() // while it was being upgraded; its first read fails
	}
}
