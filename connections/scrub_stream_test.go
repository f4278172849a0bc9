package connections

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestScrubbing(t *testing.T) {
	// In whatever pieces it comes, a text is scrubbed as it is whole.
	rapid.Check(t, func(t *rapid.T) {
		u := &Use{}
		for _, value := range rapid.SliceOfN(rapid.SampledFrom([]string{"abcabd", "abca", "cabdab", "a\"b/c", "secret-value", "aaaa"}), 0, 3).Draw(t, "secrets") {
			u.Adopt(value, "["+value[:1]+"]")
		}
		parts := rapid.SliceOf(rapid.OneOf(rapid.SampledFrom([]string{"abcabd", "abca", "cabdab", "secret-value", "c2VjcmV0LXZhbHVl", "a\\\"b/c", "aaaa"}), rapid.StringMatching(`[abcds"]{0,3}`))).Draw(t, "text")
		text := strings.Join(parts, "")
		want := u.ScrubText(text)
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(text), "bytes": iotest.OneByteReader(strings.NewReader(text)), "halves": iotest.HalfReader(strings.NewReader(text)), "end": iotest.DataErrReader(strings.NewReader(text))} {
			got, err := io.ReadAll(u.Scrubbing(r))
			if err != nil || string(got) != want {
				t.Fatalf("%s: %q, %v; want %q", name, got, err, want)
			}
		}
	})
}

func TestScrubbingKeepsBackNoMoreThanItMust(t *testing.T) {
	u := &Use{}
	u.Adopt("secret", "X")
	in, out := io.Pipe()
	defer in.Close()
	r := u.Scrubbing(in)
	go func() { _, _ = out.Write([]byte("data: 1\n\nse")); _, _ = out.Write([]byte("cret!")) }()
	buf := make([]byte, 100)
	var got []string
	for range 2 {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(buf[:n]))
	}
	if got[0] != "data: 1\n\n" || got[1] != "X!" {
		t.Fatalf("%q", got)
	}
}

func TestScrubbingPassesErrorsOn(t *testing.T) {
	u := &Use{}
	u.Adopt("secret", "X")
	broken := errors.New("broken")
	got, err := io.ReadAll(u.Scrubbing(io.MultiReader(bytes.NewReader([]byte("a secr")), iotest.ErrReader(broken))))
	if !errors.Is(err, broken) || string(got) != "a secr" {
		t.Fatalf("%q, %v", got, err)
	}
}
