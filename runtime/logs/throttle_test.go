package logs_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reprise/runtime/logs"
)

// sink counts what a throttle lets through.
type sink struct {
	mu         sync.Mutex
	lines      map[string]int
	suppressed map[string]int
	told       int
}

func (s *sink) emit(e logs.Entry) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int
	if _, err := fmt.Sscanf(e.Msg, "suppressed %d lines", &n); err == nil && e.Level == logs.Warn && strings.Contains(string(e.Fields), fmt.Sprintf(`"suppressed":%d,`, n)) {
		s.suppressed[e.Script] += n
		s.told++
		return 0
	}
	s.lines[e.Script]++
	return 0
}

func throttled(t *testing.T, f func(s *sink, th *logs.Throttle)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		s := &sink{lines: map[string]int{}, suppressed: map[string]int{}}
		th := logs.NewThrottle(s.emit)
		f(s, th)
		th.Close()
	})
}

func printLines(th *logs.Throttle, script string, n, rate int) {
	for range n {
		th.Print(logs.Entry{Script: script, Msg: "line"}, rate)
	}
}

func TestThrottleBurstThenRate(t *testing.T) {
	// 500 at once, then 200 a second, and what is missing is said every second.
	throttled(t, func(s *sink, th *logs.Throttle) {
		printLines(th, "a", 500, 200)
		if s.lines["a"] != 500 {
			t.Errorf("%d lines at once", s.lines["a"])
		}
		for range 300 { // 3 seconds of 1,000 lines
			printLines(th, "a", 10, 200)
			time.Sleep(10 * time.Millisecond)
		}
		printLines(th, "b", 100, 200)
		time.Sleep(2 * time.Second)
		s.mu.Lock() // timers told it as well
		defer s.mu.Unlock()
		if s.lines["a"] < 1090 || s.lines["a"] > 1101 || s.lines["a"]+s.suppressed["a"] != 3500 || s.told < 3 || s.told > 4 {
			t.Errorf("%d lines, %d suppressed, told %d times", s.lines["a"], s.suppressed["a"], s.told)
		}
		if s.lines["b"] != 100 || s.suppressed["b"] != 0 {
			t.Errorf("the neighbour: %v, %v", s.lines, s.suppressed)
		}
	})
}

func TestThrottleTakesAnotherRate(t *testing.T) {
	// The script's config was edited: a bucket is as full as it was.
	throttled(t, func(s *sink, th *logs.Throttle) {
		printLines(th, "a", 30, 10)
		printLines(th, "a", 30, 100)
		if s.lines["a"] != 25 {
			t.Errorf("%d lines", s.lines["a"])
		}
		time.Sleep(time.Second)
		printLines(th, "a", 101, 100)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.lines["a"] != 125 {
			t.Errorf("%d lines a second later", s.lines["a"])
		}
	})
}

func TestThrottleSaysAllWhenItCloses(t *testing.T) {
	throttled(t, func(s *sink, th *logs.Throttle) {
		printLines(th, "a", 30, 10)
		th.Close()
		if s.lines["a"] != 25 || s.suppressed["a"] != 5 {
			t.Errorf("%v, %v", s.lines, s.suppressed)
		}
		th.Close()
	})
}
