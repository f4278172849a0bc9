package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// load is what one round of requests measured.
type load struct {
	requests  int
	perSecond float64
	cpu       time.Duration // of the server, per request
}

// micros is the CPU time per request in microseconds.
func (l load) micros() float64 { return float64(l.cpu.Nanoseconds()) / 1000 }

// hammer sends GET path over n keep-alive connections for d and checks every answer.
func hammer(b testing.TB, p *process, path string, n int, d time.Duration, check func(body []byte) error) load {
	b.Helper()
	host := strings.TrimPrefix(p.url, "http://")
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
	before, began := p.cpu(b), time.Now()
	counts := make([]int, n)
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { counts[i], errs[i] = keepAsking(host, request, began.Add(d), check) })
	}
	group.Wait()
	took := time.Since(began)
	total := 0
	for i := range n {
		if errs[i] != nil {
			b.Fatal(errs[i])
		}
		total += counts[i]
	}
	return load{requests: total, perSecond: float64(total) / took.Seconds(), cpu: (p.cpu(b) - before) / time.Duration(max(total, 1))}
}

// once sends one request and returns the answer.
func once(b testing.TB, p *process, path string) []byte {
	b.Helper()
	host := strings.TrimPrefix(p.url, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host); err != nil {
		b.Fatal(err)
	}
	body, err := answer(bufio.NewReader(c), nil)
	if err != nil {
		b.Fatal(err)
	}
	return body
}

// keepAsking is one connection: a request, its answer, and again.
func keepAsking(host string, request []byte, until time.Time, check func([]byte) error) (count int, err error) {
	err = converse(host, request, func() bool { return time.Now().Before(until) }, func(body []byte) error {
		count++
		return check(body)
	})
	return count, err
}

// steady asks for path without pause until done is closed.
func steady(p *process, path string, done <-chan struct{}, check func([]byte) error) error {
	host := strings.TrimPrefix(p.url, "http://")
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
	return converse(host, request, func() bool {
		select {
		case <-done:
			return false
		default:
			return true
		}
	}, check)
}

// converse sends a request and checks its answer, again and again.
func converse(host string, request []byte, goOn func() bool, check func([]byte) error) error {
	c, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	var body []byte
	for goOn() {
		if _, err := c.Write(request); err != nil {
			return err
		}
		if body, err = answer(r, body); err != nil {
			return err
		}
		if err := check(body); err != nil {
			return err
		}
	}
	return nil
}

// answer reads one response with a Content-Length.
func answer(r *bufio.Reader, buffer []byte) ([]byte, error) {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	ok := bytes.Contains(status, []byte(" 200 "))
	first := string(bytes.TrimSpace(status))
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("content-length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("%s, without a length", first)
	}
	buffer = slices.Grow(buffer[:0], length)[:length]
	if _, err := io.ReadFull(r, buffer); err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%s: %s", first, buffer)
	}
	return buffer, nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
