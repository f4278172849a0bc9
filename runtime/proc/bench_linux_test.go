package proc_test

// Round trips over a socket pair, alone and with 64 in flight, with frames of
// 200 bytes and of 100 KB; against what one writes without this package: a
// net.Conn with bufio on both ends, a mutex, and a flush for each frame.
//
//	go test -bench RoundTrip ./runtime/proc
//
// cpu-ns/op is what both ends use together, in this process or, with "child",
// in both.

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"reprise/runtime/proc"
)

// duplex is what a benchmark needs of a connection.
type duplex interface {
	Send(kind byte, parts ...[]byte) error
	Receive() (byte, []byte, error)
}

// plain is a connection as one writes it first.
type plain struct {
	mu sync.Mutex
	w  *bufio.Writer
	r  *bufio.Reader
}

func (p *plain) Send(kind byte, parts ...[]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, b := range parts {
		n += len(b)
	}
	head := append(binary.LittleEndian.AppendUint32(nil, uint32(n)), kind)
	if _, err := p.w.Write(head); err != nil {
		return err
	}
	for _, b := range parts {
		if _, err := p.w.Write(b); err != nil {
			return err
		}
	}
	return p.w.Flush()
}

func (p *plain) Receive() (byte, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return 0, nil, err
	}
	b := make([]byte, binary.LittleEndian.Uint32(head[:]))
	_, err := io.ReadFull(p.r, b)
	return head[4], b, err
}

func plainPair(b *testing.B) (x, y duplex) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	var ends [2]duplex
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "end")
		conn, err := net.FileConn(f)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
		b.Cleanup(func() { conn.Close() })
		ends[i] = &plain{w: bufio.NewWriterSize(conn, 64<<10), r: bufio.NewReaderSize(conn, 64<<10)}
	}
	return ends[0], ends[1]
}

func answerAll(c duplex) {
	for {
		kind, payload, err := c.Receive()
		if err != nil {
			return
		}
		if c.Send(kind, payload) != nil {
			return
		}
	}
}

func cpu() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkRoundTrip(b *testing.B) {
	for _, load := range []struct {
		name           string
		inFlight, size int
	}{{"alone/200B", 1, 200}, {"64/200B", 64, 200}, {"alone/100KB", 1, 100_000}, {"64/100KB", 64, 100_000}} {
		b.Run(load.name+"/conn", func(b *testing.B) {
			x, y := joined(b, proc.DefaultMaxFrame)
			go answerAll(y)
			roundTrips(b, x, load.inFlight, load.size, func() time.Duration { return 0 })
		})
		b.Run(load.name+"/plain", func(b *testing.B) {
			x, y := plainPair(b)
			go answerAll(y)
			roundTrips(b, x, load.inFlight, load.size, func() time.Duration { return 0 })
		})
		b.Run(load.name+"/child", func(b *testing.B) {
			p := start(b, "echo", proc.Options{})
			roundTrips(b, p.Conn(), load.inFlight, load.size, func() time.Duration {
				u, err := p.Usage()
				if err != nil {
					b.Fatal(err)
				}
				return u.CPU
			})
		})
	}
}

func roundTrips(b *testing.B, c duplex, inFlight, size int, others func() time.Duration) {
	answers := make([]chan struct{}, inFlight)
	for i := range answers {
		answers[i] = make(chan struct{}, 1)
	}
	go func() {
		for {
			_, p, err := c.Receive()
			if err != nil {
				return
			}
			answers[p[0]] <- struct{}{}
		}
	}()
	took := make([][]time.Duration, inFlight)
	var wg sync.WaitGroup
	before := cpu() + others()
	b.ResetTimer()
	for i := range inFlight {
		wg.Go(func() {
			body := make([]byte, size)
			body[0] = byte(i)
			for range b.N/inFlight + 1 {
				begun := time.Now()
				if err := c.Send(1, body); err != nil {
					b.Error(err)
					return
				}
				<-answers[i]
				took[i] = append(took[i], time.Since(begun))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	used := cpu() + others() - before
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(used.Nanoseconds())/float64(len(all)), "cpu-ns/op")
	b.ReportMetric(float64(all[len(all)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(all[len(all)*99/100].Nanoseconds()), "p99-ns")
}
