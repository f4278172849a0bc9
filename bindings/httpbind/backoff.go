package httpbind

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// retryStatuses are those that say "not now". 425 and 429 promise that nothing
// was done; the others are for calls that may be done twice.
var retryStatuses = []int{408, 425, 429, 500, 502, 503, 504}

// policy decides when a call is tried again.
type policy struct {
	attempts int
	pause    connections.Backoff
	statuses []int
	class    call.Class
}

func policyOf(r *web.HTTPRetry, class call.Class) policy {
	p := policy{attempts: connections.DefaultAttempts, pause: connections.DefaultBackoff, statuses: retryStatuses, class: class}
	if r == nil {
		return p
	}
	p.attempts = min(max(r.Attempts, 1), connections.MaxAttempts)
	p.pause.Jitter = r.Jitter
	if r.DelayMS > 0 {
		p.pause.Delay = time.Duration(min(r.DelayMS, maxMillis)) * time.Millisecond
	}
	if r.Factor >= 1 {
		p.pause.Factor = r.Factor
	}
	if r.MaxDelayMS > 0 {
		p.pause.MaxDelay = time.Duration(min(r.MaxDelayMS, maxMillis)) * time.Millisecond
	}
	if len(r.Statuses) > 0 {
		p.statuses = r.Statuses
	}
	return p
}

// wants reports whether a reply is of the kind that another try may better.
// A write that nobody keyed is repeated only where it certainly was not done.
func (p *policy) wants(r reply) bool {
	if r.err == nil {
		return slices.Contains(p.statuses, r.status) && (p.class != call.Write || r.status == http.StatusTooManyRequests)
	}
	switch call.CodeOf(r.err) {
	case call.CodeConnect:
		return true
	case call.CodeNetwork:
		return p.class != call.Write
	}
	return false
}

// verdict is what follows a try.
type verdict struct {
	retry  bool
	free   bool // does not count as an attempt
	wait   time.Duration
	reason string
}

// judge decides what follows the n-th attempt.
func (x *exchange) judge(n int, r reply) verdict {
	v := x.wish(n, r)
	if !v.retry || v.free || x.b.options.Connections.Retry(x.args.Connection) {
		return v
	}
	return verdict{reason: "not tried again: the retry budget of the connection " + x.args.Connection + " is spent"}
}

// wish is what would follow the n-th attempt if there were no other calls.
func (x *exchange) wish(n int, r reply) verdict {
	if r.status == http.StatusUnauthorized && x.renew() {
		return verdict{retry: true, free: true, reason: statusLine(r.status) + ": with a new access token"}
	}
	p := &x.policy
	if n >= p.attempts || !p.wants(r) {
		return verdict{}
	}
	v := verdict{retry: true, wait: p.pause.After(n, x.b.options.Random)}
	if r.err != nil {
		v.reason = x.use.ScrubText(r.err.Message)
		return v
	}
	v.reason = statusLine(r.status)
	text := r.header.Get("Retry-After")
	after, ok := connections.RetryAfter(text, time.Now())
	if !ok {
		return v
	}
	if after > p.pause.MaxDelay {
		return verdict{} // HTTPError says so: see tooLate
	}
	v.reason += ", Retry-After: " + x.use.ScrubText(text)
	if after > 0 {
		v.wait = after
	}
	return v
}

func statusLine(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// tooLate is the sentence for a Retry-After that is not waited for, or empty.
func tooLate(r *web.HTTPRetry, class call.Class, status int, header string, now time.Time) string {
	p := policyOf(r, class)
	after, ok := connections.RetryAfter(header, now)
	if !ok || after <= p.pause.MaxDelay || p.attempts < 2 || !p.wants(reply{status: status}) {
		return ""
	}
	return fmt.Sprintf("; it asks to wait %s (Retry-After), longer than the %s that a retry may wait (retry.maxDelay)", after.Round(time.Second), p.pause.MaxDelay)
}
