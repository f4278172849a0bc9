// The filter language of the tail: terms joined by AND, as described in
// docs/reference/tail.md. This file has the meaning of a filter; parse.go
// reads its text.

package logs

import (
	"slices"
	"strconv"
	"strings"
)

// Filter chooses entries. A nil Filter chooses all.
type Filter struct {
	source string
	terms  []term
	lv     levelSet
}

// term is one condition of a filter.
type term struct {
	negate bool
	cond   condition
}

// condition is something that is true of an entry or not.
type condition interface {
	match(e *Entry) bool
}

// Match reports whether the filter chooses e.
func (f *Filter) Match(e *Entry) bool {
	if f == nil {
		return true
	}
	for i := range f.terms {
		if f.terms[i].cond.match(e) == f.terms[i].negate {
			return false
		}
	}
	return true
}

// String returns the text the filter was parsed from.
func (f *Filter) String() string {
	if f == nil {
		return ""
	}
	return f.source
}

// levels returns the levels that entries can have which the filter chooses, so
// that whole blocks of others are not unpacked.
func (f *Filter) levels() levelSet {
	if f == nil {
		return allLevels
	}
	return f.lv
}

// anyOf is true when one of its conditions is: a list with commas.
type anyOf []condition

func (c anyOf) match(e *Entry) bool {
	for _, one := range c {
		if one.match(e) {
			return true
		}
	}
	return false
}

func (s levelSet) match(e *Entry) bool { return s.has(e.Level) }

type kindIs []Kind

func (c kindIs) match(e *Entry) bool { return slices.Contains(c, e.Kind) }

// attribute is one of the entry's own texts.
type attribute uint8

const (
	attrScript attribute = iota
	attrRun
	attrRevision
)

func (a attribute) of(e *Entry) string {
	switch a {
	case attrScript:
		return e.Script
	case attrRun:
		return e.Run
	default:
		return e.Revision
	}
}

type attributeIs struct {
	attribute
	pattern
}

func (c attributeIs) match(e *Entry) bool {
	s := c.of(e)
	return s != "" && c.pattern.match(s)
}

type attributeBegins struct {
	attribute
	prefix string
}

func (c attributeBegins) match(e *Entry) bool {
	s := c.of(e)
	return len(s) >= len(c.prefix) && equalFold(s[:len(c.prefix)], c.prefix)
}

// fieldIs compares a field's text with a pattern.
type fieldIs struct {
	name string
	pattern
}

func (c fieldIs) match(e *Entry) bool {
	if len(e.Fields) == 0 {
		return false
	}
	v, ok := lookup(e.Fields, c.name)
	return ok && c.pattern.match(text(v))
}

// fieldCompares compares a field's number.
type fieldCompares struct {
	name string
	op   operator
	n    float64
}

func (c fieldCompares) match(e *Entry) bool {
	if len(e.Fields) == 0 {
		return false
	}
	v, ok := lookup(e.Fields, c.name)
	if !ok {
		return false
	}
	n, err := strconv.ParseFloat(text(v), 64)
	return err == nil && c.op.holds(n, c.n)
}

// statusClass is 5xx and its like.
type statusClass byte

func (c statusClass) match(e *Entry) bool {
	v, ok := lookup(e.Fields, "status")
	return ok && len(v) == 3 && v[0] == byte(c)
}

// operator compares numbers and levels.
type operator uint8

const (
	opNone operator = iota // no operator was written
	opEqual
	opLess
	opAtMost
	opGreater
	opAtLeast
)

func (o operator) holds(a, b float64) bool {
	switch o {
	case opLess:
		return a < b
	case opAtMost:
		return a <= b
	case opGreater:
		return a > b
	case opAtLeast:
		return a >= b
	default:
		return a == b
	}
}

// words searches message and fields, without case.
type words struct {
	text    needle
	escaped needle // the text as it is written inside a JSON string
}

func (c words) match(e *Entry) bool {
	if c.text.in(e.Msg) {
		return true
	}
	if len(e.Fields) == 0 {
		return false
	}
	fields := view(e.Fields)
	if c.escaped.in(fields) {
		return true
	}
	// Rare: characters written as \u0026 and the like hide from a plain search.
	return strings.Contains(fields, `\u`) && c.text.in(decodeEscapes(fields))
}
