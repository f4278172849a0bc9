// The check that runs before a parser sees a source. Parsers recurse: a source
// that is nested deeply enough, which takes no more than "[" a million times,
// ends the process with a stack overflow that nobody can catch, and a few
// hundred nested arrow functions keep esbuild busy for minutes.
//
// So a scanner with no recursion of its own walks over the tokens and counts
// everything that makes a parser recurse: brackets, arrows that bodies follow,
// and chains of operators that nest to the right. It is not a parser and may
// take a regular expression for a division; each such choice is made so that
// rather more than less is counted.

package script

import (
	"fmt"
	"strings"
)

// The limits, far above what people and bundlers write and far below what
// hurts: at 400 levels esbuild takes a third of a second, at 3,000 minutes.
// Chains nest without brackets and cost a parser up to 1 KB of stack each, of
// a stack that ends the process at 1 GB.
const (
	maxNesting = 400
	maxChain   = 5_000
	maxElse    = 20_000
	maxOpeners = 200_000 // brackets inside one string, lest a string hides code
)

// precheck returns what is wrong with a source that must not be parsed.
func precheck(source string) (message string, offset int, bad bool) {
	s := scanner{src: source, before: operator}
	s.levels = append(s.levels, level{})
	for s.at < len(s.src) && s.message == "" {
		s.token()
	}
	return s.message, s.at, s.message != ""
}

// tokenKind is what the scanner must remember of the token before.
type tokenKind uint8

const (
	operator tokenKind = iota // an expression may start: a slash begins a regular expression
	operand                   // an expression has ended: a slash divides
)

// level is one open bracket, or the file itself.
type level struct {
	opener    byte // ( [ { or $ for a template's ${
	condition bool // the ( of if, for, while, with
	object    bool // a { that opens an expression
	arrows    int  // arrow functions whose body is still open
	chain     int  // operators since the statement began
}

type scanner struct {
	src     string
	at      int
	message string

	levels []level
	arrows int // over all levels
	elses  int
	words  int // identifiers in a row

	before  tokenKind
	word    string // the identifier before, if it was one
	last    byte   // the punctuation before, if it was one
	dot     bool   // a property name comes next
	newline bool   // a line ended since the token before
}

func (s *scanner) fail(format string, args ...any) { s.message = fmt.Sprintf(format, args...) }

func (s *scanner) top() *level { return &s.levels[len(s.levels)-1] }

// token reads one token, or the space or comment before it.
func (s *scanner) token() {
	c := s.src[s.at]
	switch {
	case c == '\n':
		s.newline = true
		s.at++
		return
	case c == ' ' || c == '\t' || c == '\r':
		s.at++
		return
	case strings.HasPrefix(s.src[s.at:], "//"):
		s.skipTo("\n", 0)
		return
	case strings.HasPrefix(s.src[s.at:], "/*"):
		s.skipTo("*/", 2)
		return
	}
	if s.newline && s.before == operand && isWordByte(c) {
		s.endStatement()
	}
	s.newline = false
	if !isWordByte(c) {
		s.words = 0
	}
	switch {
	case isWordByte(c) || c == '\\':
		s.identifier()
		s.last = 0
		return
	case c == '"' || c == '\'':
		s.quoted(c)
	case c == '`':
		s.at++
		s.template()
	case c == '(' || c == '[' || c == '{':
		s.open(c)
	case c == ')' || c == ']' || c == '}':
		s.close(c)
	case c == '/' && s.before == operator && s.regexp():
	default:
		s.punctuator(c)
	}
	s.word, s.last = "", c
}

func (s *scanner) skipTo(end string, length int) {
	i := strings.Index(s.src[s.at+length:], end)
	if i < 0 {
		s.at = len(s.src)
		return
	}
	if strings.Contains(s.src[s.at:s.at+length+i], "\n") {
		s.newline = true
	}
	s.at += 2*length + i
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80 || c == '#' || c == '@'
}

// expressionWords are keywords after which an expression starts.
var expressionWords = map[string]bool{
	"return": true, "typeof": true, "instanceof": true, "in": true, "of": true, "new": true, "delete": true, "void": true,
	"throw": true, "case": true, "do": true, "else": true, "await": true, "yield": true, "default": true, "extends": true,
}

func (s *scanner) identifier() {
	start := s.at
	for s.at < len(s.src) && (isWordByte(s.src[s.at]) || s.src[s.at] == '\\') {
		s.at++
	}
	word := s.src[start:s.at]
	s.before = operand
	if expressionWords[word] && !s.dot {
		s.before = operator
	}
	s.word, s.dot = word, false
	if s.words++; s.words > maxChain {
		s.fail("more than %d words follow each other here", maxChain)
	}
	if word == "else" {
		if s.elses++; s.elses > maxElse {
			s.fail("there are more than %d branches with else here", maxElse)
		}
	}
}

// quoted reads a string. One that does not end on its line is none.
func (s *scanner) quoted(quote byte) {
	openers := 0
	for i := s.at + 1; i < len(s.src); i++ {
		switch s.src[i] {
		case '\\':
			i++
			if strings.HasPrefix(s.src[min(i, len(s.src)):], "\r\n") {
				i++
			}
		case '(', '[', '{':
			openers++
		case '\n':
			s.at++
			return
		case quote:
			if openers > maxOpeners {
				s.fail("a string with more than %d brackets is too large for source code; import it from a .txt or .json file", maxOpeners)
			}
			s.at, s.before = i+1, operand
			return
		}
	}
	s.at++
}

// template reads on inside a template literal, up to its end or a ${.
func (s *scanner) template() {
	for ; s.at < len(s.src); s.at++ {
		switch s.src[s.at] {
		case '\\':
			s.at++
		case '`':
			s.at++
			s.before = operand
			return
		case '$':
			if strings.HasPrefix(s.src[s.at:], "${") {
				s.at++
				s.open('$')
				return
			}
		}
	}
	s.at = len(s.src)
}

// regexp reads a regular expression, if that is what starts here.
func (s *scanner) regexp() bool {
	class := false
	for i := s.at + 1; i < len(s.src) && s.src[i] != '\n'; i++ {
		switch s.src[i] {
		case '\\':
			i++
		case '[':
			class = true
		case ']':
			class = false
		case '/':
			if !class {
				s.at, s.before = i+1, operand
				return true
			}
		}
	}
	return false
}

func (s *scanner) open(c byte) {
	next := level{opener: c}
	switch {
	case c == '(':
		switch s.word {
		case "if", "for", "while", "with":
			next.condition = true
			s.link()
		}
	case c == '{':
		next.object = s.before == operator && (s.last != 0 && strings.IndexByte("=([,?:&|+-*/%!~<^", s.last) >= 0 ||
			s.word != "" && s.word != "do" && s.word != "else")
	}
	s.levels = append(s.levels, next)
	s.before, s.dot = operator, false
	s.at++
	s.checkNesting()
}

func (s *scanner) checkNesting() {
	if len(s.levels)+s.arrows > maxNesting {
		s.fail("the code is nested more than %d levels deep here", maxNesting)
	}
}

func (s *scanner) close(c byte) {
	s.at++
	if len(s.levels) == 1 || s.top().opener == '$' && c != '}' { // one too many: the parser will say so
		s.before = operand
		return
	}
	closed := *s.top()
	s.arrows -= closed.arrows
	s.levels = s.levels[:len(s.levels)-1]
	s.before = operand
	switch {
	case closed.opener == '$':
		s.template()
	case closed.opener == '{' && !closed.object:
		s.before = operator
		s.endStatement()
	case closed.condition && c == ')':
		s.before = operator
	}
}

// endStatement forgets what nests to the right: it has come to its end.
func (s *scanner) endStatement() {
	top := s.top()
	s.arrows -= top.arrows
	top.arrows, top.chain = 0, 0
}

// link counts one operator that nests to the right.
func (s *scanner) link() {
	top := s.top()
	if top.chain++; top.chain > maxChain {
		s.fail("an expression with more than %d operators starts or goes on here; split it", maxChain)
	}
}

func (s *scanner) punctuator(c byte) {
	rest := s.src[s.at:]
	s.dot = false
	switch {
	case strings.HasPrefix(rest, "=>"):
		s.at++
		s.top().arrows++
		s.arrows++
		s.checkNesting()
	case c == ';' || c == ',':
		s.endStatement()
	case strings.HasPrefix(rest, "++") || strings.HasPrefix(rest, "--"):
		s.at += 2 // as a suffix it ends an operand, as a prefix it starts one: what was before stays
		s.link()
		return
	case c == '.' && !strings.HasPrefix(rest, "..."):
		s.dot = true
	case strings.IndexByte("=?:!~<", c) >= 0, strings.IndexByte("*+-&|", c) >= 0 && s.before == operator:
		s.link()
	}
	s.at++
	s.before = operator
}
