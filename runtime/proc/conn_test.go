//go:build unix

package proc_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"reprise/runtime/proc"
)

// joined returns two connections that have greeted each other.
func joined(t testing.TB, maxFrame int) (a, b *proc.Conn) {
	t.Helper()
	a, b, err := proc.Pair(maxFrame)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	errs := make(chan error)
	go func() { errs <- b.Greet(time.Minute) }()
	if err := a.Greet(time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
	return a, b
}

func TestFramesArriveWholeAndInOrder(t *testing.T) {
	// Of any size, from many senders at once, in both directions.
	a, b := joined(t, proc.DefaultMaxFrame)
	const senders, each = 8, 150
	var wg sync.WaitGroup
	for _, dir := range []struct{ from, to *proc.Conn }{{a, b}, {b, a}} {
		for s := range senders {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(s), 1))
				for i := range each {
					body := bytes.Repeat([]byte{byte(i)}, r.IntN(1<<r.IntN(21)))
					head := binary.BigEndian.AppendUint32(nil, uint32(i))
					if err := dir.from.Send(byte(s+1), head, nil, body); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Go(func() {
			var next [senders + 1]uint32
			for range senders * each {
				kind, p, err := dir.to.Receive()
				if err != nil {
					t.Error(err)
					return
				}
				i := binary.BigEndian.Uint32(p)
				if i != next[kind] || bytes.Count(p[4:], []byte{byte(i)}) != len(p)-4 {
					t.Errorf("sender %d: frame %d with %d bytes, want frame %d", kind, i, len(p), next[kind])
				}
				next[kind]++
			}
		})
	}
	wg.Wait()
}

func TestAPayloadIsTheReceiversOwn(t *testing.T) {
	a, b := joined(t, 1<<20)
	first := []byte("first")
	if err := a.Send(1, first); err != nil {
		t.Fatal(err)
	}
	copy(first, "xxxxx")
	_, got, err := b.Receive()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Send(1, []byte("other")); err != nil {
		t.Fatal(err)
	}
	if receive(t, b) != "other" || string(got) != "first" {
		t.Fatalf("got %q", got)
	}
}

func TestSendersWaitForAReaderWhoDoesNotRead(t *testing.T) {
	// They take no memory without end, whatever the size of their frames, and
	// closing frees them.
	for _, size := range []int{100, 10_000, 1_000_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			a, _ := joined(t, proc.DefaultMaxFrame)
			const senders = 64
			sent, freed, done := make(chan int), make(chan error, senders), make(chan struct{})
			for range senders {
				go func() {
					frame := make([]byte, size)
					for {
						if err := a.Send(1, frame); err != nil {
							freed <- err
							return
						}
						select {
						case sent <- size:
						case <-done:
						}
					}
				}()
			}
			total, least := 0, 0
			if size < 16<<10 {
				least = proc.MaxQueued * 9 / 10
			}
			limit := time.After(time.Minute)
			for quiet := false; !quiet; {
				select {
				case n := <-sent:
					if total += n; total > 2*proc.MaxQueued {
						t.Fatalf("%d bytes were taken", total)
					}
				case <-time.After(200 * time.Millisecond): // no more comes, or the machine is busy
					quiet = total >= least
				case <-limit:
					t.Fatalf("only %d bytes were taken", total)
				}
			}
			if n := a.Waiting(); n > 2*proc.MaxQueued {
				t.Errorf("%d bytes of memory wait", n)
			}
			close(done)
			a.Close()
			for range senders {
				want(t, <-freed, proc.ErrClosed)
			}
		})
	}
}

func TestAFrameLargerThanTheQueueIsSent(t *testing.T) {
	// Its turn comes although small ones never stop.
	a, b := joined(t, proc.DefaultMaxFrame)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					a.Send(1, make([]byte, 10_000))
				}
			}
		})
	}
	large := make([]byte, 3*proc.MaxQueued)
	rand.NewChaCha8([32]byte{}).Read(large)
	wg.Go(func() {
		if err := a.Send(2, large); err != nil {
			t.Error(err)
		}
		close(stop)
	})
	for {
		kind, p, err := b.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if kind == 2 {
			if !bytes.Equal(p, large) {
				t.Error("it did not arrive as it was sent")
			}
			break
		}
	}
	go io.Copy(io.Discard, b.Socket())
	wg.Wait()
	b.Close()
}

func TestTooLargeAFrameIsNotSent(t *testing.T) {
	a, b := joined(t, 1000)
	want(t, a.Send(1, make([]byte, 999), make([]byte, 2)), proc.ErrTooLarge)
	if err := a.Send(1, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, b); len(got) != 1000 {
		t.Fatal(len(got))
	}
	if err := a.Send(0, nil); err == nil {
		t.Fatal("kind 0 was sent")
	}
}

func TestManyFramesShareAWrite(t *testing.T) {
	// The first frame after something was read goes at once. Those that follow
	// go together.
	a, b := joined(t, 1000)
	for i := range 100 {
		if err := a.Send(1, []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if got := receive(t, b); got != string([]byte{byte(i)}) {
			t.Fatalf("frame %d is %q", i, got)
		}
	}
	if n := a.Writes(); n > 20 {
		t.Errorf("%d writes for 100 frames", n)
	}
}

func TestRubbishIsNoFrame(t *testing.T) {
	for name, rubbish := range map[string][]byte{
		"a length over the limit": {0xff, 0xff, 0xff, 0xff, 1},
		"a length of one more":    {0xe9, 3, 0, 0, 1},
		"a second hello":          proc.Hello(proc.Version),
		"text":                    []byte("fatal error: all goroutines are asleep - deadlock!\n"),
	} {
		t.Run(name, func(t *testing.T) {
			a, b := joined(t, 1000)
			if _, err := a.Socket().Write(rubbish); err != nil {
				t.Fatal(err)
			}
			_, _, err := b.Receive()
			want(t, err, proc.ErrFrame)
			// The connection is of no use any more, and says so to both.
			_, _, err = b.Receive()
			want(t, err, proc.ErrFrame)
			want(t, b.Send(1), proc.ErrFrame)
			_, _, err = a.Receive()
			want(t, err, proc.ErrGone)
		})
	}
}

func TestTheEndOfTheOtherSide(t *testing.T) {
	a, b := joined(t, 1000)
	if err := a.Send(1, []byte("last")); err != nil {
		t.Fatal(err)
	}
	a.Close()
	want(t, b.Send(1), proc.ErrGone)
	// What was sent before is there all the same.
	if got := receive(t, b); got != "last" {
		t.Fatal(got)
	}
	_, _, err := b.Receive()
	want(t, err, proc.ErrGone)
	_, _, err = a.Receive()
	want(t, err, proc.ErrClosed)
	want(t, a.Send(1), proc.ErrClosed)
}

func TestTheEndInsideAFrame(t *testing.T) {
	for n := 1; n < 15; n++ {
		a, b := joined(t, 1000)
		if _, err := a.Socket().Write(append([]byte{10, 0, 0, 0, 1}, "ten bytes!"...)[:n]); err != nil {
			t.Fatal(err)
		}
		a.Close()
		_, _, err := b.Receive()
		want(t, err, proc.ErrGone)
		if !strings.Contains(err.Error(), "inside a frame") {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func TestClosingFreesAReceiver(t *testing.T) {
	a, _ := joined(t, 1000)
	done := make(chan error)
	go func() { _, _, err := a.Receive(); done <- err }()
	a.Close()
	want(t, <-done, proc.ErrClosed)
}

func TestHello(t *testing.T) {
	for _, c := range []struct {
		name   string
		says   []byte
		target error
		text   string
	}{
		{"of another version", proc.Hello(proc.Version + 1), proc.ErrVersion, fmt.Sprintf("speaks version %d, this one version %d", proc.Version+1, proc.Version)},
		{"of a later one that says more", append([]byte{40, 0, 0, 0, 0}, append([]byte("reprise process\n\x02"), make([]byte, 23)...)...), proc.ErrVersion, "speaks version 2"},
		{"rubbish", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), proc.ErrFrame, "at most 64 are allowed"},
		{"another frame", []byte{1, 0, 0, 0, 1, 1}, proc.ErrFrame, "must be a hello"},
		{"a damaged one", append([]byte{17, 0, 0, 0, 0}, "reprise process\n\x01"...), proc.ErrFrame, "damaged"},
		{"nothing", nil, nil, "did not say hello within 50ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b, err := proc.Pair(1000)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			defer b.Close()
			if _, err := b.Socket().Write(c.says); err != nil {
				t.Fatal(err)
			}
			patience := time.Minute
			if c.says == nil {
				patience = 50 * time.Millisecond
			}
			err = a.Greet(patience)
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Fatal(err)
			}
			if c.target != nil {
				want(t, err, c.target)
			}
			if _, err := a.Socket().Write(nil); err == nil {
				t.Fatal("the socket is still open")
			}
			want(t, a.Send(1), errOf(a))
		})
	}
}

// errOf returns why a connection is closed.
func errOf(c *proc.Conn) error {
	_, _, err := c.Receive()
	return err
}
