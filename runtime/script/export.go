// Finding `export const config = {…}` without executing anything. It is looked
// up in the bundle's syntax tree, where types are gone and imports are
// resolved, and positions are mapped back to the user's file.

package script

import (
	"regexp"
	"strings"

	"github.com/dop251/goja/ast"

	"reprise/runtime/call"
)

// config finds, reads and checks the config of the script with this name.
func (b *bundle) config(script string) (Config, error) {
	value, err := b.exported("config")
	if err != nil || value == nil {
		return Config{}, err
	}
	r := &literals{bundle: b}
	l := r.read(value)
	if len(r.problems) > 0 {
		return Config{}, buildError(call.CodeConfig, r.problems...)
	}
	c, problems := parseConfig(script, l, b.most)
	if problems = append(r.doubles, problems...); len(problems) > 0 {
		return Config{}, buildError(call.CodeConfig, problems...)
	}
	l.release()
	return c, nil
}

// exported returns the expression that an export of the script is declared
// with, or nil if there is no such export. The bundle's last statement names
// the script's namespace, and a statement before fills that:
//
//	__export(script_exports, { config: () => config2, … })
func (b *bundle) exported(name string) (ast.Expression, error) {
	namespace, ok := b.namespace()
	if !ok {
		return nil, nil
	}
	for _, s := range b.body {
		for _, d := range declarations(s) {
			if id, ok := d.Target.(*ast.Identifier); ok && id.Name.String() == namespace && isCallTo(d.Initializer, "__toESM") {
				return nil, buildError(call.CodeCompile, Problem{
					Message: "this exports nothing: a script is an ES module with export default { fetch, run, … } (module.exports does not count)", Pos: call.Position{File: b.file},
				})
			}
		}
		getters, ok := exportsOf(s, namespace)
		if !ok {
			continue
		}
		for _, p := range getters.Value {
			getter, ok := p.(*ast.PropertyKeyed)
			if !ok {
				continue
			}
			if key, ok := stringValue(getter.Key); ok && key == name {
				return b.declared(getter.Value)
			}
		}
	}
	return nil, nil
}

// namespace is the variable that the last statement hands to the host.
func (b *bundle) namespace() (string, bool) {
	if len(b.body) == 0 {
		return "", false
	}
	s, ok := b.body[len(b.body)-1].(*ast.ExpressionStatement)
	if !ok {
		return "", false
	}
	c, ok := s.Expression.(*ast.CallExpression)
	if !ok || len(c.ArgumentList) != 1 {
		return "", false
	}
	id, ok := c.ArgumentList[0].(*ast.Identifier)
	if !ok {
		return "", false
	}
	return id.Name.String(), true
}

func exportsOf(s ast.Statement, namespace string) (*ast.ObjectLiteral, bool) {
	e, ok := s.(*ast.ExpressionStatement)
	if !ok || !isCallTo(e.Expression, "__export") {
		return nil, false
	}
	args := e.Expression.(*ast.CallExpression).ArgumentList
	if len(args) != 2 {
		return nil, false
	}
	id, ok := args[0].(*ast.Identifier)
	getters, isObject := args[1].(*ast.ObjectLiteral)
	return getters, ok && isObject && id.Name.String() == namespace
}

// isCallTo reports whether e calls one of the bundler's helpers. A digit may
// follow the name, where a source uses the same.
func isCallTo(e ast.Expression, helper string) bool {
	c, ok := e.(*ast.CallExpression)
	if !ok {
		return false
	}
	id, ok := c.Callee.(*ast.Identifier)
	return ok && strings.TrimRight(id.Name.String(), "0123456789") == helper
}

// declared returns what the variable behind a getter is declared with.
func (b *bundle) declared(getter ast.Expression) (ast.Expression, error) {
	name, ok := returnedVariable(getter)
	if !ok {
		return nil, buildError(call.CodeConfig, b.problem(getter, "config must be an object literal in an ES module"))
	}
	var found []assignment
	for _, s := range b.body {
		for _, d := range declarations(s) {
			if id, ok := d.Target.(*ast.Identifier); ok && id.Name.String() == name && d.Initializer != nil {
				found = append(found, assignment{id, d.Initializer})
			}
		}
	}
	if len(found) == 0 { // a module that imports itself is wrapped in a function, and assigns
		found = b.assignments(name)
	}
	if len(found) != 1 || !b.isConst(found[0].target) {
		p := b.problem(getter, "")
		if len(found) > 0 {
			p = b.problem(found[0].target, "")
		}
		p.Message = "config must be declared as export const config = { … }: it is read without running the script"
		return nil, buildError(call.CodeConfig, p)
	}
	return found[0].value, nil
}

type assignment struct {
	target *ast.Identifier
	value  ast.Expression
}

func (b *bundle) assignments(name string) []assignment {
	var found []assignment
	walkStatements(b.body, func(n ast.Node) {
		if a, ok := n.(*ast.AssignExpression); ok {
			if id, ok := a.Left.(*ast.Identifier); ok && id.Name.String() == name {
				found = append(found, assignment{id, a.Right})
			}
		}
	})
	return found
}

var constBefore = regexp.MustCompile(`\bconst\s+$`)

// isConst looks at the declaration's line in the source: the bundler turns
// every declaration at the top level into var.
func (b *bundle) isConst(id *ast.Identifier) bool {
	line, column := lineColumn(b.code, offset(id.Idx))
	pos, ok := b.srcs.original(line, column)
	if !ok {
		return false
	}
	lines := strings.Split(b.srcs.content(pos.File), "\n")
	if pos.Line > len(lines) {
		return false
	}
	text := lines[pos.Line-1]
	return constBefore.MatchString(text[:byteColumn(text, pos.Column-1)])
}

func returnedVariable(getter ast.Expression) (string, bool) {
	f, ok := getter.(*ast.ArrowFunctionLiteral)
	if !ok {
		return "", false
	}
	body, ok := f.Body.(*ast.ExpressionBody)
	if !ok {
		return "", false
	}
	id, ok := body.Expression.(*ast.Identifier)
	if !ok {
		return "", false
	}
	return id.Name.String(), true
}

func declarations(s ast.Statement) []*ast.Binding {
	switch s := s.(type) {
	case *ast.VariableStatement:
		return s.List
	case *ast.LexicalDeclaration:
		return s.List
	}
	return nil
}
