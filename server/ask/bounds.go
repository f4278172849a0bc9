// What a check may cost. A schema of a few kilobytes can describe a check that
// never ends: definitions that each refer twice to the next, patterns of a
// million steps, numbers with a billion digits. So all is counted before, and
// a schema or an answer that asks for too much is refused.

package ask

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	// maxDepth is how deep schemas and answers may be nested.
	maxDepth = 100
	// maxParts is how many parts a schema may have with its references
	// followed: a form of a hundred fields has less than a thousand.
	maxParts = 10_000
	// maxWork is parts of the schema times values of the answer: about a
	// second, for a hundred parts and all values that fit into an answer.
	maxWork = 10_000_000
	// maxProgram is the instructions of all patterns of a schema.
	maxProgram = 100_000
	// maxMatching is steps of patterns times bytes of text, in one check.
	maxMatching = 50_000_000
	// maxExponent is a little more than what a number of JavaScript may have.
	maxExponent = 400
	// maxDigits is more than any number needs, and little work.
	maxDigits = 1000
)

// count returns how many values there are in one, and an error if it is too
// deep or has numbers that no computer should be asked to hold.
func count(v any, depth int) (int, error) {
	if depth > maxDepth {
		return 0, fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	n := 1
	each := func(v any) error {
		m, err := count(v, depth+1)
		n += m
		return err
	}
	switch v := v.(type) {
	case json.Number:
		return n, checkNumber(v.String())
	case []any:
		for _, item := range v {
			if err := each(item); err != nil {
				return n, err
			}
		}
	case map[string]any:
		for _, item := range v {
			if err := each(item); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func checkNumber(s string) error {
	if len(s) > maxDigits {
		return fmt.Errorf("a number has more than %d digits", maxDigits)
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		exponent, err := strconv.Atoi(strings.TrimPrefix(s[i+1:], "+"))
		if err != nil || exponent > maxExponent || exponent < -maxExponent {
			return fmt.Errorf("the number %.40s is out of range", s)
		}
	}
	return nil
}

// measure counts the parts of a schema with its references followed.
type measure struct {
	root  any
	known map[string]int // by reference; zero while it is being counted
}

// parts returns how many parts v has, at most a little more than maxParts.
func (m *measure) parts(v any) (int, error) {
	n := 1
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := m.add(&n, item); err != nil {
				return n, err
			}
		}
	case map[string]any:
		for key, value := range v {
			if err := m.member(&n, key, value); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (m *measure) add(n *int, v any) error {
	more, err := m.parts(v)
	if *n += more; err == nil && *n > maxParts {
		err = fmt.Errorf("with its references followed it has more than %d parts", maxParts)
	}
	return err
}

// member counts one keyword. What is plain data is not looked into for
// references.
func (m *measure) member(n *int, key string, value any) error {
	text, isText := value.(string)
	switch {
	case slices.Contains([]string{"enum", "const", "default", "examples"}, key):
		size, err := count(value, 0)
		*n += size
		return err
	case !isText:
		return m.add(n, value)
	case key == "$ref":
		more, err := m.follow(text)
		*n += more
		return err
	case slices.Contains([]string{"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef"}, key):
		return fmt.Errorf("%s is not supported here; refer to a part of the same schema with {\"$ref\": \"#/$defs/name\"}", key)
	}
	return nil
}

func (m *measure) follow(ref string) (int, error) {
	if n, ok := m.known[ref]; ok {
		if n == 0 {
			return 0, fmt.Errorf("%s refers to itself", ref)
		}
		return n, nil
	}
	target, err := lookup(m.root, ref)
	if err != nil {
		return 0, err
	}
	m.known[ref] = 0
	n, err := m.parts(target)
	if err == nil && n > maxParts {
		err = fmt.Errorf("with its references followed, %s has more than %d parts", ref, maxParts)
	}
	m.known[ref] = n
	return n, err
}

// lookup finds what a reference within the schema means.
func lookup(root any, ref string) (any, error) {
	at := root
	for _, token := range pointer(ref) {
		switch v := at.(type) {
		case map[string]any:
			at = v[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil, fmt.Errorf("there is no %s in it", ref)
			}
			at = v[i]
		default:
			at = nil
		}
		if at == nil {
			return nil, fmt.Errorf("there is no %s in it", ref)
		}
	}
	if ref != "#" && !strings.HasPrefix(ref, "#/") {
		return nil, fmt.Errorf("it refers to %q, and can refer only to parts of itself, such as #/$defs/name", ref)
	}
	return at, nil
}

// pointer takes a reference such as #/$defs/a~1b apart.
func pointer(ref string) []string {
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	tokens := strings.Split(path, "/")
	for i, t := range tokens {
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(t)
	}
	return tokens
}

// matcher compiles patterns whose work, taken together, is bounded. It belongs
// to one check.
type matcher struct {
	program  int // instructions that are left
	matching int // steps that are left
}

func (m *matcher) compile(pattern string) (jsonschema.Regexp, error) {
	if m.program < 0 {
		return nil, errors.New("the patterns before it are too large")
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if m.program -= len(program.Inst); m.program < 0 {
		return nil, fmt.Errorf("the pattern %.40q is too large", pattern)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	return &bounded{re, len(program.Inst), m}, nil
}

// bounded is a pattern that matches nothing any more once the work is used up.
type bounded struct {
	*regexp.Regexp
	steps   int
	matcher *matcher
}

// MatchString reports whether the text has a match.
func (b *bounded) MatchString(s string) bool {
	b.matcher.matching -= b.steps * (len(s) + 1)
	return b.matcher.matching >= 0 && b.Regexp.MatchString(s)
}
