package logs

import (
	"testing"
	"time"

	"reprise/store"
)

// FuzzBlock: whatever the disk gives back, reading ends, without a panic, in
// lines or an error.
func FuzzBlock(f *testing.F) {
	p, err := newPacker()
	if err != nil {
		f.Fatal(err)
	}
	recs := []*Record{{entry: sample}, {entry: Entry{Seq: 1, Msg: "y", Script: "orders/fulfil"}}}
	b := p.pack(recs, header{boot: "b", skipped: 3}, time.Unix(1, 0))
	f.Add(b.Data, p.lines)
	f.Add([]byte("RL\x01"), []byte{0, 0, 9})
	f.Fuzz(func(t *testing.T, data, lines []byte) {
		if h, _, err := readHeader(data); err == nil && len(h.boot) > len(data) {
			t.Fatalf("%d bytes have a header with a boot id of %d", len(data), len(h.boot))
		}
		size := 0
		err := readLines(lines, header{count: 1 << 40}, 1, func(e *Entry) bool {
			size += len(keep(e).Msg) + len(e.Fields)
			return true
		})
		if err == nil || size > len(lines) {
			t.Fatalf("%d bytes became %d bytes of text, and %v", len(lines), size, err)
		}
	})
}

func TestBlocksAreSmall(t *testing.T) {
	m := &memory{}
	l := mustOpen(t, Options{Store: m})
	raw := 0
	for range 5000 {
		e := sample
		l.Emit(e)
		raw += len(e.AppendJSON(nil))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if size := int(m.bytes()); size > raw/20 {
		t.Errorf("%d bytes of JSON became %d", raw, size)
	}
	var largest store.Block
	for _, b := range m.blocks {
		if len(b.Data) > len(largest.Data) {
			largest = b
		}
	}
	if len(largest.Data) > blockBytes {
		t.Errorf("a block has %d bytes", len(largest.Data))
	}
}
