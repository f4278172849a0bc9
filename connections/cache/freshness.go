package cache

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/cachecontrol/cacheobject"
)

// Rules are what the operator says of a cache.
type Rules struct {
	// TTL is how long an answer holds that says nothing about it; 0: not at all.
	TTL time.Duration
	// StaleWhileRevalidate is how long one may be used after that, while it is
	// asked for anew, if it does not say so itself.
	StaleWhileRevalidate time.Duration
	// MaxEntries and MaxBytes bound what is kept; what was used least recently goes.
	MaxEntries int
	MaxBytes   int64
	// Private keeps what is for one user as well: all who use the connection are.
	Private bool
}

// terms are how long an answer may be used.
type terms struct {
	fresh   time.Duration // as it is
	while   time.Duration // after that, while it is asked for anew
	onError time.Duration // after that, if asking fails
	tags    bool          // the upstream can be asked whether it still holds
}

// final are the statuses whose answers may be kept, if they say for how long.
// Redirects are not among them: each hop would be an answer of its own.
var final = []int{
	http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusNoContent, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusGone, http.StatusRequestURITooLong, http.StatusNotImplemented,
}

// maxFresh keeps what an upstream says far from overflow.
const maxFresh = 366 * 24 * time.Hour

func seconds(d cacheobject.DeltaSeconds) time.Duration {
	return min(time.Duration(max(d, 0))*time.Second, maxFresh)
}

// terms reads what an answer says. why is empty if it may be kept.
func (r *Rules) terms(status int, h http.Header, now time.Time) (t terms, why string) {
	if !slices.Contains(final, status) {
		return t, "the status is " + strconv.Itoa(status)
	}
	said, err := cacheobject.ParseResponseCacheControl(strings.Join(h.Values("Cache-Control"), ","))
	switch {
	case err != nil:
		return t, "its Cache-Control can not be read"
	case said.NoStore:
		return t, "it says no-store"
	case said.PrivatePresent && !r.Private:
		return t, "it says private"
	case slices.ContainsFunc(h.Values("Vary"), func(v string) bool { return strings.Contains(v, "*") }):
		return t, "it says Vary: *"
	}
	t.tags = h.Get("ETag") != "" || h.Get("Last-Modified") != ""
	t.fresh = r.fresh(said, status, h, now)
	if t.fresh <= 0 && !t.tags {
		return t, "it does not say for how long it holds"
	}
	if said.NoCachePresent || said.MustRevalidate || !r.Private && (said.ProxyRevalidate || said.SMaxAge >= 0) {
		return t, "" // never when it is old
	}
	t.while, t.onError = r.StaleWhileRevalidate, seconds(said.StaleIfError)
	if said.StaleWhileRevalidate >= 0 {
		t.while = seconds(said.StaleWhileRevalidate)
	}
	return t, ""
}

// Shares reports whether those who waited for an answer may have it, kept or not:
// what is final, and not for one request alone.
func (c *Cache) Shares(a Answer) bool {
	said, err := cacheobject.ParseResponseCacheControl(strings.Join(a.Header.Values("Cache-Control"), ","))
	return err == nil && !said.NoStore && (!said.PrivatePresent || c.rules.Private) && a.Status < 500 && a.Status != http.StatusTooManyRequests
}

// fresh is for how long an answer holds from when it was made.
func (r *Rules) fresh(said *cacheobject.ResponseCacheDirectives, status int, h http.Header, now time.Time) time.Duration {
	switch {
	case said.NoCachePresent:
		return 0
	case said.SMaxAge >= 0 && !r.Private:
		return seconds(said.SMaxAge)
	case said.MaxAge >= 0:
		return seconds(said.MaxAge)
	case h.Get("Expires") != "":
		at, err := http.ParseTime(h.Get("Expires"))
		if err != nil {
			return 0 // "0" means that it is over
		}
		return min(at.Sub(dateOf(h, now)), maxFresh)
	case strings.Contains(strings.ToLower(h.Get("Pragma")), "no-cache"):
		return 0
	case status < 300:
		return r.TTL
	}
	return 0
}

func dateOf(h http.Header, otherwise time.Time) time.Time {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		return at
	}
	return otherwise
}

// ageOf is how old an answer was when it came: by its Date, or by what caches on
// the way say, and the time that it was under way.
func ageOf(h http.Header, asked, came time.Time) time.Duration {
	said, err := strconv.ParseUint(h.Get("Age"), 10, 31)
	if err != nil {
		said = 0
	}
	return max(came.Sub(dateOf(h, came)), time.Duration(said)*time.Second+came.Sub(asked), 0)
}

// Wish is what a request says of answers that are kept.
type Wish struct {
	// None wants that nothing is kept or found.
	None bool
	// MaxAge is how old an answer may be; negative: as old as it may be.
	MaxAge time.Duration
}

// WishOf reads the Cache-Control of a request.
func WishOf(h http.Header) Wish {
	values := h.Values("Cache-Control")
	if len(values) == 0 && strings.EqualFold(h.Get("Pragma"), "no-cache") {
		return Wish{}
	}
	said, err := cacheobject.ParseRequestCacheControl(strings.Join(values, ","))
	switch {
	case err != nil || said.NoStore:
		return Wish{None: true}
	case said.NoCache:
		return Wish{}
	case said.MaxAge >= 0:
		return Wish{MaxAge: seconds(said.MaxAge)}
	}
	return Wish{MaxAge: -1}
}

func lasts(d time.Duration) string { return fmt.Sprint(max(d, 0).Round(time.Second)) }
