package script

import (
	"bytes"
	"reflect"
	"testing"
)

// What a damaged field does behind a checksum that fits: it is refused, or it
// is a revision like any other.
func FuzzUnpackFields(f *testing.F) {
	rev := &Revision{
		Script: "a", File: "a.js", ID: revisionID("code", []byte(`{"timeout":7}`)), Config: Config{Raw: []byte(`{"timeout":7}`), Timeout: 7e6},
		Code: []byte("code"), Bytes: 4, Map: []byte("{}"), Sources: []Source{{"a.js", "x"}}, Handlers: []string{"run"},
	}
	p := packer{}
	p.text(rev.Script, rev.File, rev.ID)
	p.bytes([]byte(`{"timeout":"7ms"}`), rev.Config.Raw, rev.Code, rev.Map)
	p.count(1)
	p.text(rev.Handlers...)
	p.count(1)
	p.text("a.js", "x")
	u := unpacker{rest: bytes.Clone(p.b)}
	if got, err := u.revision(); err != nil || !reflect.DeepEqual(got, rev) {
		f.Fatalf("%+v, %v", got, err)
	}
	f.Add(p.b)
	for i := range p.b {
		if _, err := (&unpacker{rest: p.b[:i]}).revision(); err == nil {
			f.Errorf("fields cut at %d are read", i)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := (&unpacker{rest: b}).revision()
		if err == nil && got.ID != revisionID(string(got.Code), got.Config.Raw) {
			t.Errorf("%+v has another id", got)
		}
	})
}
