package call

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are the units of sizes, in lower case: those of 1,000 and those of
// 1,024. A bare K or M is either, so it is neither.
var sizeUnits = map[string]int64{
	"": 1, "b": 1, "byte": 1, "bytes": 1,
	"kb": 1000, "mb": 1000_000, "gb": 1000_000_000,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}

// sizeUnitNames are the units as they are written.
var sizeUnitNames = []string{"B", "KB", "MB", "GB", "KiB", "MiB", "GiB"}

// ParseSize reads how many bytes something has, as config and settings write
// it: "32MiB", "500 KB", "1.5GiB", "4096". A bare number is bytes. KB, MB and GB
// are powers of 1,000; KiB, MiB and GiB are powers of 1,024. The result is never
// negative. The error is a sentence that quotes s.
func ParseSize(s string) (int64, error) {
	n, err := parseSize(strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("%q is not a size: %w", s, err)
	}
	return n, nil
}

// NumberSize turns a number of bytes, as a config writes it, into a size.
func NumberSize(n float64) (int64, error) {
	switch {
	case n < 0:
		return 0, fmt.Errorf("%v is not a size: it can not be negative", n)
	case n != math.Trunc(n):
		return 0, fmt.Errorf("%v is not a size: it must be a whole number of bytes", n)
	case n >= math.MaxInt64:
		return 0, fmt.Errorf("%v is not a size: it is too large", n)
	}
	return int64(n), nil
}

func parseSize(s string) (int64, error) {
	if s == "" {
		return 0, errors.New(`it is empty; write "32MiB", "500KB" or a number of bytes`)
	}
	if s[0] == '-' {
		return 0, errors.New("it can not be negative")
	}
	number, name := cutNumber(s)
	if number == "" {
		return 0, fmt.Errorf(`%q should be a number; write "32MiB", "500KB" or a number of bytes`, firstWord(s))
	}
	name = strings.TrimLeft(name, " ")
	unit, ok := sizeUnits[strings.ToLower(name)]
	if !ok {
		return 0, noSizeUnit(name)
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if n > math.MaxInt64/unit {
			return 0, errors.New("it is too large")
		}
		return n * unit, nil
	}
	f, err := strconv.ParseFloat(number, 64)
	switch f *= float64(unit); {
	case errors.Is(err, strconv.ErrSyntax):
		return 0, fmt.Errorf("%q is not a number", number)
	case f >= math.MaxInt64:
		return 0, errors.New("it is too large")
	case unit == 1 && f != math.Trunc(f):
		return 0, errors.New("it must be a whole number of bytes")
	}
	return int64(math.Round(f)), nil
}

func noSizeUnit(name string) error {
	if len(name) == 1 && strings.ContainsAny(name, "kKmMgG") {
		return fmt.Errorf("%q could be %sB (of 1,000) or %siB (of 1,024); write which", name, strings.ToUpper(name), strings.ToUpper(name))
	}
	if near := Nearest(name, sizeUnitNames); near != "" {
		return fmt.Errorf("there is no unit %q; did you mean %s?", name, near)
	}
	return fmt.Errorf("there is no unit %q; use %s", name, strings.Join(sizeUnitNames, ", "))
}

// FormatSize writes a size as ParseSize reads it, without rounding: in the
// largest unit that it is a whole number of.
func FormatSize(n int64) string {
	for _, name := range []string{"GiB", "MiB", "GB", "MB", "KiB", "KB"} {
		if unit := sizeUnits[strings.ToLower(name)]; n >= unit && n%unit == 0 {
			return strconv.FormatInt(n/unit, 10) + name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
