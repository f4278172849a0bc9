// The form in which a revision is kept while any run needs it: with all that
// it takes to run it and to show it, and nothing of how it was built.
//
//	"RV" version(1) zstd(format script file id config raw code map
//	                     count handler… count path content…)
//
// Each field is its length (uvarint) and its bytes. Equal revisions make equal
// bytes, so that a store that keeps by hash keeps them once.

package script

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"reprise/runtime/call"
)

const (
	packMagic   = "RV"
	packVersion = 1

	// maxUnpacked is the most that a kept revision may unpack to. Sources are
	// in it three times: as they are, quoted in the map (at worst 6 bytes for
	// one) and as code.
	maxUnpacked = 128 << 20
	// packWindow is how far back the compression looks: far enough to find the
	// sources of nearly every script again in its map. The default costs 8 MiB.
	packWindow = 2 << 20
)

// Pack returns the revision as bytes to be kept: see Unpack. How it was built,
// with its inputs and warnings, is not in them.
func (r *Revision) Pack() ([]byte, error) {
	config, err := json.Marshal(&r.Config)
	if err != nil {
		return nil, call.Errorf(call.CodeInternal, "the config of the revision %s of %s can not be kept: %s", r.ID, r.Script, err)
	}
	p := packer{make([]byte, 0, len(r.Code)+3*len(r.Map))}
	p.text(formatVersion, r.Script, r.File, r.ID)
	p.bytes(config, r.Config.Raw, r.Code, r.Map)
	p.count(len(r.Handlers))
	p.text(r.Handlers...)
	p.count(len(r.Sources))
	for _, s := range r.Sources {
		p.text(s.Path, s.Content)
	}
	if len(p.b) > maxUnpacked {
		return nil, call.Errorf(call.CodeStore, "the revision %s of %s is too large to be kept: %d MiB with its map and sources, at most %d are possible; import less",
			r.ID, r.Script, len(p.b)>>20, maxUnpacked>>20)
	}
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(packWindow))
	if err != nil {
		return nil, fmt.Errorf("set up the compression of revisions: %w", err)
	}
	return zip.EncodeAll(p.b, append([]byte(packMagic), packVersion)), nil
}

// packer writes fields one after the other.
type packer struct{ b []byte }

func (p *packer) count(n int) { p.b = binary.AppendUvarint(p.b, uint64(n)) }

func (p *packer) text(fields ...string) {
	for _, f := range fields {
		p.count(len(f))
		p.b = append(p.b, f...)
	}
}

func (p *packer) bytes(fields ...[]byte) {
	for _, f := range fields {
		p.count(len(f))
		p.b = append(p.b, f...)
	}
}

// Unpack returns the revision that Pack made the bytes of. It verifies them: a
// revision that is returned is the one that its id names. It does not know
// where in the sources its config stands, nor how it was built.
func Unpack(packed []byte) (*Revision, error) {
	rev, err := unpack(packed)
	if err != nil {
		return nil, call.Errorf(call.CodeStore, "a kept revision can not be read: %s", err)
	}
	return rev, nil
}

var (
	errDamaged = errors.New("its bytes are damaged; restore the data folder from a backup, or move its runs to another revision")
	errNewer   = errors.New("a newer version of Reprise has kept it; use that one, or a newer one still")
)

func unpack(packed []byte) (*Revision, error) {
	if len(packed) <= len(packMagic) || string(packed[:len(packMagic)]) != packMagic {
		return nil, errDamaged
	}
	switch version := packed[len(packMagic)]; {
	case version > packVersion:
		return nil, errNewer
	case version == 0:
		return nil, errDamaged
	}
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("set up the decompression of revisions: %w", err)
	}
	defer unzip.Close()
	body, err := unzip.DecodeAll(packed[len(packMagic)+1:], nil)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errDamaged, err)
	}
	u := unpacker{rest: body}
	format := u.text()
	if u.failed {
		return nil, errDamaged
	}
	if format != formatVersion {
		return nil, fmt.Errorf("another version of Reprise has built it, in the form %.40q; this one runs %q", format, formatVersion)
	}
	return u.revision()
}

// unpacker reads what a packer has written. After the first field that is not
// there, failed is set and all that follows is empty.
type unpacker struct {
	rest   []byte
	failed bool
}

// revision reads what follows the format.
func (u *unpacker) revision() (*Revision, error) {
	r := &Revision{Script: u.text(), File: u.text(), ID: u.text()}
	config := u.bytes()
	raw := u.bytes()
	r.Code, r.Map = u.bytes(), u.bytes()
	for n := u.count(); n > 0 && !u.failed; n-- {
		r.Handlers = append(r.Handlers, u.text())
	}
	for n := u.count(); n > 0 && !u.failed; n-- {
		r.Sources = append(r.Sources, Source{Path: u.text(), Content: u.text()})
	}
	if u.failed || len(u.rest) > 0 || json.Unmarshal(config, &r.Config) != nil {
		return nil, errDamaged
	}
	if len(raw) > 0 {
		r.Config.Raw = raw
	}
	if r.Config.Schedule != nil {
		r.Config.Schedule.Name = r.Script // which its JSON leaves out
	}
	r.Bytes = len(r.Code)
	if id := revisionID(string(r.Code), r.Config.Raw); id != r.ID {
		return nil, fmt.Errorf("%w (%.40q of %.200q has the content of %s)", errDamaged, r.ID, r.Script, id)
	}
	return r, nil
}

// count reads a number of things, each of which is one byte at least.
func (u *unpacker) count() uint64 {
	n, size := binary.Uvarint(u.rest)
	if size <= 0 || n > uint64(len(u.rest)-size) {
		u.failed, u.rest = true, nil
		return 0
	}
	u.rest = u.rest[size:]
	return n
}

// bytes reads a field, which has its own memory: a revision's fields live for
// different times.
func (u *unpacker) bytes() []byte {
	n := u.count()
	out := append([]byte(nil), u.rest[:n]...)
	u.rest = u.rest[n:]
	return out
}

func (u *unpacker) text() string {
	n := u.count()
	out := string(u.rest[:n])
	u.rest = u.rest[n:]
	return out
}
