// The form of a block on disk: a short header that lets a query skip the block
// without unpacking it, then the lines, compressed together.
//
//	"RL" version(1) flags(1) boot:string skipped:uvarint
//	minTime:varint(ms) maxTime-minTime:uvarint levels(1) count:uvarint  zstd(lines)
//
// A line is: time (varint, ms since the line before), level (1), kind, script,
// revision, run (references into a table of strings that grows as the block is
// read), turn (uvarint), source file (reference), line and column (uvarint),
// message and fields (length and bytes). Line i has the number First+i.

package logs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"reprise/runtime/call"
	"reprise/store"
)

const (
	blockMagic   = "RL"
	blockVersion = 1

	// flagClosed marks the last block of a log that was closed in order: no
	// number after it was ever given out.
	flagClosed = 1 << 0

	// maxUnpacked is the most one block may unpack to: far more than
	// blockBytes, which the writer aims at; a damaged block may say anything.
	maxUnpacked = 8 << 20
)

var errDamaged = errors.New("logs: the block is damaged")

// header is what is known of a block before its lines are unpacked.
type header struct {
	flags            byte
	boot             string
	skipped          uint64 // numbers before First that were never given out
	minTime, maxTime int64  // Unix milliseconds
	levels           levelSet
	count            uint64
}

// packer makes blocks. It is used by one goroutine.
type packer struct {
	zstd    *zstd.Encoder
	lines   []byte
	strings map[string]uint64
}

func newPacker() (*packer, error) {
	// 512 KiB of window holds any block whole; the default would cost 8 MiB.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(512<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("logs: can not set up compression: %w", err)
	}
	return &packer{zstd: enc, strings: map[string]uint64{}}, nil
}

// pack makes a block of consecutive records. now is the block's age for retention.
func (p *packer) pack(recs []*Record, h header, now time.Time) store.Block {
	p.lines = p.lines[:0]
	clear(p.strings)
	h.minTime = recs[0].entry.Time.UnixMilli()
	h.maxTime = h.minTime
	h.count = uint64(len(recs))
	last := int64(0)
	for _, r := range recs {
		ms := r.entry.Time.UnixMilli()
		h.minTime, h.maxTime = min(h.minTime, ms), max(h.maxTime, ms)
		h.levels |= levelSetOf(r.entry.Level)
		p.line(&r.entry, ms-last)
		last = ms
	}
	return store.Block{
		First: recs[0].entry.Seq,
		Last:  recs[len(recs)-1].entry.Seq,
		Time:  now,
		Data:  p.zstd.EncodeAll(p.lines, h.append(make([]byte, 0, 64+len(p.lines)/4))),
	}
}

func (h *header) append(b []byte) []byte {
	b = append(b, blockMagic...)
	b = append(b, blockVersion, h.flags)
	b = binary.AppendUvarint(b, uint64(len(h.boot)))
	b = append(b, h.boot...)
	b = binary.AppendUvarint(b, h.skipped)
	b = binary.AppendVarint(b, h.minTime)
	b = binary.AppendUvarint(b, uint64(h.maxTime-h.minTime))
	b = append(b, byte(h.levels))
	return binary.AppendUvarint(b, h.count)
}

func (p *packer) line(e *Entry, delta int64) {
	b := binary.AppendVarint(p.lines, delta)
	b = append(b, byte(e.Level))
	b = p.ref(b, string(e.Kind))
	b = p.ref(b, e.Script)
	b = p.ref(b, e.Revision)
	b = p.ref(b, e.Run)
	b = binary.AppendUvarint(b, e.Turn)
	var src call.Position
	if e.Src != nil {
		src = *e.Src
	}
	b = p.ref(b, src.File)
	b = binary.AppendUvarint(b, uint64(max(src.Line, 0)))
	b = binary.AppendUvarint(b, uint64(max(src.Column, 0)))
	b = binary.AppendUvarint(b, uint64(len(e.Msg)))
	b = append(b, e.Msg...)
	b = binary.AppendUvarint(b, uint64(len(e.Fields)))
	p.lines = append(b, e.Fields...)
}

// ref appends a reference: 0 and the string itself the first time, later its
// place in the table, from 1.
func (p *packer) ref(b []byte, s string) []byte {
	if n, ok := p.strings[s]; ok {
		return binary.AppendUvarint(b, n)
	}
	p.strings[s] = uint64(len(p.strings) + 1)
	b = append(b, 0)
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func newUnpacker() (*zstd.Decoder, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("logs: can not set up decompression: %w", err)
	}
	return dec, nil
}

// readHeader reads a block's header and returns the compressed lines.
func readHeader(data []byte) (h header, lines []byte, err error) {
	d := reader{b: data}
	if string(d.bytes(2)) != blockMagic {
		return header{}, nil, errDamaged
	}
	if v := d.byte(); v != blockVersion {
		return header{}, nil, fmt.Errorf("logs: the block has version %d, this program reads %d; it was written by a newer one", v, blockVersion)
	}
	h.flags = d.byte()
	h.boot = string(d.bytes(d.uvarint()))
	h.skipped = d.uvarint()
	h.minTime = d.varint()
	h.maxTime = h.minTime + int64(d.uvarint())
	h.levels = levelSet(d.byte())
	h.count = d.uvarint()
	if d.bad {
		return header{}, nil, errDamaged
	}
	return h, d.b, nil
}

// unpackLines yields the lines of a block whose first has the number first.
// The entry is reused and points into memory of the block: use keep to hold on to one.
func unpackLines(dec *zstd.Decoder, h header, lines []byte, first uint64, yield func(*Entry) bool) error {
	raw, err := dec.DecodeAll(lines, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return readLines(raw, h, first, yield)
}

// readLines is unpackLines after decompression.
func readLines(raw []byte, h header, first uint64, yield func(*Entry) bool) error {
	d := reader{b: raw}
	var table []string
	var e Entry
	var src call.Position
	ms := int64(0)
	for i := range h.count {
		ms += d.varint()
		e = Entry{Seq: first + i, Time: time.UnixMilli(ms).UTC(), Level: Level(d.byte())}
		e.Kind = Kind(d.ref(&table))
		e.Script = d.ref(&table)
		e.Revision = d.ref(&table)
		e.Run = d.ref(&table)
		e.Turn = d.uvarint()
		src = call.Position{File: d.ref(&table), Line: int(d.uvarint()), Column: int(d.uvarint())}
		if !src.IsZero() {
			e.Src = &src
		}
		e.Msg = view(d.bytes(d.uvarint()))
		if f := d.bytes(d.uvarint()); len(f) > 0 {
			e.Fields = f
		}
		if d.bad {
			return errDamaged
		}
		if !yield(&e) {
			return nil
		}
	}
	return nil
}

// keep copies an entry out of its block.
func keep(e *Entry) Entry {
	k := *e
	k.Msg = strings.Clone(e.Msg)
	if e.Fields != nil {
		k.Fields = append([]byte(nil), e.Fields...)
	}
	if e.Src != nil {
		src := *e.Src
		k.Src = &src
	}
	return k
}

// reader reads the parts of a block. After running over the end it returns
// zero values and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (d *reader) fail() { d.b, d.bad = nil, true }

func (d *reader) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *reader) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

func (d *reader) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *reader) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// ref reads a string reference. Table strings are copied: entries that are
// kept share them, without holding the block in memory.
func (d *reader) ref(table *[]string) string {
	n := d.uvarint()
	if n == 0 {
		s := string(d.bytes(d.uvarint()))
		if !d.bad {
			*table = append(*table, s)
		}
		return s
	}
	if n > uint64(len(*table)) {
		d.fail()
		return ""
	}
	return (*table)[n-1]
}
