// A frame is four bytes of length, little-endian, a byte of kind, and the
// payload, which is as long as the length says.
//
// Both sides read with the same decoder, and neither believes the other. A
// length is an announcement: memory is taken as bytes arrive, so that five
// bytes from a worker gone mad do not cost the server 64 MiB.

package proc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	headerSize = 5

	// readBuffer holds what one read brings: enough that a batch of small
	// frames costs one system call.
	readBuffer = 64 << 10

	// growth is how much more memory a payload may take than has arrived of it,
	// from readBuffer on. Four makes one allocation of most bodies.
	growth = 4
)

// frames reads frames from a stream.
type frames struct {
	src        io.Reader
	max        int // the largest payload
	buf        []byte
	start, end int // buf[start:end] has arrived and is not yet taken
}

func newFrames(src io.Reader, largest int) frames {
	return frames{src: src, max: largest, buf: make([]byte, readBuffer)}
}

// next returns the next frame. Its payload is the caller's to keep. The error
// is io.EOF if the stream ends between two frames.
func (f *frames) next() (kind byte, payload []byte, err error) {
	if err := f.fill(headerSize); err != nil {
		return 0, nil, err
	}
	head := f.buf[f.start:]
	n := binary.LittleEndian.Uint32(head)
	kind = head[4]
	if uint64(n) > uint64(f.max) {
		return 0, nil, fmt.Errorf("%w: it announces %d bytes, and at most %d are allowed", ErrFrame, n, f.max)
	}
	f.start += headerSize
	payload, err = f.payload(int(n))
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return kind, payload, err
}

// fill reads until n bytes are in the buffer, which has room for them.
func (f *frames) fill(n int) error {
	if f.end-f.start >= n {
		return nil
	}
	if f.start > 0 {
		f.end = copy(f.buf, f.buf[f.start:f.end])
		f.start = 0
	}
	got, err := io.ReadAtLeast(f.src, f.buf[f.end:], n-f.end)
	f.end += got
	if errors.Is(err, io.EOF) && f.end > 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// payload returns the next n bytes in memory of their own.
func (f *frames) payload(n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	have := min(n, len(f.buf))
	if err := f.fill(have); err != nil {
		return nil, err
	}
	p := make([]byte, have, min(n, growth*have))
	f.start += copy(p, f.buf[f.start:f.end])
	for len(p) < n {
		if len(p) == cap(p) {
			grown := make([]byte, len(p), min(n, 2*len(p)))
			copy(grown, p)
			p = grown
		}
		got, err := io.ReadFull(f.src, p[len(p):cap(p)])
		p = p[:len(p)+got]
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// appendHeader appends what precedes a payload of n bytes.
func appendHeader(b []byte, kind byte, n int) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(n)), kind)
}
