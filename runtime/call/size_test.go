package call_test

import (
	"math"
	"testing"

	"reprise/runtime/call"
)

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{
		"32MiB": 32 << 20, "500KB": 500_000, " 1.5 GiB ": 3 << 29, "4096": 4096, "0": 0, "7 bytes": 7, "2gb": 2_000_000_000,
		"1kib": 1024, "0.5KB": 500, "1.0": 1, "9223372036854775807": math.MaxInt64,
	} {
		if got, err := call.ParseSize(in); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"":        `"" is not a size: it is empty; write "32MiB", "500KB" or a number of bytes`,
		"-1":      `"-1" is not a size: it can not be negative`,
		"much":    `"much" is not a size: "much" should be a number; write "32MiB", "500KB" or a number of bytes`,
		"3M":      `"3M" is not a size: "M" could be MB (of 1,000) or MiB (of 1,024); write which`,
		"3 MiBs":  `"3 MiBs" is not a size: there is no unit "MiBs"; did you mean MiB?`,
		"3 miles": `"3 miles" is not a size: there is no unit "miles"; use B, KB, MB, GB, KiB, MiB, GiB`,
		"1.5":     `"1.5" is not a size: it must be a whole number of bytes`,
		"1.2.3":   `"1.2.3" is not a size: "1.2.3" is not a number`,
		"9e9GiB":  `"9e9GiB" is not a size: there is no unit "e9GiB"; did you mean GiB?`,

		"99999999999 GiB": `"99999999999 GiB" is not a size: it is too large`,
	} {
		if _, err := call.ParseSize(in); err == nil || err.Error() != want {
			t.Errorf("ParseSize(%q) = %v; want %s", in, err, want)
		}
	}
	for _, bad := range []float64{-1, 0.5, math.Inf(1), math.NaN(), 1e300} {
		if _, err := call.NumberSize(bad); err == nil {
			t.Errorf("NumberSize(%v) is no error", bad)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1: "1B", 1023: "1023B", 1024: "1KiB", 1_000_000: "1MB", 8 << 20: "8MiB", 3 << 30: "3GiB", 500_000: "500KB"} {
		if got := call.FormatSize(n); got != want {
			t.Errorf("FormatSize(%d) = %s, want %s", n, got, want)
		}
	}
}

// What can be read is written in a form that means the same.
func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"32MiB", "1.5 GiB", "-1", "0", "9999999999999999999GiB", "1 k", "1e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := call.ParseSize(s)
		if err != nil {
			return
		}
		if again, err := call.ParseSize(call.FormatSize(n)); n < 0 || err != nil || again != n {
			t.Fatalf("ParseSize(%q) = %d, which is written %s and read as %d, %v", s, n, call.FormatSize(n), again, err)
		}
	})
}
