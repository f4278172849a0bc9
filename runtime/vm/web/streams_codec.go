package web

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"iter"
	"runtime"

	"github.com/dop251/goja"
)

// coder compresses or decompresses bytes as they come. Both methods return what
// there is to pass on; the bytes are nobody else's.
type coder interface {
	write(b []byte) ([]byte, error)
	end() ([]byte, error)
}

// coderObject makes what codecStream in transform.js takes.
func (r *realm) coderObject(c coder) *goja.Object {
	obj := r.rt.NewObject()
	give := func(b []byte, err error) goja.Value {
		if err != nil {
			r.typeError("%s", err)
		}
		out, err := r.rt.New(r.intrinsic("Uint8Array"), r.ownBuffer(b))
		check(err)
		return out
	}
	r.put(obj, "write", r.v.Func("write", func(f goja.FunctionCall) goja.Value {
		b, _ := r.bytesOf(f.Arguments[0].(*goja.Object))
		return give(c.write(b))
	}))
	r.put(obj, "end", r.v.Func("end", func(goja.FunctionCall) goja.Value { return give(c.end()) }))
	return obj
}

func (r *realm) format(f goja.FunctionCall, what string) string {
	format := r.text(r.v.Arg(f, 0))
	switch format {
	case "gzip", "deflate", "deflate-raw":
		return format
	}
	r.typeError("%s knows the formats gzip, deflate and deflate-raw, not %s", what, quoted(format))
	return ""
}

// compressor is for CompressionStream.
func (r *realm) compressor(f goja.FunctionCall) goja.Value {
	c := &compressing{}
	switch r.format(f, "CompressionStream") {
	case "gzip":
		c.w = gzip.NewWriter(&c.out)
	case "deflate":
		c.w = zlib.NewWriter(&c.out)
	default:
		w, err := flate.NewWriter(&c.out, flate.DefaultCompression)
		check(err)
		c.w = w
	}
	return r.coderObject(c)
}

type compressing struct {
	out bytes.Buffer
	w   io.WriteCloser
}

func (c *compressing) write(b []byte) ([]byte, error) {
	_, err := c.w.Write(b)
	return c.take(), err
}

func (c *compressing) end() ([]byte, error) {
	err := c.w.Close()
	return c.take(), err
}

func (c *compressing) take() []byte {
	b := bytes.Clone(c.out.Bytes())
	c.out.Reset()
	return b
}

// decompressor is for DecompressionStream.
func (r *realm) decompressor(f goja.FunctionCall) goja.Value {
	open := map[string]func(io.Reader) (io.Reader, error){
		"gzip":        func(in io.Reader) (io.Reader, error) { return openGzip(in) },
		"deflate":     func(in io.Reader) (io.Reader, error) { return zlib.NewReader(in) },
		"deflate-raw": func(in io.Reader) (io.Reader, error) { return flate.NewReader(in), nil },
	}[r.format(f, "DecompressionStream")]
	return r.coderObject(newDecompressing(open))
}

// openGzip reads one member, as the standard has it: what follows is an error.
func openGzip(in io.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(in)
	if err == nil {
		z.Multistream(false)
	}
	return z, err
}

// decompressing turns Go's decoders, which ask for input, into one that is given
// it: the decoder runs as a coroutine that stops whenever it wants more.
type decompressing struct {
	feed *feed
	next func() ([]byte, bool)
}

// feed is what the coroutine has: it must not know the decompressing, which is
// how a forgotten one ends.
type feed struct {
	in    []byte
	last  bool
	out   []byte
	err   error
	yield func([]byte) bool
}

var errTooMuch = errors.New("what one chunk decompresses to is larger than 64 MiB")

func newDecompressing(open func(io.Reader) (io.Reader, error)) *decompressing {
	f := &feed{}
	next, stop := iter.Pull(func(yield func([]byte) bool) {
		f.yield = yield
		f.err = f.run(open)
	})
	d := &decompressing{feed: f, next: next}
	runtime.AddCleanup(d, func(stop func()) { stop() }, stop)
	return d
}

// run decodes everything; f.Read gives the bytes that write brings.
func (f *feed) run(open func(io.Reader) (io.Reader, error)) error {
	z, err := open(f)
	if err != nil {
		return err
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := z.Read(buf)
		f.out = append(f.out, buf[:n]...)
		switch {
		case len(f.out) > maxAssembled:
			return errTooMuch
		case err == io.EOF:
			return f.rest()
		case err != nil:
			return err
		}
	}
}

// rest reports bytes behind the end.
func (f *feed) rest() error {
	if _, err := f.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the end of the compressed data")
	}
	return nil
}

// wait has more input given, or the end.
func (f *feed) wait() error {
	for len(f.in) == 0 {
		if f.last {
			return io.EOF
		}
		out := f.out
		f.out = nil
		if !f.yield(out) {
			return io.ErrClosedPipe
		}
	}
	return nil
}

// Read implements io.Reader for the decoder.
func (f *feed) Read(p []byte) (int, error) {
	if err := f.wait(); err != nil {
		return 0, err
	}
	n := copy(p, f.in)
	f.in = f.in[n:]
	return n, nil
}

// ReadByte implements io.ByteReader: with it decoders take no more than they need.
func (f *feed) ReadByte() (byte, error) {
	if err := f.wait(); err != nil {
		return 0, err
	}
	c := f.in[0]
	f.in = f.in[1:]
	return c, nil
}

func (d *decompressing) write(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	d.feed.in = bytes.Clone(b)
	return d.more()
}

func (d *decompressing) end() ([]byte, error) {
	d.feed.last = true
	return d.more()
}

// more lets the decoder go on until it wants input or is through.
func (d *decompressing) more() ([]byte, error) {
	out, waits := d.next()
	if waits {
		return out, nil
	}
	out, err := d.feed.out, d.feed.err
	d.feed.out = nil
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = errors.New("the compressed data ends too early")
	}
	return out, err
}
