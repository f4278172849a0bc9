package call

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// durationUnits are the spellings of each unit. There are no months or years:
// their length is not fixed.
var durationUnits = map[string]time.Duration{
	"ms": time.Millisecond, "msec": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// ParseDuration reads how long something lasts, as scripts and config write it:
// "250ms", "5s", "1.5 h", "1h30m", "3 days", "2 weeks". Larger units come
// first, each at most once. A bare number is milliseconds. The result is never
// negative; a day is 24 hours. The error is a sentence that quotes s.
func ParseDuration(s string) (time.Duration, error) {
	d, err := parseDuration(strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: %w", s, err)
	}
	return d, nil
}

// MillisDuration turns a number of milliseconds, as scripts pass it, into a
// duration.
func MillisDuration(ms float64) (time.Duration, error) {
	switch {
	case math.IsNaN(ms) || math.IsInf(ms, 0):
		return 0, fmt.Errorf("%v is not a duration: it must be a finite number of milliseconds", ms)
	case ms < 0:
		return 0, fmt.Errorf("%v is not a duration: it can not be negative", ms)
	case ms > float64(math.MaxInt64/int64(time.Millisecond)):
		return 0, fmt.Errorf("%v is not a duration: it is too long", ms)
	}
	return time.Duration(ms * float64(time.Millisecond)), nil
}

func parseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, errors.New(`it is empty; write "30s", "5 minutes" or "3 days"`)
	}
	if s[0] == '-' {
		return 0, errors.New("it can not be negative")
	}
	var total time.Duration
	last := time.Duration(math.MaxInt64)
	for first := true; s != ""; first = false {
		number, rest := cutNumber(s)
		if number == "" {
			return 0, fmt.Errorf(`%q should be a number; write "30s", "5 minutes" or "3 days"`, firstWord(s))
		}
		name, rest := cutUnit(strings.TrimLeft(rest, " "))
		unit, ok := durationUnits[strings.ToLower(name)]
		switch {
		case name == "" && rest == "" && first:
			unit = time.Millisecond
		case name == "":
			return 0, fmt.Errorf("%s has no unit; use ms, s, m, h, d or w", number)
		case !ok:
			return 0, fmt.Errorf("there is no unit %q; use ms, s, m, h, d or w, or their names", name)
		case unit >= last:
			return 0, fmt.Errorf("%q must come after a larger unit, and only once", name)
		}
		part, err := times(number, unit)
		if err != nil {
			return 0, err
		}
		if total > math.MaxInt64-part {
			return 0, errors.New("it is too long")
		}
		total, last, s = total+part, unit, strings.TrimLeft(rest, " ")
	}
	return total, nil
}

// times multiplies without rounding whole numbers through a float.
func times(number string, unit time.Duration) (time.Duration, error) {
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if n > math.MaxInt64/int64(unit) {
			return 0, errors.New("it is too long")
		}
		return time.Duration(n) * unit, nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", number)
	}
	if f*float64(unit) >= math.MaxInt64 {
		return 0, errors.New("it is too long")
	}
	return time.Duration(math.Round(f * float64(unit))), nil
}

func cutNumber(s string) (number, rest string) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	return s[:i], s[i:]
}

func cutUnit(s string) (unit, rest string) {
	i := 0
	for i < len(s) && (s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z') {
		i++
	}
	return s[:i], s[i:]
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}
