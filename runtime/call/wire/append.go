package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// AppendNumber appends n, which must not be negative, as an unsigned varint.
func AppendNumber[N ~int | ~int64 | ~uint64](b []byte, n N) []byte {
	return binary.AppendUvarint(b, uint64(n))
}

// AppendText appends a length and the bytes of s.
func AppendText[S ~string | ~[]byte](b []byte, s S) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// AppendTexts appends how many there are, and each.
func AppendTexts(b []byte, list []string) []byte {
	b = AppendNumber(b, len(list))
	for _, s := range list {
		b = AppendText(b, s)
	}
	return b
}

// AppendNumbers appends how many there are, and each.
func AppendNumbers(b []byte, list []uint64) []byte {
	b = AppendNumber(b, len(list))
	for _, n := range list {
		b = AppendNumber(b, n)
	}
	return b
}

// noTime stands for the zero time.
const noTime = math.MinInt64

// AppendTime appends eight bytes of nanoseconds since 1970. Moments before 1678
// and after 2262 do not fit and are written as the nearest one that does.
func AppendTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(nanoseconds(t)))
}

func nanoseconds(t time.Time) int64 {
	switch {
	case t.IsZero():
		return noTime
	case t.Before(time.Unix(0, noTime+1)):
		return noTime + 1
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// Flags packs what is yes or no, the first into the lowest bit. There is room
// for eight.
func Flags(list ...bool) byte {
	var f byte
	for i, on := range list {
		if on {
			f |= 1 << i
		}
	}
	return f
}

// On reports whether a flag's bit is set, counted from the lowest.
func On(f byte, bit int) bool { return f&(1<<bit) != 0 }
