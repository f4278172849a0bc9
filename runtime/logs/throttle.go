package logs

import (
	"fmt"
	"sync"
	"time"
)

// suppressedEvery is how often a flood is told of while it lasts.
const suppressedEvery = time.Second

// burst is how many lines a script may print at once, as a multiple of its
// rate: 500 at 200 a second.
const burst = 2.5

// Throttle lets lines of scripts into the log, each script's at a rate of its
// own and in all its runs together. Lines beyond that are counted, and the
// number is an entry a second later at most: none is lost without a word. It is
// safe for concurrent use.
type Throttle struct {
	emit func(Entry) uint64

	mu      sync.Mutex
	scripts map[string]*flow // guarded by mu
	closed  bool             // guarded by mu
}

// flow is what a script has printed lately: a bucket of tokens.
type flow struct {
	tokens     float64
	rate       int
	at         time.Time // when the tokens were counted
	suppressed int       // lines not told of yet
	timer      *time.Timer
}

// NewThrottle returns a throttle in front of emit.
func NewThrottle(emit func(Entry) uint64) *Throttle {
	return &Throttle{emit: emit, scripts: map[string]*flow{}}
}

// Print emits a line of the script that the entry names, or counts it where the
// script prints more than rate lines a second. It does not block.
func (t *Throttle) Print(e Entry, rate int) {
	if t.admit(e.Script, rate) {
		t.emit(e)
	}
}

func (t *Throttle) admit(script string, rate int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	f := t.scripts[script]
	if f == nil {
		f = &flow{tokens: burst * float64(rate), at: now}
		t.scripts[script] = f
	}
	if f.rate != rate && f.rate != 0 {
		f.tokens *= float64(rate) / float64(f.rate) // as full as it was
	}
	f.rate = rate
	f.tokens = min(burst*float64(rate), f.tokens+now.Sub(f.at).Seconds()*float64(rate))
	f.at = now
	if f.tokens >= 1 {
		f.tokens--
		return true
	}
	f.suppressed++
	if f.timer == nil && !t.closed {
		f.timer = time.AfterFunc(suppressedEvery, func() { t.tell(script) })
	}
	return false
}

// tell says how many lines of a script were suppressed.
func (t *Throttle) tell(script string) {
	t.mu.Lock()
	f := t.scripts[script]
	n, rate := f.suppressed, f.rate
	f.suppressed, f.timer = 0, nil
	t.mu.Unlock()
	if n > 0 {
		t.emit(Entry{
			Level: Warn, Kind: KindConsole, Script: script,
			Msg:    fmt.Sprintf("suppressed %d lines: the script prints more than %d a second (config.limits.logRate)", n, rate),
			Fields: fmt.Appendf(nil, `{"suppressed":%d,"limit":"logRate","allowed":%d}`, n, rate),
		})
	}
}

// Close tells of what was suppressed and has not been told yet. It may be
// called more than once.
func (t *Throttle) Close() {
	t.mu.Lock()
	t.closed = true
	var untold []string
	for script, f := range t.scripts {
		if f.timer != nil && f.timer.Stop() {
			untold = append(untold, script)
		}
	}
	t.mu.Unlock()
	for _, script := range untold {
		t.tell(script)
	}
}
