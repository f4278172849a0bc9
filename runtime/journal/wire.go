// The binary form of records: a version byte, a kind byte, then the fields in
// order. Lengths and numbers are unsigned varints, moments eight bytes of
// nanoseconds. What is nearly always the same (a kind of call, the file of a
// position) is one byte or less; see call.go. There is no reflection and no
// table of fields: the order of statements in append… and parse… is the format,
// and testdata/*.hex holds it to that.
//
// A change of the format is a new version. Readers keep every older one.

package journal

import (
	"fmt"

	"reprise/runtime/call/wire"
)

// version is the first byte of every record that is written today.
const version = 1

// Append appends r's binary form to b. File is Started.File of the journal, or
// "" for the Started record itself; positions in it take no more than a number
// for line and column. A pointer to an unknown type of record cannot exist.
func Append(b []byte, r Record, file string) []byte {
	b = append(b, version, byte(r.kind()))
	switch r := r.(type) {
	case *Started:
		return appendStarted(b, r)
	case *Turn:
		return appendTurn(b, r, file)
	case *Attempt:
		return appendAttempt(b, r)
	case *Outcome:
		return appendOutcome(b, r)
	case *Signal:
		return appendSignal(b, r)
	case *Control:
		return appendControl(b, r)
	case *Ended:
		return appendEnded(b, r)
	}
	return b
}

// Parse reads what Append wrote with the same file, all of b. Payloads of the
// record share b's memory. It fails with ErrNewer or ErrDamaged.
func Parse(b []byte, file string) (Record, error) {
	d := decoder{wire.NewReader(b)}
	v, k := d.Byte(), kind(d.Byte())
	switch {
	case d.Err() != nil:
		return nil, d.damage()
	case v == 0:
		return nil, fmt.Errorf("%w: no record has version 0", ErrDamaged)
	case v > version:
		return nil, fmt.Errorf("%w (its records have version %d, this Reprise knows %d)", ErrNewer, v, version)
	}
	var r Record
	switch k {
	case kindStarted:
		r = parseStarted(&d)
	case kindTurn:
		r = parseTurn(&d, file)
	case kindAttempt:
		r = parseAttempt(&d)
	case kindOutcome:
		r = parseOutcome(&d)
	case kindSignal:
		r = parseSignal(&d)
	case kindControl:
		r = parseControl(&d)
	case kindEnded:
		r = parseEnded(&d)
	case kindSpilled:
		return nil, fmt.Errorf("%w: the record is kept elsewhere and was not loaded", ErrDamaged)
	case 0:
		return nil, fmt.Errorf("%w: no record has kind 0", ErrDamaged)
	default:
		return nil, fmt.Errorf("%w (it has records of kind %d)", ErrNewer, k)
	}
	if err := d.end(k); err != nil {
		return nil, err
	}
	return r, nil
}

// Spilled returns the record that stands for one of size bytes that is too
// large for a journal and is kept under hash instead.
func Spilled(hash Hash, size int64) []byte {
	b := append(make([]byte, 0, 48), version, byte(kindSpilled))
	return appendPayload(b, Kept(hash, size))
}

// IsSpilled reports whether b is a record that Spilled made, and returns the
// hash of the one it stands for.
func IsSpilled(b []byte) (Hash, bool) {
	p, ok := parseSpilled(b)
	return p.Hash, ok
}

func parseSpilled(b []byte) (Payload, bool) {
	if len(b) < 2 || b[0] == 0 || b[0] > version || kind(b[1]) != kindSpilled {
		return Payload{}, false
	}
	d := decoder{wire.NewReader(b[2:])}
	p := d.payload()
	return p, d.end(kindSpilled) == nil && p.IsKept()
}

func (k kind) String() string {
	names := [...]string{"record", "started", "turn", "attempt", "outcome", "signal", "control", "ended", "spilled"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}
