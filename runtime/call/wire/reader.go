package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// Reader takes a record apart. After a mistake every further read is zero, and
// Err says what the first one was: only the end has to look.
type Reader struct {
	b   []byte
	err error
}

// NewReader returns a Reader of b. What Bytes and Take return shares b's
// memory; texts are copies.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Fail ends the reading because of err, unless it has failed before.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// Failf is Fail with a sentence.
func (r *Reader) Failf(format string, args ...any) { r.Fail(fmt.Errorf(format, args...)) }

// Err returns the first mistake.
func (r *Reader) Err() error { return r.err }

// Len is how many bytes have not been read.
func (r *Reader) Len() int { return len(r.b) }

// Rest takes all that has not been read.
func (r *Reader) Rest() []byte {
	rest := r.b
	r.b = nil
	return rest
}

// End returns the first mistake; bytes that are left over are one.
func (r *Reader) End() error {
	if r.err == nil && len(r.b) > 0 {
		r.Failf("%d bytes are left over", len(r.b))
	}
	return r.err
}

// Take returns the next n bytes, or none when there are fewer.
func (r *Reader) Take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.Failf("a record ends early")
		return nil
	}
	s := r.b[:n:n]
	r.b = r.b[n:]
	return s
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if s := r.Take(1); len(s) == 1 {
		return s[0]
	}
	return 0
}

// Flags reads a byte of which only the lowest bits are in use.
func (r *Reader) Flags(bits int) byte {
	f := r.Byte()
	if f>>bits != 0 {
		r.Failf("unknown flags %08b", f)
		return 0
	}
	return f
}

// Flag reads a byte that is 0 or 1.
func (r *Reader) Flag() bool { return r.Flags(1) == 1 }

// Number reads what AppendNumber wrote.
func (r *Reader) Number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.Failf("a record ends within a number")
		return 0
	}
	r.b = r.b[size:]
	return n
}

// Integer reads a number that must not be above most.
func (r *Reader) Integer(most int64) int64 {
	n := r.Number()
	if n > uint64(most) {
		r.Failf("the number %d is too large", n)
		return 0
	}
	return int64(n)
}

// Duration reads a duration that was written as a number.
func (r *Reader) Duration() time.Duration { return time.Duration(r.Integer(math.MaxInt64)) }

// Count reads how many elements follow, each of at least size bytes: a wrong
// count must not make a reader ask for memory.
func (r *Reader) Count(size int) int {
	n := r.Number()
	if n > uint64(len(r.b)/size) {
		r.Failf("a list of %d does not fit into its record", n)
		return 0
	}
	return int(n)
}

// Bytes reads what AppendText wrote. It returns nil for none.
func (r *Reader) Bytes() []byte {
	if s := r.Take(r.Number()); len(s) > 0 {
		return s
	}
	return nil
}

// Text reads what AppendText wrote.
func (r *Reader) Text() string { return string(r.Bytes()) }

// Texts reads what AppendTexts wrote; nil for none. All of them are parts of
// one string: short ones cost more to allocate than to copy.
func (r *Reader) Texts() []string {
	n := r.Count(1)
	ahead := *r
	for range n {
		ahead.Bytes()
	}
	if n == 0 || ahead.err != nil {
		*r = ahead
		return nil
	}
	all := string(r.b[:len(r.b)-len(ahead.b)])
	list := make([]string, n)
	for i := range list {
		size := len(r.Bytes())
		end := len(all) - (len(r.b) - len(ahead.b))
		list[i] = all[end-size : end]
	}
	return list
}

// Numbers reads what AppendNumbers wrote; nil for none.
func (r *Reader) Numbers() []uint64 {
	n := r.Count(1)
	if n == 0 {
		return nil
	}
	list := make([]uint64, n)
	for i := range list {
		list[i] = r.Number()
	}
	return list
}

// Time reads what AppendTime wrote, in UTC.
func (r *Reader) Time() time.Time {
	s := r.Take(8)
	if len(s) < 8 {
		return time.Time{}
	}
	n := int64(binary.BigEndian.Uint64(s))
	if n == noTime {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// Key reads 32 bytes: a hash, a seed.
func (r *Reader) Key() (key [32]byte) {
	copy(key[:], r.Take(uint64(len(key))))
	return key
}
