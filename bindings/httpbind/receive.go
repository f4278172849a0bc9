package httpbind

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"reprise/runtime/call"
)

const (
	// wholeMax is up to where a body is read before the script gets the response,
	// where it could be a stream: a transfer that breaks off is tried again then.
	wholeMax = 1 << 20
	// maxGrow is the most that is allocated on the word of a Content-Length.
	maxGrow = 1 << 20
)

// try is one try on its way. Its context ends with the call's until the response is
// there; a body that streams lives on.
type try struct {
	x      *exchange
	ctx    context.Context
	cancel func()
	stop   func() bool // lets go of the call's context
	timer  *time.Timer // of the time for one try
	res    *http.Response
	lives  bool // the body streams
}

func (x *exchange) begin(parent context.Context) *try {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	t := &try{x: x, ctx: ctx, cancel: func() { cancel(context.Canceled) }}
	t.stop = context.AfterFunc(parent, func() { cancel(context.Cause(parent)) })
	t.timer = time.AfterFunc(x.timeout, func() { cancel(context.DeadlineExceeded) })
	return t
}

// end frees what a try held, unless its body streams.
func (t *try) end() {
	t.stop()
	if t.lives {
		return
	}
	t.timer.Stop()
	if t.res != nil {
		_ = t.res.Body.Close() // whatever it says, the body has been read or is not wanted
	}
	t.cancel()
}

// receive reads the body, or makes it a stream.
func (x *exchange) receive(t *try) ([]byte, io.ReadCloser, error) {
	if x.p.Stream == nil || !hasBody(x.args.Method, t.res.StatusCode) {
		b, err := x.read(t.res, x.maxBody())
		return b, nil, err
	}
	if x.args.Stream || t.res.ContentLength > wholeMax || arrivesSlowly(t.res.Header) {
		return nil, t.stream(nil), nil
	}
	b, err := x.read(t.res, wholeMax)
	if errors.Is(err, errMore) {
		return nil, t.stream(b), nil
	}
	return b, nil, err
}

// errMore is the end of a body that goes on.
var errMore = errors.New("there is more")

// read reads the whole body after decompression. One that is longer than limit is an
// error: that of a body that is too large, or errMore with what was read.
func (x *exchange) read(res *http.Response, limit int64) ([]byte, error) {
	if most := x.maxBody(); limit >= most && res.ContentLength > most && x.args.Method != http.MethodHead {
		return nil, x.tooLarge()
	}
	var b bytes.Buffer
	if res.ContentLength > 0 && x.args.Method != http.MethodHead {
		// Without room to spare the buffer would grow only to find the end.
		b.Grow(int(min(res.ContentLength, maxGrow)) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(res.Body, limit+1))
	switch {
	case err != nil:
		return nil, err
	case n > limit && limit < x.maxBody():
		return b.Bytes(), errMore
	case n > limit:
		return nil, x.tooLarge()
	}
	return b.Bytes(), nil
}

// arrivesSlowly reports whether a body is of a type that is sent bit by bit, by
// servers that have no more at the moment.
func arrivesSlowly(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get(headerContentType))
	if err != nil {
		return false
	}
	switch kind {
	case "text/event-stream", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-seq":
		return true
	}
	return false
}

// lengthOf is what a response says of the length of its body, or zero.
func lengthOf(h http.Header) int64 {
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil || n < 0 || strings.Contains(h.Get("Content-Encoding"), ",") {
		return 0
	}
	return n
}

// stream makes the rest of the body a stream, behind what has been read of it.
func (t *try) stream(begun []byte) io.ReadCloser {
	t.lives = true
	s := &stream{try: t, begun: begun}
	if t.x.use.Active() {
		return struct {
			io.Reader
			io.Closer
		}{t.x.use.Scrubbing(s), s}
	}
	return s
}

// stream is a body that is still arriving. It is read by one goroutine at a time,
// and closed by any.
type stream struct {
	*try
	begun []byte
	close sync.Once
}

// Read implements io.Reader. The upstream may take as long for each read as it may
// for a whole answer.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.begun) > 0 {
		n := copy(p, s.begun)
		s.begun = s.begun[n:]
		return n, nil
	}
	s.timer.Reset(s.x.timeout)
	n, err := s.res.Body.Read(p)
	s.timer.Stop()
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case n > 0:
		return n, nil // the error comes again
	}
	if s.ctx.Err() != nil && errors.Is(context.Cause(s.ctx), context.DeadlineExceeded) {
		return 0, call.Errorf(call.CodeTimeout, "%s: nothing of the body came within %s; a longer timeout lets it take longer", s.x.p.Call.Target, s.x.timeout)
	}
	return 0, s.x.use.ScrubError(s.x.failure(s.ctx, err))
}

// Close implements io.Closer.
func (s *stream) Close() error {
	s.close.Do(func() {
		s.timer.Stop()
		s.cancel()
		_ = s.res.Body.Close() // nobody wants the rest
	})
	return nil
}
