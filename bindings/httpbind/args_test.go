package httpbind

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/vm/web"
)

func FuzzDecodeArgs(f *testing.F) {
	// Whatever the short way accepts, encoding/json reads the same.
	for _, text := range []string{
		`{"method":"GET","url":"http://a/","headers":[["a","b"],["c","d"]],"redirect":"error"}`,
		`{"connection":"self","method":"POST","url":"/a?b=c\u0026d","idempotencyKey":"k"}`,
		`{"method":"GET","url":"é"}`, `{"method":"GET","method":"PUT"}`, `{"headers":[]}`, `{"headers":[["a"]]}`, `{}`, `{"method":"GET"}x`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var short, long web.HTTPRequest
		p := argsReader{text: text}
		if !p.request(&short) {
			t.Skip()
		}
		if err := json.Unmarshal(text, &long); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if d := cmp.Diff(long, short); d != "" {
			t.Fatalf("%s\n%s", text, d)
		}
	})
}
