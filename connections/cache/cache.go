package cache

import (
	"container/list"
	"crypto/sha256"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Answer is what an upstream answered. It is not changed.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Key has all that an answer depends on.
type Key [sha256.Size]byte

// KeyOf makes the key of a request. variant is what else it depends on.
func KeyOf(method, url string, h http.Header, variant string) (k Key) {
	sum := sha256.New()
	write := func(texts ...string) {
		for _, t := range texts {
			sum.Write([]byte(t))
			sum.Write([]byte{0})
		}
	}
	write(method, url, variant)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if name == "Cache-Control" || name == "Pragma" {
			continue // is a Wish
		}
		write(name)
		write(h[name]...)
		write("")
	}
	return Key(sum.Sum(nil))
}

// Request is what is asked for.
type Request struct {
	Key  Key
	URL  string
	Wish Wish
}

// page is the URL that a write to it changes: its query only chooses.
func page(url string) string {
	url, _, _ = strings.Cut(url, "?")
	return url
}

// Cache keeps answers. It is safe for concurrent use.
type Cache struct {
	rules Rules

	mu      sync.Mutex // guards the rest
	byKey   map[Key]*list.Element
	byPage  map[string]map[Key]bool
	recent  *list.List // of *entry, the last used first
	bytes   int64
	flights map[Key]*Flight
}

// entry is a kept answer. It is not changed.
type entry struct {
	key    Key
	page   string
	answer Answer
	terms  terms
	made   time.Time // when it was made, by our clock
	size   int64
}

// New makes an empty cache.
func New(rules Rules) *Cache {
	return &Cache{rules: rules, byKey: map[Key]*list.Element{}, byPage: map[string]map[Key]bool{}, recent: list.New(), flights: map[Key]*Flight{}}
}

// State is how good a kept answer is.
type State uint8

// The states.
const (
	None   State = iota // there is none
	Old                 // the upstream has to be asked
	Usable              // it may be used, while the upstream is asked
	Fresh               // it may be used
)

// Found is what Find has found.
type Found struct {
	State State
	Age   time.Duration
	entry *entry // nil: none
}

// Find looks for the answer to a request.
func (c *Cache) Find(r Request, now time.Time) Found {
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.byKey[r.Key]
	if el == nil {
		return Found{}
	}
	c.recent.MoveToFront(el)
	e := el.Value.(*entry)
	f := Found{State: Old, entry: e, Age: now.Sub(e.made)}
	switch {
	case r.Wish.MaxAge >= 0 && f.Age >= r.Wish.MaxAge:
	case f.Age < e.terms.fresh:
		f.State = Fresh
	case f.Age < e.terms.fresh+e.terms.while:
		f.State = Usable
	}
	return f
}

// Answer is what was found.
func (f *Found) Answer() Answer { return f.entry.answer }

// Left says for how long an answer holds, or has not held any more.
func (f *Found) Left() string {
	if f.State == Fresh {
		return "fresh for " + lasts(f.entry.terms.fresh-f.Age) + " more"
	}
	return "stale for " + lasts(f.Age-f.entry.terms.fresh)
}

// OnError reports whether the answer may be used since asking has failed.
func (f *Found) OnError(now time.Time) bool {
	return f.entry != nil && now.Sub(f.entry.made) < f.entry.terms.fresh+f.entry.terms.onError
}

// Conditions are the headers that ask whether the answer still holds; none if
// there is no way to ask.
func (f *Found) Conditions() http.Header {
	h := http.Header{}
	if f.entry == nil {
		return h
	}
	if tag := f.entry.answer.Header.Get("ETag"); tag != "" {
		h.Set("If-None-Match", tag)
	}
	if at := f.entry.answer.Header.Get("Last-Modified"); at != "" {
		h.Set("If-Modified-Since", at)
	}
	return h
}

// Confirmed is the answer as it is after a 304 that came with h.
func (f *Found) Confirmed(h http.Header) Answer {
	a := f.entry.answer
	a.Header = a.Header.Clone()
	for name, values := range h {
		if name != "Content-Length" && name != "Content-Encoding" && name != "Content-Type" {
			a.Header[name] = values
		}
	}
	if h.Get("Age") == "" {
		a.Header.Del("Age")
	}
	return a
}

// Put keeps an answer that came now to a request of then, if it may. why says for
// how long, or why not.
func (c *Cache) Put(f *Flight, a Answer, asked, now time.Time) (kept bool, why string) {
	t, why := c.rules.terms(a.Status, a.Header, now)
	if why != "" {
		if a.Status < 500 { // what is kept may still help out
			c.drop(f.request.Key)
		}
		return false, why
	}
	e := &entry{key: f.request.Key, page: page(f.request.URL), answer: a, terms: t, made: now.Add(-ageOf(a.Header, asked, now))}
	e.size = sizeOf(e)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case e.size > c.rules.MaxBytes:
		c.remove(e.key)
		return false, "it is larger than maxBytes"
	case f.forgotten:
		return false, "something was written there meanwhile"
	}
	c.remove(e.key)
	c.byKey[e.key] = c.recent.PushFront(e)
	if c.byPage[e.page] == nil {
		c.byPage[e.page] = map[Key]bool{}
	}
	c.byPage[e.page][e.key] = true
	c.bytes += e.size
	for c.recent.Len() > c.rules.MaxEntries || c.bytes > c.rules.MaxBytes {
		c.remove(c.recent.Back().Value.(*entry).key)
	}
	if left := t.fresh - now.Sub(e.made); left > 0 {
		return true, "fresh for " + lasts(left)
	}
	return true, "asked for anew each time"
}

// overhead is what an entry costs besides its texts, in the maps and lists.
const overhead = 512

func sizeOf(e *entry) int64 {
	n := int64(overhead + len(e.page) + len(e.answer.Body))
	for name, values := range e.answer.Header {
		n += int64(len(name))
		for _, v := range values {
			n += int64(len(v))
		}
	}
	return n
}

func (c *Cache) drop(k Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(k)
}

// remove forgets an answer. c.mu is held.
func (c *Cache) remove(k Key) {
	el := c.byKey[k]
	if el == nil {
		return
	}
	e := c.recent.Remove(el).(*entry)
	delete(c.byKey, k)
	delete(c.byPage[e.page], k)
	if len(c.byPage[e.page]) == 0 {
		delete(c.byPage, e.page)
	}
	c.bytes -= e.size
}

// Forget is told that something was written to a URL. What was asked for before,
// with whatever query, is not found any more.
func (c *Cache) Forget(url string) {
	at := page(url)
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.byPage[at] {
		c.remove(k)
	}
	for k, f := range c.flights {
		if page(f.request.URL) == at {
			f.forgotten = true
			delete(c.flights, k)
		}
	}
}

// Len is how many answers are kept, and how many bytes they take.
func (c *Cache) Len() (entries int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.recent.Len(), c.bytes
}
