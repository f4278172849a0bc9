package connections

import (
	"bytes"
	"io"
	"slices"
)

// Scrubbing returns a reader of r that replaces the credentials in use, wherever the
// pieces begin and end in which they come. What may be the beginning of one is kept
// back until what follows has come. The credentials are those in use now.
func (u *Use) Scrubbing(r io.Reader) io.Reader {
	s := &scrubbing{r: r}
	s.add(&u.scrub)
	return s
}

type scrubbing struct {
	r    io.Reader
	old  [][]byte // longest first
	new  [][]byte
	head [256]bool // bytes that one of old begins with

	in, out []byte // read and not looked at; ready to be given out
	err     error
}

func (s *scrubbing) add(from *scrubber) {
	order := make([]int, len(from.old))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(from.old[b]) - len(from.old[a]) })
	for _, i := range order {
		s.old = append(s.old, []byte(from.old[i]))
		s.new = append(s.new, []byte(from.new[i]))
		s.head[from.old[i][0]] = true
	}
}

// Read implements io.Reader.
func (s *scrubbing) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		n, err := s.r.Read(p)
		s.in = append(s.in, p[:n]...)
		s.err = err
		s.scrub()
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// scrub moves what is decided from in to out.
func (s *scrubbing) scrub() {
	s.out = s.out[:0]
	i, from := 0, 0
	for i < len(s.in) {
		if !s.head[s.in[i]] {
			i++
			continue
		}
		form, open := s.at(s.in[i:])
		if open && s.err == nil {
			break
		}
		if form < 0 {
			i++
			continue
		}
		s.out = append(append(s.out, s.in[from:i]...), s.new[form]...)
		i += len(s.old[form])
		from = i
	}
	s.out = append(s.out, s.in[from:i]...)
	s.in = append(s.in[:0], s.in[i:]...)
}

// at returns the longest credential that text begins with, or -1. open says that text
// may be the beginning of a longer one.
func (s *scrubbing) at(text []byte) (form int, open bool) {
	for i, old := range s.old {
		switch {
		case len(old) > len(text):
			open = open || bytes.HasPrefix(old, text)
		case bytes.HasPrefix(text, old):
			return i, open
		}
	}
	return -1, open
}
