// multipart/form-data, both ways: RFC 7578 as the fetch and HTML standards have
// it. It is read from bytes that are in memory already, so parts are slices of
// them, and nothing is read that is not there.

package web

import (
	"bytes"
	"encoding/hex"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// What a form that is read may have.
const (
	// maxFormFields is the most fields. Each is an object of the VM and takes
	// some 200 bytes, where its text may take one.
	maxFormFields = 10_000
	// maxPartHeader is the longest header of a part, in bytes. Browsers write
	// two lines, with a name in each.
	maxPartHeader = 16 << 10
)

// boundary draws what stands between the parts: 128 bits, so that no text that
// somebody else wrote has it.
func (r *realm) boundary() string {
	var b [16]byte
	r.v.RandomBytes("a form as a body, whose boundary is random,", b[:])
	return "----form-" + hex.EncodeToString(b[:])
}

// formBody makes a body of a form.
func (r *realm) formBody(d *formData) (body call.Body, implied string) {
	boundary := r.boundary()
	var out bytes.Buffer
	for i := range d.list {
		r.writePart(&out, boundary, &d.list[i])
		r.mayGrow(out.Len(), "a form")
	}
	out.WriteString("--" + boundary + "--\r\n")
	return call.Bytes(out.Bytes()), "multipart/form-data; boundary=" + boundary
}

func (r *realm) writePart(out *bytes.Buffer, boundary string, e *formEntry) {
	out.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quotePart(crlf(e.name)) + `"`)
	if e.file == nil {
		out.WriteString("\r\n\r\n" + crlf(e.text) + "\r\n")
		return
	}
	b, ok := vm.Reveal[*blob](r.v, e.file)
	if !ok {
		r.typeError("a File in a form is none any more")
	}
	kind := b.kind
	if kind == "" {
		kind = "application/octet-stream"
	}
	out.WriteString(`; filename="` + quotePart(b.name) + "\"\r\nContent-Type: " + kind + "\r\n\r\n")
	r.mayGrow(out.Len()+len(b.data), "a form")
	out.Write(b.data)
	out.WriteString("\r\n")
}

// crlf makes every line end as lines end in HTTP.
func crlf(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.ReplaceAll(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), "\n", "\r\n")
}

var (
	partQuoter   = strings.NewReplacer("\n", "%0A", "\r", "%0D", `"`, "%22")
	partUnquoter = strings.NewReplacer("%0A", "\n", "%0D", "\r", "%22", `"`)
)

func quotePart(s string) string { return partQuoter.Replace(s) }

// part is a part of a form that was read.
type part struct {
	name     string
	filename string
	isFile   bool
	kind     string
	data     []byte
}

// formError says why text is no form.
type formError string

func (e formError) Error() string { return string(e) }

// parseMultipart reads a form. Nothing is copied but names.
func parseMultipart(text []byte, boundary string) (parts []part, err error) {
	delimiter := []byte("\r\n--" + boundary)
	// The first delimiter may stand at the very beginning.
	rest, found := bytes.CutPrefix(text, delimiter[2:])
	if !found {
		if _, rest, found = bytes.Cut(text, delimiter); !found {
			return nil, formError("its boundary is not in it")
		}
	}
	for {
		if bytes.HasPrefix(rest, []byte("--")) {
			return parts, nil
		}
		rest = bytes.TrimLeft(rest, " \t")
		if rest, found = bytes.CutPrefix(rest, []byte("\r\n")); !found {
			return nil, formError("a boundary is not at the end of its line")
		}
		if len(parts) >= maxFormFields {
			return nil, formError("it has more than 10,000 fields")
		}
		// What follows a header without lines is its empty line.
		head, body, ok := cutHeader(rest)
		if !ok {
			return nil, formError("a part's header does not end, or is longer than 16 KiB")
		}
		data, after, ok := cutBody(body, delimiter)
		if !ok {
			return nil, formError("its last part does not end")
		}
		p, err := partOf(head, data)
		if err != nil {
			return nil, err
		}
		parts, rest = append(parts, p), after
	}
}

// cutHeader cuts at the first empty line.
func cutHeader(text []byte) (head, body []byte, ok bool) {
	if body, ok = bytes.CutPrefix(text, []byte("\r\n")); ok {
		return nil, body, true
	}
	end := bytes.Index(text[:min(len(text), maxPartHeader)], []byte("\r\n\r\n"))
	if end < 0 {
		return nil, nil, false
	}
	return text[:end], text[end+4:], true
}

// cutBody cuts at the delimiter, whose line break an empty body shares with its
// header.
func cutBody(text, delimiter []byte) (data, after []byte, ok bool) {
	if after, ok = bytes.CutPrefix(text, delimiter[2:]); ok {
		return nil, after, true
	}
	return bytes.Cut(text, delimiter)
}

// partOf reads a part's header.
func partOf(head, data []byte) (part, error) {
	p := part{data: data}
	named := false
	for line := range strings.SplitSeq(string(head), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimRight(name, " \t")) {
		case "content-disposition":
			kind, params := cutParam(value)
			if !strings.EqualFold(kind, "form-data") {
				return p, formError("a part is no form-data")
			}
			for params != "" {
				var name, value string
				name, value, params = nextParam(params)
				switch name {
				case "name":
					p.name, named = value, true
				case "filename":
					p.filename, p.isFile = value, true
				}
			}
		case "content-type":
			p.kind = trimValue(value)
		}
	}
	if !named {
		return p, formError("a part has no name")
	}
	return p, nil
}

// cutParam cuts a header value at its first semicolon.
func cutParam(value string) (first, rest string) {
	first, rest, _ = strings.Cut(value, ";")
	return trimValue(first), rest
}

// nextParam reads a parameter, `name="x"` or `name=x`. A quoted one goes to the
// next quotation mark: those inside are written as %22. The older way, \", is
// understood too.
func nextParam(text string) (name, value, rest string) {
	i := strings.IndexAny(text, "=;")
	if i < 0 || text[i] == ';' { // without a value
		name, rest = cutParam(text)
		return strings.ToLower(name), "", rest
	}
	name, rest = strings.ToLower(trimValue(text[:i])), text[i+1:]
	quoted, isQuoted := strings.CutPrefix(strings.TrimLeft(rest, " \t"), `"`)
	if !isQuoted {
		value, rest = cutParam(rest)
		return name, value, rest
	}
	var b strings.Builder
	for i = 0; i < len(quoted) && quoted[i] != '"'; i++ {
		if quoted[i] == '\\' && i+1 < len(quoted) && quoted[i+1] == '"' {
			i++
		}
		b.WriteByte(quoted[i])
	}
	_, rest = cutParam(quoted[min(i+1, len(quoted)):])
	return name, partUnquoter.Replace(toText([]byte(b.String()))), rest
}

// formFrom makes a FormData of a body, as its Content-Type says.
func (m *message) formFrom(b []byte) (goja.Value, error) {
	r := m.r
	header, _ := m.headerLines().get("content-type")
	kind, params := cutParam(header)
	d := &formData{}
	switch strings.ToLower(kind) {
	case "application/x-www-form-urlencoded":
		if bytes.Count(b, []byte("&")) >= maxFormFields {
			r.typeError("the body is no form: it has more than 10,000 fields")
		}
		for _, pair := range parseForm(string(b)) {
			d.list = append(d.list, formEntry{name: pair[0], text: pair[1]})
		}
		return r.formDataClass().object(d), nil
	case "multipart/form-data":
	default:
		r.typeError("the body is no form: its content-type is %s, and not multipart/form-data or application/x-www-form-urlencoded", quoted(header))
	}
	boundary := ""
	for params != "" && boundary == "" {
		var name, value string
		if name, value, params = nextParam(params); name == "boundary" {
			boundary = value
		}
	}
	if boundary == "" || len(boundary) > 70 { // as RFC 2046 has it
		r.typeError("the body is no form: its content-type %s has no boundary", quoted(header))
	}
	parts, err := parseMultipart(b, boundary)
	if err != nil {
		r.typeError("the body is no form: %s", err.Error())
	}
	for _, p := range parts {
		d.list = append(d.list, r.readPart(p))
	}
	return r.formDataClass().object(d), nil
}

// readPart makes a field of a part. Files share the body's bytes.
func (r *realm) readPart(p part) formEntry {
	if !p.isFile {
		return formEntry{name: p.name, text: toText(p.data)}
	}
	if p.kind == "" {
		p.kind = "text/plain"
	}
	return formEntry{name: p.name, file: r.newFile(&blob{data: p.data, kind: blobType(p.kind)}, p.filename)}
}
