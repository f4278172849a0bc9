package call_test

import (
	"math"
	"testing"
	"time"

	"reprise/runtime/call"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for in, want := range map[string]time.Duration{
		"250ms": 250 * time.Millisecond, "5s": 5 * time.Second, "2 minutes": 2 * time.Minute, "1h": time.Hour,
		"1h30m": 90 * time.Minute, "1 hour 30 minutes": 90 * time.Minute, "3 days": 3 * day, "2 weeks": 14 * day,
		"1.5h": 90 * time.Minute, "0.5 d": 12 * time.Hour, "1500": 1500 * time.Millisecond, "0s": 0, " 10 Sec ": 10 * time.Second,
		"1w2d3h4m5s6ms": 9*day + 3*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond,
	} {
		if got, err := call.ParseDuration(in); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"":              `"" is not a duration: it is empty; write "30s", "5 minutes" or "3 days"`,
		"-5s":           `"-5s" is not a duration: it can not be negative`,
		"soon":          `"soon" is not a duration: "soon" should be a number; write "30s", "5 minutes" or "3 days"`,
		"5 months":      `"5 months" is not a duration: there is no unit "months"; use ms, s, m, h, d or w, or their names`,
		"5m1h":          `"5m1h" is not a duration: "h" must come after a larger unit, and only once`,
		"5s5s":          `"5s5s" is not a duration: "s" must come after a larger unit, and only once`,
		"1h30":          `"1h30" is not a duration: 30 has no unit; use ms, s, m, h, d or w`,
		"1.2.3s":        `"1.2.3s" is not a duration: "1.2.3" is not a number`,
		"99999999999 d": `"99999999999 d" is not a duration: it is too long`,
		"1e9s":          `"1e9s" is not a duration: there is no unit "e"; use ms, s, m, h, d or w, or their names`,
	} {
		if _, err := call.ParseDuration(in); err == nil || err.Error() != want {
			t.Errorf("ParseDuration(%q) = %v; want %s", in, err, want)
		}
	}
}

func TestMillisDuration(t *testing.T) {
	if d, err := call.MillisDuration(1.5); err != nil || d != 1500*time.Microsecond {
		t.Errorf("MillisDuration(1.5) = %v, %v", d, err)
	}
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1), 1e300} {
		if _, err := call.MillisDuration(bad); err == nil {
			t.Errorf("MillisDuration(%v) is no error", bad)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"1h30m", "3 days", "-1", "1.5", "9999999999999999999w", "1 h 2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := call.ParseDuration(s); err == nil && d < 0 {
			t.Fatalf("ParseDuration(%q) = %v", s, d)
		}
	})
}
