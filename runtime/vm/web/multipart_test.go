package web

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMultipartIsReadAsGoWritesIt(t *testing.T) {
	// Property: what Go's own writer makes of fields, whatever is in them, is read
	// back; and Go reads what it was.
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		w := multipart.NewWriter(&out)
		var want []part
		for range rapid.IntRange(0, 5).Draw(t, "fields") {
			p := part{
				name: rapid.StringMatching(`[a-zA-Z0-9 ;=:äß.\[\]-]{1,10}`).Draw(t, "name"), data: rapid.SliceOf(rapid.Byte()).Draw(t, "data"),
				isFile: rapid.Bool().Draw(t, "file"),
			}
			if bytes.Contains(p.data, []byte(w.Boundary())) {
				continue
			}
			head := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + p.name + `"`}}
			if p.isFile {
				p.filename, p.kind = p.name+".txt", "a/b"
				head.Set("Content-Disposition", `form-data; name="`+p.name+`"; filename="`+p.filename+`"`)
				head.Set("Content-Type", p.kind)
			}
			each, err := w.CreatePart(head)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = each.Write(p.data)
			want = append(want, p)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := parseMultipart(out.Bytes(), w.Boundary())
		for i := range got {
			got[i].data = append([]byte{}, got[i].data...)
		}
		for i := range want {
			want[i].data = append([]byte{}, want[i].data...)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(part{})); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
	})
}

// FuzzParseMultipart: what is read lies in the text, in order, and what Go reads
// as a form of plain parts, we read alike.
func FuzzParseMultipart(f *testing.F) {
	for _, text := range []string{
		"--X--", "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--X--\r\n",
		"pre\r\n--X\r\nContent-Disposition: form-data; name=a; filename=\"b\"\r\nContent-Type: a/b\r\n\r\n\r\n--X--", "--X\r\n\r\n--X", "--X\r\nA", "--X \t\r\n\r\n\r\n--X--",
		"--X\r\nContent-Disposition: form-data;;;=\"\\\"; name=\"\r\n\r\n--X\r\n--X--",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parts, err := parseMultipart(text, "X")
		size := 0
		for _, p := range parts {
			size += len(p.data)
			if !bytes.Contains(text, p.data) || bytes.Contains(p.data, []byte("\r\n--X")) {
				t.Fatalf("a part %q of %q", p.data, text)
			}
		}
		if size > len(text) {
			t.Fatalf("%d bytes of %d", size, len(text))
		}
		if err != nil {
			return
		}
		// Go is not as strict about line ends, names and what a boundary is.
		if plain := strings.ReplaceAll(string(text), "\r\n", ""); strings.ContainsAny(plain, "\r\n\"\\;% \t") || len(parts) == 0 {
			return
		}
		r := multipart.NewReader(bytes.NewReader(text), "X")
		for _, p := range parts {
			other, err := r.NextRawPart()
			if err != nil {
				return
			}
			if data, err := io.ReadAll(other); err == nil && !bytes.Equal(data, p.data) {
				t.Fatalf("%q, and Go reads %q", p.data, data)
			}
		}
	})
}
