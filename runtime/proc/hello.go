package proc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
)

// Version is the version of what the two processes say to each other. Raise it
// with every change that the other side would not understand.
const Version = 1

const (
	kindHello = 0

	// maxHello is the largest hello: until the other side has said who it is,
	// nothing larger is read from it.
	maxHello = 64
)

var greeting = []byte("reprise process\n")

// hello is the first frame of each side.
type hello struct {
	version  uint64
	maxFrame uint64 // the parent's; the child takes it over
}

func (h hello) append(b []byte) []byte {
	b = append(b, greeting...)
	b = binary.AppendUvarint(b, h.version)
	return binary.AppendUvarint(b, h.maxFrame)
}

// parseHello reads the hello of any version: what a later one adds stands
// behind its number.
func parseHello(kind byte, b []byte) (hello, error) {
	rest, ok := bytes.CutPrefix(b, greeting)
	version, n := binary.Uvarint(rest)
	if kind != kindHello || !ok || n <= 0 {
		return hello{}, fmt.Errorf("%w: the first one must be a hello", ErrFrame)
	}
	if version != Version {
		return hello{}, fmt.Errorf("%w: the other one speaks version %d, this one version %d; was the program replaced while it ran? Start it anew",
			ErrVersion, version, Version)
	}
	largest, m := binary.Uvarint(rest[n:])
	if m <= 0 || len(rest) != n+m || largest > maxMaxFrame {
		return hello{}, fmt.Errorf("%w: the hello is damaged", ErrFrame)
	}
	return hello{version: version, maxFrame: largest}, nil
}

// greet says hello and waits for that of the other side. The connection is
// closed if it fails.
func (c *Conn) greet(patience time.Duration) (hello, error) {
	mine := hello{version: Version, maxFrame: uint64(c.in.max)}
	if err := c.out.write(kindHello, len(mine.append(nil)), [][]byte{mine.append(nil)}); err != nil {
		return hello{}, c.end(reason(err))
	}
	theirs, err := c.hear(patience)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("proc: the other side did not say hello within %v", patience)
	}
	if err != nil {
		return hello{}, c.end(err)
	}
	return theirs, nil
}

func (c *Conn) hear(patience time.Duration) (hello, error) {
	if err := c.stream.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return hello{}, reason(err)
	}
	largest := c.in.max
	c.in.max = maxHello
	kind, payload, err := c.in.next()
	c.in.max = largest
	if err != nil {
		return hello{}, reason(err)
	}
	theirs, err := parseHello(kind, payload)
	if err != nil {
		return hello{}, err
	}
	return theirs, c.stream.SetReadDeadline(time.Time{})
}
