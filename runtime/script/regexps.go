package script

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/dop251/goja/ast"

	"reprise/runtime/script/unicodeclass"
)

// escapes rewrites the regular expressions with \p{…}, which the engine accepts
// and never matches: literals, and RegExp called with literal strings. What is
// put together while the script runs can not be seen here.
type escapes struct {
	bundle   *bundle
	edits    []edit
	problems []Problem
}

func (b *bundle) propertyEscapes() ([]edit, []Problem) {
	if !strings.Contains(b.code, `\p`) && !strings.Contains(b.code, `\P`) {
		return nil, nil
	}
	e := &escapes{bundle: b}
	walkStatements(b.body, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.RegExpLiteral:
			e.literal(n)
		case *ast.NewExpression:
			e.constructor(n.Callee, n.ArgumentList)
		case *ast.CallExpression:
			e.constructor(n.Callee, n.ArgumentList)
		}
	})
	return e.edits, e.problems
}

func (e *escapes) literal(n *ast.RegExpLiteral) {
	out, err := unicodeclass.Expand(n.Pattern, n.Flags)
	if err != nil {
		e.refuse(n, n.Pattern, err)
	} else if out != n.Pattern {
		start := offset(n.Idx)
		e.edits = append(e.edits, edit{from: start, to: start + len(n.Literal), text: "/" + out + "/" + n.Flags})
	}
}

func (e *escapes) constructor(callee ast.Expression, args []ast.Expression) {
	name, ok := callee.(*ast.Identifier)
	if !ok || name.Name != "RegExp" || len(args) != 2 {
		return
	}
	pattern, ok := stringValue(args[0])
	flags, flagsOK := stringValue(args[1])
	if !ok || !flagsOK {
		return
	}
	out, err := unicodeclass.Expand(pattern, flags)
	if err != nil {
		e.refuse(args[0], "", err)
		return
	}
	if out != pattern {
		text, err := json.Marshal(out)
		if err != nil { // a string always encodes
			panic("script: encode a pattern: " + err.Error())
		}
		e.edits = append(e.edits, edit{from: offset(args[0].Idx0()), to: offset(args[0].Idx1()), text: string(text)})
	}
}

// refuse notes an escape that means nothing. A literal is one token, printed as
// it was written, so the place inside of it is known too.
func (e *escapes) refuse(n ast.Node, pattern string, err error) {
	p := e.bundle.problem(n, err.Error())
	var bad *unicodeclass.Error
	if errors.As(err, &bad) && pattern != "" && !p.Pos.IsZero() {
		p.Pos.Column += 1 + unitColumn(pattern, bad.Offset)
		length := strings.IndexByte(pattern[bad.Offset:], '}') + 1
		p.Frame = e.bundle.srcs.frame(p.Pos, length)
	}
	e.problems = append(e.problems, p)
}

// stringValue is the text of a string literal or a template without holes.
func stringValue(e ast.Expression) (string, bool) {
	switch e := e.(type) {
	case *ast.StringLiteral:
		return e.Value.String(), true
	case *ast.TemplateLiteral:
		if e.Tag == nil && len(e.Expressions) == 0 && len(e.Elements) == 1 && e.Elements[0].Valid {
			return e.Elements[0].Parsed.String(), true
		}
	}
	return "", false
}
