package proc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	goruntime "runtime"
	"testing"
	"testing/iotest"
)

// watched counts the bytes that were read.
type watched struct {
	r    io.Reader
	read int
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.read += n
	return n, err
}

func FuzzFrames(f *testing.F) {
	// Whatever arrives, in whatever pieces: no panic, an end, no more memory
	// than what arrived is worth, and frames that are frames come out as they are.
	f.Add([]byte{}, uint16(10))
	f.Add([]byte{3, 0, 0, 0, 1, 'a', 'b', 'c'}, uint16(10))
	f.Add([]byte{3, 0, 0, 0, 1, 'a'}, uint16(10))
	f.Add([]byte{0, 0, 0, 0, 2, 1, 0, 0, 0, 2}, uint16(0))
	f.Add([]byte{0xff, 0xff, 0xff, 0x03, 1, 'x'}, uint16(0xffff))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1}, uint16(0xffff))
	f.Add(append([]byte{0, 0, 2, 0, 7}, make([]byte, 1<<17)...), uint16(0xffff))
	f.Add(append(appendHeader(nil, kindHello, 20), hello{version: Version, maxFrame: 100}.append(nil)...), uint16(100))
	f.Fuzz(func(t *testing.T, data []byte, limit uint16) {
		largest := int(limit) << 10
		for name, split := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "with its end": iotest.DataErrReader,
		} {
			src := &watched{r: split(bytes.NewReader(data))}
			in := newFrames(src, largest)
			rest := data
			for {
				kind, payload, err := in.next()
				if cap(payload) > max(readBuffer, growth*src.read) {
					t.Fatalf("%s: %d bytes of memory after %d bytes", name, cap(payload), src.read)
				}
				if err != nil {
					judgeEnd(t, rest, largest, err)
					break
				}
				n := len(payload)
				if len(rest) < headerSize+n || kind != rest[4] || binary.LittleEndian.Uint32(rest) != uint32(n) || !bytes.Equal(payload, rest[headerSize:headerSize+n]) {
					t.Fatalf("%s: got a frame of kind %d with %d bytes", name, kind, n)
				}
				_, _ = parseHello(kind, payload) // must not panic
				rest = rest[headerSize+n:]
			}
		}
	})
}

func TestMemoryIsTakenAsBytesArrive(t *testing.T) {
	// And not as they are announced.
	for _, c := range []struct{ sent, most uint64 }{{0, 100 << 10}, {100, 100 << 10}, {1 << 20, 5 << 20}, {10 << 20, 50 << 20}} {
		in := newFrames(bytes.NewReader(append(appendHeader(nil, 1, DefaultMaxFrame), make([]byte, c.sent)...)), DefaultMaxFrame)
		var before, after goruntime.MemStats
		goruntime.ReadMemStats(&before)
		_, _, err := in.next()
		goruntime.ReadMemStats(&after)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > c.most {
			t.Errorf("%d bytes of memory for %d that arrived", took, c.sent)
		}
	}
}

// judgeEnd fails if rest should not have ended with err.
func judgeEnd(t *testing.T, rest []byte, largest int, err error) {
	t.Helper()
	want := io.ErrUnexpectedEOF
	switch {
	case len(rest) == 0:
		want = io.EOF
	case len(rest) >= headerSize && uint64(binary.LittleEndian.Uint32(rest)) > uint64(largest):
		want = ErrFrame
	}
	if !errors.Is(err, want) {
		t.Fatalf("got the error %v, want %v", err, want)
	}
}
