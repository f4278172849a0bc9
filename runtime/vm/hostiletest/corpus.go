package hostiletest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Script is one of the corpus.
type Script struct {
	Name   string   // of its file, without ".js"
	Expect string   // the code of its header: INT, LIM, STK, ANY, SYN, ERR, ISO or HOST
	Uses   []string // modules whose exports it is given
	Source string   // header included
}

// A Shape says where in a module a script stands.
type Shape string

// The shapes.
const (
	Run   Shape = "run"   // the body of a run handler
	Fetch Shape = "fetch" // the body of a fetch handler
	Top   Shape = "top"   // the module's top level
)

// Shapes are all shapes.
var Shapes = []Shape{Run, Fetch, Top}

// Corpus reads the scripts of a folder, ordered by name.
func Corpus(dir string) ([]Script, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.js"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("there are no scripts in %s: %w", dir, err)
	}
	slices.Sort(paths)
	scripts := make([]Script, 0, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s := Script{Name: strings.TrimSuffix(filepath.Base(path), ".js"), Source: expand(string(text))}
		for line := range strings.Lines(string(text)) {
			if expect, ok := strings.CutPrefix(line, "// expect: "); ok {
				s.Expect, _, _ = strings.Cut(expect, " ")
			}
			if uses, ok := strings.CutPrefix(line, "// uses: "); ok {
				s.Uses = strings.Fields(uses)
			}
		}
		if s.Expect == "" {
			return nil, fmt.Errorf("%s does not say what to expect of it", path)
		}
		scripts = append(scripts, s)
	}
	return scripts, nil
}

var repeats = regexp.MustCompile(`@repeat\((\d+),(.*?)\)@`)

// expand writes out what a script wants repeated.
func expand(text string) string {
	return repeats.ReplaceAllStringFunc(text, func(m string) string {
		parts := repeats.FindStringSubmatch(m)
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			return m
		}
		return strings.Repeat(parts[2], n)
	})
}

// Module is the script as an ES module, for whoever builds it first.
func (s Script) Module(shape Shape) string {
	var b strings.Builder
	for _, m := range s.Uses {
		fmt.Fprintf(&b, "import { %s } from %q;\n", m, "reprise:"+m)
	}
	before, def := s.in(shape)
	return b.String() + before + "export default " + def + ";\n"
}

// Bundle is the script as the builder would make it, for a VM.
func (s Script) Bundle(shape Shape) string {
	var b strings.Builder
	b.WriteString("(async (__reprise) => { \"use strict\";\n")
	for _, m := range s.Uses {
		fmt.Fprintf(&b, "const { %s } = __reprise.module(%q);\n", m, m)
	}
	before, def := s.in(shape)
	return b.String() + before + "__reprise.exports({ default: " + def + " });\n})"
}

// in puts the source where shape says: before is what stands in front of the
// default export, def the default export.
func (s Script) in(shape Shape) (before, def string) {
	body := "let result;\n" + s.Source + "\n"
	switch shape {
	case Top:
		return body, "{ run() { return result; } }"
	case Fetch:
		return "", "{ fetch() {\n" + body + "return Response.json(result ?? null);\n} }"
	default:
		return "", "{ run() {\n" + body + "return result;\n} }"
	}
}
