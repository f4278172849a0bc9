package connections

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Backoff says how long to pause before trying again.
type Backoff struct {
	Delay    time.Duration // before the second attempt
	Factor   float64       // how much longer each next pause is
	MaxDelay time.Duration // no pause is longer; also for Retry-After
	Jitter   bool          // draw each pause at random, up to what it would be
}

// DefaultBackoff is what calls and retry() pause where nothing says otherwise.
// Who is told to come back after more than a minute wants to know, not to wait.
var DefaultBackoff = Backoff{Delay: 250 * time.Millisecond, Factor: 2, MaxDelay: time.Minute, Jitter: true}

// After returns the pause after the n-th attempt. Jitter is full: anything
// from nothing, so that those who failed together do not come back together.
// random draws from [0, 1).
func (b Backoff) After(n int, random func() float64) time.Duration {
	d := min(float64(b.Delay)*math.Pow(b.Factor, float64(n-1)), float64(b.MaxDelay))
	if b.Jitter {
		d *= random()
	}
	return time.Duration(d)
}

// maxRetryAfter keeps what an upstream asks for far from overflow.
const maxRetryAfter = 366 * 24 * time.Hour

// RetryAfter reads a Retry-After header: seconds, or a date. A date that is
// over is zero.
func RetryAfter(text string, now time.Time) (after time.Duration, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, false
	}
	// A number that is out of range comes back as the largest one.
	if seconds, err := strconv.ParseUint(text, 10, 63); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}
