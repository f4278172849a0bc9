package logs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"reprise/runtime/call"
)

// maxFilter bounds a filter's length, and with it the work per entry.
const maxFilter = 1000

// FilterError says what is wrong with a filter's text.
type FilterError struct {
	// Column is where, in characters from one.
	Column int
	// Message says what: a sentence without the column.
	Message string
	// Suggestion is what may have been meant, or empty.
	Suggestion string
}

// Error returns the message with column and suggestion.
func (e *FilterError) Error() string {
	s := fmt.Sprintf("%s at column %d", e.Message, e.Column)
	if e.Suggestion != "" {
		s += "; did you mean " + e.Suggestion + "?"
	}
	return s
}

// ParseFilter reads a filter. The empty text chooses everything. The error is
// a *FilterError.
func ParseFilter(s string) (*Filter, error) {
	if len(s) > maxFilter {
		return nil, &FilterError{Column: maxFilter, Message: fmt.Sprintf("the filter is longer than %d bytes", maxFilter)}
	}
	if !utf8.ValidString(s) {
		return nil, &FilterError{Column: 1, Message: "the filter is not valid UTF-8"}
	}
	p := parser{in: []rune(s)}
	f := &Filter{source: s, lv: allLevels}
	for {
		t, ok, err := p.term()
		if err != nil {
			return nil, err
		}
		if !ok {
			return f, nil
		}
		f.terms = append(f.terms, t)
		if set, isLevel := t.cond.(levelSet); isLevel {
			if t.negate {
				set = ^set
			}
			f.lv &= set
		}
	}
}

// keys are the words that may stand before a colon. A "field." key is apart.
var keys = []string{"dur", "field", "kind", "level", "method", "revision", "run", "script", "status", "url"}

var kinds = []string{
	string(KindConsole), string(KindHTTP), string(KindRequest), string(KindRun), string(KindRetry),
	string(KindStep), string(KindKV), string(KindReload), string(KindServer),
}

type parser struct {
	in []rune
	i  int
}

func (p *parser) more() bool { return p.i < len(p.in) }

func (p *parser) errorf(at int, format string, args ...any) *FilterError {
	return &FilterError{Column: at + 1, Message: fmt.Sprintf(format, args...)}
}

// term reads one term; ok is false at the end.
func (p *parser) term() (t term, ok bool, err error) {
	for p.more() && unicode.IsSpace(p.in[p.i]) {
		p.i++
	}
	if !p.more() {
		return term{}, false, nil
	}
	start := p.i
	if p.in[p.i] == '-' {
		t.negate = true
		p.i++
		if !p.more() || unicode.IsSpace(p.in[p.i]) {
			return term{}, false, p.errorf(start, `"-" negates the term behind it, and there is none`)
		}
	}
	if p.in[p.i] == '"' {
		s, err := p.quoted()
		if err != nil {
			return term{}, false, err
		}
		t.cond = newWords(s)
		return t, true, nil
	}
	keyAt := p.i
	if key, found := p.key(); found {
		t.cond, err = p.keyed(key, keyAt)
		return t, err == nil, err
	}
	t.cond = newWords(p.bare(""))
	return t, true, nil
}

// key reads a word and the colon behind it. Not a key is what does not look
// like one: 12:30, https://example.com.
func (p *parser) key() (string, bool) {
	i := p.i
	for i < len(p.in) && (unicode.IsLetter(p.in[i]) || (i > p.i && (unicode.IsDigit(p.in[i]) || strings.ContainsRune("._-$", p.in[i])))) {
		i++
	}
	if i == p.i || i >= len(p.in) || p.in[i] != ':' || (i+1 < len(p.in) && p.in[i+1] == '/') {
		return "", false
	}
	key := string(p.in[p.i:i])
	p.i = i + 1
	return key, true
}

// bare reads up to a space or one of the stop characters.
func (p *parser) bare(stop string) string {
	start := p.i
	for p.more() && !unicode.IsSpace(p.in[p.i]) && !strings.ContainsRune(stop, p.in[p.i]) {
		p.i++
	}
	return string(p.in[start:p.i])
}

// quoted reads a text in double quotes, where \" and \\ stand for " and \.
func (p *parser) quoted() (string, error) {
	start := p.i
	var b strings.Builder
	for p.i++; p.more(); p.i++ {
		switch c := p.in[p.i]; {
		case c == '"':
			p.i++
			if b.Len() == 0 {
				return "", p.errorf(start, "there is nothing between the quotes")
			}
			return b.String(), nil
		case c == '\\' && p.i+1 < len(p.in) && strings.ContainsRune(`"\`, p.in[p.i+1]):
			p.i++
			b.WriteRune(p.in[p.i])
		default:
			b.WriteRune(c)
		}
	}
	return "", p.errorf(start, "the quote is not closed")
}

// value is one value of a keyed term.
type value struct {
	at     int
	text   string
	quoted bool
}

// values reads an operator and a list of values separated by commas.
func (p *parser) values(key string) (operator, []value, error) {
	op := p.operator()
	var list []value
	for {
		v := value{at: p.i}
		if p.more() && p.in[p.i] == '"' {
			s, err := p.quoted()
			if err != nil {
				return 0, nil, err
			}
			v.text, v.quoted = s, true
		} else {
			v.text = p.bare(",")
		}
		if v.text == "" {
			return 0, nil, p.errorf(v.at, "%s needs a value", key)
		}
		list = append(list, v)
		if !p.more() || p.in[p.i] != ',' {
			break
		}
		p.i++
	}
	if p.more() && !unicode.IsSpace(p.in[p.i]) {
		return 0, nil, p.errorf(p.i, "a space is missing after the quote")
	}
	if op != opNone && len(list) > 1 {
		return 0, nil, p.errorf(list[1].at, "a comparison takes one value, not a list")
	}
	return op, list, nil
}

func (p *parser) operator() operator {
	if !p.more() {
		return opNone
	}
	c := p.in[p.i]
	orEqual := p.i+1 < len(p.in) && p.in[p.i+1] == '='
	switch {
	case c == '=':
		p.i++
		return opEqual
	case c == '<' && orEqual, c == '>' && orEqual:
		p.i += 2
		if c == '<' {
			return opAtMost
		}
		return opAtLeast
	case c == '<':
		p.i++
		return opLess
	case c == '>':
		p.i++
		return opGreater
	}
	return opNone
}

// keyed reads the values of a key into a condition.
func (p *parser) keyed(key string, at int) (condition, error) {
	name, isField := strings.CutPrefix(key, "field.")
	lower := strings.ToLower(key)
	if !isField && (!slices.Contains(keys, lower) || lower == "field") {
		e := p.errorf(at, "unknown key %q", key)
		if e.Suggestion = call.Nearest(lower, keys); e.Suggestion == "field" {
			e.Suggestion = "field.NAME"
		}
		if e.Suggestion == "" {
			e.Message += ` (put text with a colon in quotes)`
		}
		return nil, e
	}
	if isField && name == "" {
		return nil, p.errorf(at, "field. needs a name: field.NAME:value")
	}
	op, list, err := p.values(key)
	if err != nil {
		return nil, err
	}
	switch {
	case isField:
		return p.fields(name, op, list, number)
	case lower == "level":
		return p.level(op, list)
	case lower == "dur":
		if op == opNone {
			op = opEqual
		}
		return p.fields("durMs", op, list, millis)
	case lower == "status":
		return p.fields("status", op, list, number)
	case lower == "method", lower == "url":
		if op > opEqual {
			return nil, p.errorf(at, "%s has no order; write %s:value", lower, lower)
		}
		return p.fields(lower, op, list, number)
	}
	if op > opEqual {
		return nil, p.errorf(at, "%s has no order; write %s:value", lower, lower)
	}
	return p.attribute(lower, list)
}

func (p *parser) level(op operator, list []value) (condition, error) {
	var set levelSet
	for _, v := range list {
		level, ok := ParseLevel(strings.ToLower(v.text))
		if !ok {
			e := p.errorf(v.at, "unknown level %q (debug, info, warn, error)", v.text)
			e.Suggestion = call.Nearest(strings.ToLower(v.text), levelNames[:])
			return nil, e
		}
		for l := Debug; l <= Error; l++ {
			if op.holds(float64(l), float64(level)) {
				set |= levelSetOf(l)
			}
		}
	}
	return set, nil
}

func (p *parser) attribute(key string, list []value) (condition, error) {
	var any anyOf
	var is kindIs
	for _, v := range list {
		lower := strings.ToLower(v.text)
		switch key {
		case "kind":
			if !slices.Contains(kinds, lower) {
				e := p.errorf(v.at, "unknown kind %q (%s)", v.text, strings.Join(kinds, ", "))
				e.Suggestion = call.Nearest(lower, kinds)
				return nil, e
			}
			is = append(is, Kind(lower))
		case "script":
			any = append(any, attributeIs{attrScript, newValuePattern(v)})
		case "run":
			any = append(any, attributeBegins{attrRun, strings.TrimSuffix(lower, "*")})
		case "revision":
			any = append(any, attributeBegins{attrRevision, strings.TrimSuffix(lower, "*")})
		}
	}
	if key == "kind" {
		return is, nil
	}
	return one(any), nil
}

// fields makes the condition on a field's text or, with an operator, number.
func (p *parser) fields(name string, op operator, list []value, parse func(string) (float64, bool)) (condition, error) {
	var any anyOf
	for _, v := range list {
		switch n, isNumber := parse(v.text); {
		case op != opNone && isNumber && !v.quoted:
			any = append(any, fieldCompares{name, op, n})
		case op > opEqual, name == "durMs":
			return nil, p.errorf(v.at, "%q is not a number to compare with", v.text)
		case name == "status" && !v.quoted && isStatusClass(v.text):
			any = append(any, statusClass(v.text[0]))
		default:
			any = append(any, fieldIs{name, newValuePattern(v)})
		}
	}
	return one(any), nil
}

func isStatusClass(s string) bool {
	return len(s) == 3 && '1' <= s[0] && s[0] <= '5' && strings.EqualFold(s[1:], "xx")
}

func one(list anyOf) condition {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// newValuePattern: a star means anything, but not inside quotes.
func newValuePattern(v value) pattern {
	if v.quoted {
		return literalPattern(v.text)
	}
	return newPattern(v.text)
}

func newWords(s string) words {
	escaped := AppendJSONString(nil, s)
	return words{text: newNeedle(s), escaped: newNeedle(string(escaped[1 : len(escaped)-1]))}
}

func number(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// units of a duration, in milliseconds; longer names before their endings.
var units = []struct {
	name string
	ms   float64
}{{"us", 0.001}, {"µs", 0.001}, {"ms", 1}, {"s", 1000}, {"m", 60_000}, {"h", 3_600_000}, {"", 1}}

func millis(s string) (float64, bool) {
	for _, u := range units {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			n, isNumber := number(rest)
			return n * u.ms, isNumber
		}
	}
	return 0, false
}
