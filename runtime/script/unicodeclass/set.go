package unicodeclass

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// span is an inclusive range of code points.
type span struct{ lo, hi rune }

// set is a sorted list of spans that neither overlap nor touch.
type set []span

// normalize sorts and joins spans.
func normalize(s []span) set {
	slices.SortFunc(s, func(a, b span) int { return int(a.lo - b.lo) })
	out := s[:0]
	for _, r := range s {
		if n := len(out); n > 0 && r.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, r.hi)
			continue
		}
		out = append(out, r)
	}
	return set(out)
}

// fromTables is the union of Go's range tables.
func fromTables(tables ...*unicode.RangeTable) set {
	var s []span
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			s = append(s, span{lo, hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			s = append(s, span{r, r})
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return normalize(s)
}

// decode reads the text form of tables.go. The tables are our own, so a
// malformed one is a bug.
func decode(text string) set {
	var s set
	var at rune
	for field := range strings.FieldsSeq(text) {
		gap, length, _ := strings.Cut(field, "-")
		lo := at + base36(gap)
		hi := lo
		if length != "" {
			hi += base36(length)
		}
		s, at = append(s, span{lo, hi}), hi
	}
	return s
}

func base36(s string) rune {
	n, err := strconv.ParseInt(s, 36, 32)
	if err != nil {
		panic("unicodeclass: bad table: " + err.Error())
	}
	return rune(n)
}

func (s set) union(others ...set) set {
	all := slices.Clone([]span(s))
	for _, o := range others {
		all = append(all, o...)
	}
	return normalize(all)
}

func (s set) complement() set {
	var out set
	next := rune(0)
	for _, r := range s {
		if r.lo > next {
			out = append(out, span{next, r.lo - 1})
		}
		next = r.hi + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, span{next, unicode.MaxRune})
	}
	return out
}

func (s set) minus(o set) set {
	return s.complement().union(o).complement()
}

func (s set) contains(r rune) bool {
	_, ok := slices.BinarySearchFunc(s, r, func(x span, r rune) int {
		switch {
		case x.hi < r:
			return -1
		case x.lo > r:
			return 1
		}
		return 0
	})
	return ok
}

// folded adds every character that differs from a member only in case.
func (s set) folded() set {
	var extra []span
	for _, c := range unicode.CaseRanges {
		for r := rune(c.Lo); r <= rune(c.Hi); r++ {
			if !s.contains(r) {
				continue
			}
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				extra = append(extra, span{f, f})
			}
		}
	}
	return s.union(extra)
}

// write prints the spans as members of a character class.
func (s set) write(b *strings.Builder) {
	for _, r := range s {
		writeRune(b, r.lo)
		if r.hi > r.lo {
			if r.hi > r.lo+1 {
				b.WriteByte('-')
			}
			writeRune(b, r.hi)
		}
	}
}

// writeRune escapes everything but ASCII letters and digits. Surrogates take
// the form with braces, which never pairs with a neighbour.
func writeRune(b *strings.Builder, r rune) {
	const hexDigits = "0123456789abcdef"
	switch {
	case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z':
		b.WriteRune(r)
	case r <= 0xff:
		b.WriteString(`\x`)
		b.WriteByte(hexDigits[r>>4])
		b.WriteByte(hexDigits[r&15])
	case r <= 0xffff && (r < 0xd800 || r > 0xdfff):
		b.WriteString(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			b.WriteByte(hexDigits[r>>shift&15])
		}
	default:
		b.WriteString(`\u{`)
		b.WriteString(strconv.FormatInt(int64(r), 16))
		b.WriteByte('}')
	}
}
