package web

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// textEncoder is the state of a TextEncoder object: none.
type textEncoder struct{ vm.Cell }

func (r *realm) makeTextEncoder() *class {
	c := r.newClass("TextEncoder", nil, func(this *goja.Object, _, _ goja.Value) { vm.Hide(r.v, this, &textEncoder{}) })
	getter(c, "encoding", func(*textEncoder) any { return "utf-8" })
	method(c, "encode", func(_ *textEncoder, f goja.FunctionCall) goja.Value {
		text := ""
		if value := r.v.Arg(f, 0); !goja.IsUndefined(value) {
			text = r.text(value)
		}
		return r.uint8Array([]byte(text))
	})
	method(c, "encodeInto", func(_ *textEncoder, f goja.FunctionCall) goja.Value {
		text := r.text(r.v.Arg(f, 0))
		dest, ok := r.v.Arg(f, 1).(*goja.Object)
		if !ok || r.viewName(dest) != "Uint8Array" {
			r.typeError("encodeInto: the second argument must be a Uint8Array")
		}
		b, _ := r.bytesOf(dest)
		read, written := encodeInto(text, b)
		result := r.rt.NewObject()
		check(result.Set("read", read))
		check(result.Set("written", written))
		return result
	})
	return c
}

// encodeInto writes as many whole characters as fit. read counts UTF-16 units.
func encodeInto(text string, b []byte) (read, written int) {
	for _, c := range text {
		n := utf8.RuneLen(c)
		if written+n > len(b) {
			break
		}
		written += utf8.EncodeRune(b[written:], c)
		read += utf16.RuneLen(c)
	}
	return read, written
}

// textDecoder is the state of a TextDecoder object.
type textDecoder struct {
	vm.Cell
	encoding  string
	fatal     bool
	ignoreBOM bool
	rest      []byte // the unfinished end of a stream's last chunk
	started   bool   // the stream's beginning, with its BOM, has passed
}

// encodings are the labels we know, by the name of their encoding.
var encodings = map[string][]string{
	"utf-8":        {"utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"},
	"utf-16le":     {"utf-16le", "utf-16", "ucs-2", "unicode", "unicodefeff", "iso-10646-ucs-2", "csunicode"},
	"windows-1252": {"windows-1252", "latin1", "l1", "ascii", "us-ascii", "iso-8859-1", "iso8859-1", "iso_8859-1", "iso88591", "cp1252", "x-cp1252", "ansi_x3.4-1968", "cp819", "csisolatin1", "ibm819", "iso-ir-100", "iso_8859-1:1987"},
}

func encodingOf(label string) (name string, ok bool) {
	label = strings.ToLower(strings.Trim(label, " \t\r\n\f"))
	for name, labels := range encodings {
		if slices.Contains(labels, label) {
			return name, true
		}
	}
	return "", false
}

func (r *realm) makeTextDecoder() *class {
	c := r.newClass("TextDecoder", nil, func(this *goja.Object, label, options goja.Value) {
		d := &textDecoder{encoding: "utf-8"}
		if !goja.IsUndefined(label) {
			name, ok := encodingOf(r.text(label))
			if !ok {
				r.throw("RangeError", "TextDecoder knows utf-8, utf-16le and windows-1252 (latin1), not "+quoted(r.text(label)))
			}
			d.encoding = name
		}
		dict := r.dictionary(options, "the options of TextDecoder")
		d.fatal, d.ignoreBOM = truthy(option(dict, "fatal")), truthy(option(dict, "ignoreBOM"))
		vm.Hide(r.v, this, d)
	})
	getter(c, "encoding", func(d *textDecoder) any { return d.encoding })
	getter(c, "fatal", func(d *textDecoder) any { return d.fatal })
	getter(c, "ignoreBOM", func(d *textDecoder) any { return d.ignoreBOM })
	method(c, "decode", func(d *textDecoder, f goja.FunctionCall) goja.Value {
		var b []byte
		if input := r.v.Arg(f, 0); !goja.IsUndefined(input) {
			obj, isObject := input.(*goja.Object)
			ok := false
			if isObject {
				b, ok = r.bytesOf(obj)
			}
			if !ok {
				r.typeError("decode takes an ArrayBuffer or a view of one, not %s", vm.TypeOf(input))
			}
		}
		stream := truthy(option(r.dictionary(r.v.Arg(f, 1), "the options of decode"), "stream"))
		value, ok := d.decode(r.rt, b, stream)
		if !ok {
			r.typeError("the bytes are not valid %s", d.encoding)
		}
		return value
	})
	return c
}

// decode decodes a chunk. ok is false for wrong bytes when the decoder is fatal.
func (d *textDecoder) decode(rt *goja.Runtime, b []byte, stream bool) (value goja.Value, ok bool) {
	if len(d.rest) > 0 {
		b = append(d.rest, b...)
	}
	keep := 0
	if stream {
		keep = d.unfinished(b)
	}
	d.rest = append([]byte(nil), b[len(b)-keep:]...)
	b = d.withoutBOM(b[:len(b)-keep], stream)
	switch d.encoding {
	case "utf-16le":
		return decodeUTF16(b, d.fatal)
	case "windows-1252":
		return rt.ToValue(decodeWindows1252(b)), true
	}
	if d.fatal && !utf8.Valid(b) {
		d.rest, d.started = nil, false
		return nil, false
	}
	return rt.ToValue(toText(b)), true
}

// withoutBOM drops the mark at the beginning of a text, unless it is wanted.
func (d *textDecoder) withoutBOM(b []byte, stream bool) []byte {
	mark := map[string]string{"utf-8": "\xef\xbb\xbf", "utf-16le": "\xff\xfe"}[d.encoding]
	if !d.started && !d.ignoreBOM && mark != "" && strings.HasPrefix(string(b[:min(len(b), 3)]), mark) {
		b, d.started = b[len(mark):], true
	}
	d.started = stream && (d.started || len(b) > 0)
	return b
}

// unfinished counts the bytes at the end that may go on in the next chunk.
func (d *textDecoder) unfinished(b []byte) int {
	switch d.encoding {
	case "utf-16le":
		n := len(b) % 2
		if len(b)-n >= 2 {
			if unit := binary.LittleEndian.Uint16(b[len(b)-n-2:]); unit >= 0xD800 && unit < 0xDC00 {
				n += 2
			}
		}
		return n
	case "windows-1252":
		return 0
	}
	for n := 1; n <= 3 && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			need, _, _ := leadByte(c)
			if need >= n && illFormed(b[len(b)-n:]) == n {
				return n
			}
			return 0
		}
	}
	return 0
}

func decodeUTF16(b []byte, fatal bool) (value goja.Value, ok bool) {
	units := make([]uint16, 0, len(b)/2+1)
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, binary.LittleEndian.Uint16(b[i:]))
	}
	wrong := len(b)%2 == 1
	for i := 0; i < len(units); i++ {
		if !utf16.IsSurrogate(rune(units[i])) {
			continue
		}
		if units[i] < 0xDC00 && i+1 < len(units) && units[i+1] >= 0xDC00 && units[i+1] < 0xE000 {
			i++
			continue
		}
		units[i], wrong = utf8.RuneError, true
	}
	if wrong && fatal {
		return nil, false
	}
	if len(b)%2 == 1 {
		units = append(units, utf8.RuneError)
	}
	return goja.StringFromUTF16(units), true
}

// windows1252 is what bytes 0x80 to 0x9F mean; the others are Latin-1.
var windows1252 = [32]rune{
	0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
	0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
}

func decodeWindows1252(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		if c >= 0x80 && c <= 0x9F {
			out.WriteRune(windows1252[c-0x80])
		} else {
			out.WriteRune(rune(c))
		}
	}
	return out.String()
}
