package runtime

import (
	"io"
	"sync"

	"reprise/runtime/call"
)

// maxChunk is the most that one body.next reads.
const maxChunk = call.InlineMax

// liveBodies are the bodies of a request that are still arriving.
type liveBodies struct {
	mu     sync.Mutex
	byName map[string]*liveBody // guarded by mu
	count  int                  // how many there ever were; guarded by mu
	closed bool                 // guarded by mu
}

type liveBody struct {
	mu   sync.Mutex // held while it is read
	r    io.ReadCloser
	size int64 // zero where nobody knows it
}

// stream takes a body into the request's keeping.
func (b *bodies) stream(r io.ReadCloser, size int64) call.Body {
	l := &b.live
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = r.Close() // the request is over, and nobody will read it
		return call.Body{Present: true}
	}
	if l.byName == nil {
		l.byName = map[string]*liveBody{}
	}
	l.count++
	body := call.Live(l.count, size)
	l.byName[body.Handle] = &liveBody{r: r, size: size}
	return body
}

func (l *liveBodies) find(handle string) (*liveBody, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if body := l.byName[handle]; body != nil {
		return body, nil
	}
	return nil, call.Errorf(call.CodeNotFound, "the body %q has been read, passed on or given up", handle)
}

// take gives a body away: whoever gets it closes it.
func (l *liveBodies) take(handle string) (*liveBody, error) {
	body, err := l.find(handle)
	l.mu.Lock()
	delete(l.byName, handle)
	l.mu.Unlock()
	return body, err
}

// whole reads what has not been read yet.
func (l *liveBodies) whole(handle string, most int64) ([]byte, error) {
	body, err := l.take(handle)
	if err != nil {
		return nil, err
	}
	body.mu.Lock()
	defer body.mu.Unlock()
	defer body.r.Close()
	bytes, err := io.ReadAll(io.LimitReader(body.r, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(bytes)) > most:
		return nil, call.Errorf(call.CodeBodyTooLarge, "the body is larger than %d bytes, which is what a script may read whole; read it as a stream, or pass it on", most).
			WithData(call.LimitData{Limit: "body", Used: int64(len(bytes)), Allowed: most})
	}
	return bytes, nil
}

// next reads what comes next; nothing at the end.
func (l *liveBodies) next(handle string) ([]byte, error) {
	body, err := l.find(handle)
	if err != nil {
		return nil, err
	}
	body.mu.Lock()
	defer body.mu.Unlock()
	buf := make([]byte, maxChunk)
	for {
		n, err := body.r.Read(buf)
		if n > 0 {
			return buf[:n], nil // an error comes once more
		}
		if err != nil {
			l.drop(handle)
			if err == io.EOF {
				return nil, nil
			}
			return nil, err
		}
	}
}

// drop gives a body up.
func (l *liveBodies) drop(handle string) {
	if body, err := l.take(handle); err == nil {
		_ = body.r.Close() // an error says nothing that anybody could use
	}
}

func (l *liveBodies) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for handle, body := range l.byName {
		delete(l.byName, handle)
		_ = body.r.Close()
	}
}
