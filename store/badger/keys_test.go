package badger

import (
	"bytes"
	"math"
	"testing"
	"time"
)

// Two different names and keys never share an encoded key, nor does one's
// prefix hold the other's keys.
func FuzzKVKey(f *testing.F) {
	f.Add("a", []byte("b"), "ab", []byte(""))
	f.Add("", []byte("\x01a"), "a", []byte(""))
	f.Fuzz(func(t *testing.T, n1 string, k1 []byte, n2 string, k2 []byte) {
		same := n1 == n2 && bytes.Equal(k1, k2)
		if a, b := kvKey(n1, k1), kvKey(n2, k2); bytes.Equal(a, b) != same {
			t.Errorf("%q/%q and %q/%q: %x, %x", n1, k1, n2, k2, a, b)
		}
		if bytes.HasPrefix(kvKey(n1, k1), named(kindKV, n2, 0)) != (n1 == n2) {
			t.Errorf("%q/%q and the prefix of %q", n1, k1, n2)
		}
		prefix := named(kindKV, n1, 0)
		if end := after(prefix); bytes.Compare(end, kvKey(n1, append(k1, 0xff, 0xff))) <= 0 || bytes.HasPrefix(end, prefix) {
			t.Errorf("%x is not behind the keys of %x", end, prefix)
		}
	})
}

func FuzzTimerKey(f *testing.F) {
	f.Add(int64(1), "run", uint64(2), []byte("t"))
	f.Add(int64(math.MinInt64), "", uint64(0), timerKey(5, "run", 6))
	f.Fuzz(func(t *testing.T, at int64, run string, id uint64, junk []byte) {
		at2, run2, id2, ok := parseTimerKey(timerKey(at, run, id))
		if !ok || at2 != at || run2 != run || id2 != id {
			t.Errorf("%d %q %d became %d %q %d (%v)", at, run, id, at2, run2, id2, ok)
		}
		if at < math.MaxInt64 && bytes.Compare(timerKey(at, run, id), timerKey(at+1, "", 0)) >= 0 {
			t.Errorf("the key of %d is not before that of %d", at, at+1)
		}
		if _, run, _, ok := parseTimerKey(junk); ok && len(run) > len(junk) {
			t.Errorf("%x holds a run of %d bytes", junk, len(run))
		}
	})
}

func TestTimesOutOfRange(t *testing.T) {
	times := []time.Time{{}, earliest.Add(-1), time.Unix(0, 0), latest.Add(1), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := 1; i < len(times); i++ {
		if nanos(times[i-1]) > nanos(times[i]) {
			t.Errorf("%v comes after %v", times[i-1], times[i])
		}
	}
	if e := expiry(time.Unix(0, 0)); e == 0 {
		t.Error("1970-01-01 means never")
	}
	if !(kv{expires: expiry(time.Time{}.Add(1))}).gone(nanos(time.Now())) {
		t.Error("a key that expired in the year 1 is there")
	}
}
