// From esbuild's output to a revision. The output is parsed with the engine's
// own parser: so syntax that the engine does not have is found here, with the
// line it comes from, and regular expressions and the config are found as what
// they are and not by looking for text.

package script

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
	"github.com/evanw/esbuild/pkg/api"

	"reprise/runtime/call"
)

// bundle is the output of one build.
type bundle struct {
	file string // the script's file, for messages
	code string
	srcs *sourceMap
	body []ast.Statement
	most call.Limits // that a config may ask for
}

func newBundle(file string, files []api.OutputFile) (*bundle, error) {
	b := &bundle{file: file}
	for _, f := range files {
		if !strings.HasSuffix(f.Path, ".map") {
			b.code = strings.TrimRight(string(f.Contents), "\n")
			continue
		}
		m, err := decodeMap(f.Contents)
		if err != nil {
			return nil, err
		}
		for i, s := range m.sources {
			m.sources[i] = cleanSource(s)
		}
		b.srcs = m
	}
	if b.srcs == nil {
		return nil, errors.New("the bundler wrote no source map")
	}
	return b, b.parse()
}

func (b *bundle) parse() error {
	for {
		program, err := parser.ParseFile(nil, bundleName, b.code, 0, parser.WithDisableSourceMaps)
		var list parser.ErrorList
		if errors.As(err, &list) && len(list) > 0 {
			at := b.errorOffset(list[0])
			if b.quoteField(at) {
				continue
			}
			// esbuild takes this and the engine does not.
			return buildError(call.CodeCompile, b.srcs.problem(b.code, at, "the engine can not run this: "+list[0].Message, 1))
		}
		if err != nil {
			return fmt.Errorf("parse the bundle: %w", err)
		}
		b.body, err = topLevel(program)
		return err
	}
}

func (b *bundle) errorOffset(e *parser.Error) int {
	offset := 0
	for range e.Position.Line - 1 {
		offset += strings.IndexByte(b.code[offset:], '\n') + 1
	}
	return min(offset+e.Position.Column-1, len(b.code))
}

// fieldBefore matches a class field whose name is also a keyword of classes.
var fieldBefore = regexp.MustCompile(`(?:^|[\s;{])(get|set|async)\s*=\s*$`)

// quoteField helps the engine's parser over class fields that are named get,
// set or async and have a value: it expects a method there, and fails at the
// equals sign, having read the token behind it. With a quoted name, which means
// the same, it does not.
func (b *bundle) quoteField(at int) bool {
	line := strings.LastIndexByte(b.code[:at], '\n') + 1
	m := fieldBefore.FindStringSubmatchIndex(b.code[line:at])
	if m == nil {
		return false
	}
	from, to := line+m[2], line+m[3]
	b.code = b.srcs.apply(b.code, []edit{{from: from, to: to, text: `"` + b.code[from:to] + `"`}})
	return true
}

// topLevel returns the statements inside of the function that the banner opens.
func topLevel(p *ast.Program) ([]ast.Statement, error) {
	if len(p.Body) == 1 {
		if s, ok := p.Body[0].(*ast.ExpressionStatement); ok {
			if f, ok := s.Expression.(*ast.ArrowFunctionLiteral); ok {
				if block, ok := f.Body.(*ast.BlockStatement); ok {
					return block.List, nil
				}
			}
		}
	}
	return nil, errors.New("the bundle does not have the form that the builder gives it")
}

// offset turns the parser's index, which counts from one, into an offset.
func offset(i file.Idx) int { return int(i) - 1 }

// problem is about a node of the bundle.
func (b *bundle) problem(n ast.Node, message string) Problem {
	start := offset(n.Idx0())
	length := max(1, offset(n.Idx1())-start)
	return b.srcs.problem(b.code, start, message, length)
}

// finish turns the bundle into the rest of rev.
func (b *bundle) finish(rev *Revision) error {
	if problems := b.globImports(); len(problems) > 0 {
		return buildError(call.CodeCompile, problems...)
	}
	config, err := b.config(rev.Script)
	if err != nil {
		return err
	}
	edits, problems := b.propertyEscapes()
	if len(problems) > 0 {
		return buildError(call.CodeCompile, problems...)
	}
	rev.Config = config
	code := b.srcs.apply(b.code, edits)
	rev.Code, rev.Bytes = []byte(code), len(code)
	rev.ID = revisionID(code, config.Raw)
	rev.Map = b.srcs.encode(code)
	for i, path := range b.srcs.sources {
		if path != entryName && i < len(b.srcs.contents) {
			rev.Sources = append(rev.Sources, Source{Path: path, Content: b.srcs.contents[i]})
		}
	}
	return nil
}

// globImports finds imports such as import("./jobs/" + name): esbuild bundles
// every file they might mean, and would not notice a new one. Packages may.
func (b *bundle) globImports() []Problem {
	var out []Problem
	const call = "globImport"
	for at := 0; ; at += len(call) {
		i := strings.Index(b.code[at:], call)
		if i < 0 {
			return out
		}
		at += i
		name := identifierAt(b.code, at)
		if !strings.HasPrefix(b.code[at+len(name):], "(") || at > 0 && isWordByte(b.code[at-1]) {
			continue
		}
		p := b.srcs.problem(b.code, at, dynamicImportText, 1)
		if !p.Pos.IsZero() && !strings.Contains("/"+p.Pos.File, "/node_modules/") && strings.Contains(b.code, "var "+name+" = __glob") {
			out = append(out, p)
		}
	}
}

func identifierAt(code string, at int) string {
	end := at
	for end < len(code) && isWordByte(code[end]) {
		end++
	}
	return code[at:end]
}
