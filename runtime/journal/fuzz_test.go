package journal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime/call"
	"reprise/runtime/journal"
)

func FuzzParse(f *testing.F) {
	for _, r := range golden() {
		f.Add(journal.Append(nil, r, fileFor(r)))
	}
	f.Add(journal.Spilled(journal.HashOf(nil), 1))
	f.Add(journal.Append(nil, &journal.Control{Op: "\x1b[2J"}, file))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := journal.Parse(b, file)
		if err != nil {
			if !errors.Is(err, journal.ErrDamaged) && !errors.Is(err, journal.ErrNewer) {
				t.Fatal(err)
			}
			return
		}
		again, err := journal.Parse(journal.Append(nil, r, file), file)
		if diff := cmp.Diff(r, again); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		_, text, _, data := journal.Describe(r)
		if strings.ContainsAny(text, "\n\x1b") {
			t.Fatalf("%q", text)
		}
		if _, err := call.Encode(data); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzRead(f *testing.F) {
	join := func(list [][]byte) []byte {
		var b []byte
		for _, r := range list {
			b = append(append(b, byte(len(r)), byte(len(r)>>8)), r...)
		}
		return b
	}
	var pending []journal.Record
	pending = append(pending, begun(), turn(1, 0, 1, 2, 3), ok(1), &journal.Attempt{Call: 2, N: 1}, turn(2, 1), failed(2), turn(3, 2, 4),
		&journal.Ended{Status: "failed"}, retry(3, 2), turn(3, 0), &journal.Control{Op: journal.OpPause}, &journal.Signal{Name: "a"})
	pending[9].(*journal.Turn).Cause = journal.ByUnwind
	f.Add(join(encode(pending)))
	for _, r := range golden() {
		f.Add(join([][]byte{journal.Append(nil, begun(), ""), journal.Append(nil, r, file)}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var records [][]byte
		for len(b) >= 2 {
			n := min(int(b[0])|int(b[1])<<8, len(b)-2)
			records, b = append(records, b[2:2+n]), b[2+n:]
		}
		h, err := journal.Read(records, nil)
		if err != nil {
			return
		}
		h.Open()
		h.Pending()
		for n := range uint64(len(h.Turns) + 2) {
			if _, err := h.Until(n); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := journal.Dump(records, nil, journal.DumpOptions{}); err != nil {
			t.Fatal(err)
		}
	})
}
