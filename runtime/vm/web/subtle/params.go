// What the algorithm argument of an operation says. The standard describes it
// as a dictionary for each pair of an operation and an algorithm; here the
// table of algorithms names its members, and who has the script's object fills
// Params with them.

package subtle

import (
	"strings"
)

// Op is an operation of SubtleCrypto.
type Op string

// The operations. GetKeyLength is how much deriveKey has to derive.
const (
	OpDigest       Op = "digest"
	OpImport       Op = "importKey"
	OpGenerate     Op = "generateKey"
	OpSign         Op = "sign"
	OpVerify       Op = "verify"
	OpEncrypt      Op = "encrypt"
	OpDecrypt      Op = "decrypt"
	OpDerive       Op = "deriveBits"
	OpGetKeyLength Op = "get key length"
)

// Params is a normalized algorithm: its name, and the members that the
// operation asks for.
type Params struct {
	Name       string
	Hash       string // as in "SHA-256"
	NamedCurve string
	Numbers    map[string]uint32
	Octets     map[string][]byte
}

// Kind is what a member is.
type Kind int

// The kinds of members.
const (
	KindNumber Kind = iota // an unsigned long, in range
	KindOctets             // an ArrayBuffer or a view
	KindHash               // an algorithm for digest
	KindText               // a string
)

// Member is a member of an algorithm argument.
type Member struct {
	Name     string
	Kind     Kind
	Optional bool
}

var memberKinds = map[string]Kind{
	"hash": KindHash, "namedCurve": KindText,
	"length": KindNumber, "modulusLength": KindNumber, "iterations": KindNumber, "saltLength": KindNumber, "tagLength": KindNumber,
	"publicExponent": KindOctets, "iv": KindOctets, "additionalData": KindOctets, "label": KindOctets, "salt": KindOctets, "info": KindOctets,
}

// Members returns the algorithm's own spelling of its name, and the members
// that an operation needs. An algorithm that does not exist, or that the
// operation does not know, is a NotSupportedError.
func Members(op Op, name string) (canonical string, members []Member, err error) {
	if op == OpDigest {
		for h := range hashes {
			if strings.EqualFold(h, name) {
				return h, nil, nil
			}
		}
		return "", nil, fail(nameNotSupported, "%s does not know the algorithm %q; it knows SHA-1, SHA-256, SHA-384 and SHA-512", op, clip(name))
	}
	for _, a := range algorithms {
		if !strings.EqualFold(a.name, name) {
			continue
		}
		list, ok := a.ops[op]
		if !ok {
			return "", nil, fail(nameNotSupported, "%s can not be used for %s", a.name, op)
		}
		return a.name, parseMembers(list), nil
	}
	return "", nil, fail(nameNotSupported, "the algorithm %q is not supported", clip(name))
}

// parseMembers reads a list such as "iv tagLength?".
func parseMembers(list string) (members []Member) {
	for word := range strings.FieldsSeq(list) {
		name, optional := strings.CutSuffix(word, "?")
		members = append(members, Member{Name: name, Kind: memberKinds[name], Optional: optional})
	}
	return members
}

// number returns an optional number.
func (p *Params) number(name string, otherwise int) int {
	if n, ok := p.Numbers[name]; ok {
		return int(n)
	}
	return otherwise
}

func (p *Params) octets(name string) []byte { return p.Octets[name] }
