// Values written out in a source, with their positions: what a config may hold.

package script

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/dop251/goja/ast"

	"reprise/runtime/call"
)

type literalKind uint8

const (
	absent literalKind = iota
	nullLiteral
	boolLiteral
	numberLiteral
	stringLiteral
	arrayLiteral
	objectLiteral
)

func (k literalKind) String() string {
	return [...]string{"nothing", "null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// literal is a value written out in a source. The nil literal is absent.
type literal struct {
	kind   literalKind
	pos    call.Position
	frame  func(length int) string // shows pos
	length int                     // of the text, in bytes, for carets
	text   string
	number float64
	truth  bool
	items  []*literal
	fields []field // in source order
}

type field struct {
	key   *literal // a string
	value *literal
}

// get returns the value of a key, or nil.
func (l *literal) get(key string) *literal {
	if l == nil {
		return nil
	}
	for _, f := range l.fields {
		if f.key.text == key {
			return f.value
		}
	}
	return nil
}

// at follows a path of keys as far as it leads.
func (l *literal) at(keys []string) *literal {
	for _, key := range keys {
		next := l.get(key)
		if next == nil {
			break
		}
		l = next
	}
	if l == nil {
		return &literal{}
	}
	return l
}

// release lets go of the bundle, syntax tree and all, that frames are cut from.
func (l *literal) release() {
	l.frame = nil
	for _, item := range l.items {
		item.release()
	}
	for _, f := range l.fields {
		f.key.release()
		f.value.release()
	}
}

func (l *literal) problem(format string, args ...any) Problem {
	return Problem{Message: fmt.Sprintf(format, args...), Pos: l.pos, Frame: l.frame(l.length)}
}

// json writes the value as JSON, fields in source order.
func (l *literal) json(b *strings.Builder) {
	scalar := func(v any) {
		text, err := json.Marshal(v)
		if err != nil { // strings, booleans and finite numbers always encode
			panic("script: encode config: " + err.Error())
		}
		b.Write(text)
	}
	switch l.kind {
	case boolLiteral:
		scalar(l.truth)
	case numberLiteral:
		scalar(l.number)
	case stringLiteral:
		scalar(l.text)
	case arrayLiteral:
		b.WriteByte('[')
		for i, item := range l.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.json(b)
		}
		b.WriteByte(']')
	case objectLiteral:
		b.WriteByte('{')
		for i, f := range l.fields {
			if i > 0 {
				b.WriteByte(',')
			}
			scalar(f.key.text)
			b.WriteByte(':')
			f.value.json(b)
		}
		b.WriteByte('}')
	default:
		b.WriteString("null")
	}
}

// literals turns expressions into literals and collects what is none.
type literals struct {
	bundle   *bundle
	problems []Problem
	doubles  []Problem // keys that are there twice: wrong, and no obstacle
}

func (r *literals) refuse(n ast.Node, what string) {
	r.problems = append(r.problems, r.bundle.problem(n, what+"; config is read without running the script, so it may hold only literal values"))
}

func (r *literals) node(n ast.Node, kind literalKind) *literal {
	start := offset(n.Idx0())
	l := &literal{kind: kind, length: max(1, offset(n.Idx1())-start)}
	line, column := lineColumn(r.bundle.code, start)
	l.pos, _ = r.bundle.srcs.original(line, column)
	l.frame = func(length int) string { return r.bundle.srcs.frame(l.pos, length) }
	if kind == objectLiteral || kind == arrayLiteral {
		l.length = 1 // the opening bracket: the rest may be many lines
	}
	return l
}

func (r *literals) read(e ast.Expression) *literal {
	switch e := e.(type) {
	case *ast.NullLiteral:
		return r.node(e, nullLiteral)
	case *ast.BooleanLiteral:
		l := r.node(e, boolLiteral)
		l.truth = e.Value
		return l
	case *ast.NumberLiteral:
		return r.number(e, e, 1)
	case *ast.UnaryExpression:
		if n, ok := e.Operand.(*ast.NumberLiteral); ok && !e.Postfix && e.Operator.String() == "-" {
			return r.number(e, n, -1)
		}
		r.refuse(e, "this is computed")
	case *ast.StringLiteral, *ast.TemplateLiteral:
		if text, ok := stringValue(e); ok {
			l := r.node(e, stringLiteral)
			l.text = text
			return l
		}
		r.refuse(e, "a template with ${…} is computed")
	case *ast.ArrayLiteral:
		return r.array(e)
	case *ast.ObjectLiteral:
		return r.object(e)
	case *ast.Identifier:
		r.refuse(e, fmt.Sprintf("%q is a variable", e.Name.String()))
	case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
		r.refuse(e, "this is a function")
	case nil:
	default:
		r.refuse(e, "this is computed")
	}
	return nil
}

func (r *literals) number(n ast.Node, number *ast.NumberLiteral, sign float64) *literal {
	l := r.node(n, numberLiteral)
	switch v := number.Value.(type) {
	case int64:
		l.number = sign * float64(v)
	case float64:
		l.number = sign * v
	default:
		r.refuse(n, "a bigint has no place in a config")
		return nil
	}
	if math.IsInf(l.number, 0) {
		r.refuse(n, "this number is too large")
		return nil
	}
	return l
}

func (r *literals) array(e *ast.ArrayLiteral) *literal {
	l := r.node(e, arrayLiteral)
	for _, item := range e.Value {
		if item == nil {
			r.refuse(e, "this array has a hole")
			continue
		}
		if v := r.read(item); v != nil {
			l.items = append(l.items, v)
		}
	}
	return l
}

func (r *literals) object(e *ast.ObjectLiteral) *literal {
	l := r.node(e, objectLiteral)
	for _, p := range e.Value {
		keyed, ok := p.(*ast.PropertyKeyed)
		if !ok {
			r.refuse(p, "this is a variable")
			continue
		}
		name, ok := stringValue(keyed.Key)
		if number, isNumber := keyed.Key.(*ast.NumberLiteral); isNumber {
			name, ok = number.Literal, true
		}
		switch {
		case keyed.Computed || !ok:
			r.refuse(keyed.Key, "a key in brackets is computed")
			continue
		case name == "__proto__":
			r.refuse(keyed.Key, "__proto__ is no key")
			continue
		case keyed.Kind != ast.PropertyKindValue:
			r.refuse(keyed.Key, "this is a function")
			continue
		}
		key := r.node(keyed.Key, stringLiteral)
		key.text = name
		if l.get(name) != nil {
			r.doubles = append(r.doubles, key.problem("%q is there twice", name))
		}
		if v := r.read(keyed.Value); v != nil {
			l.fields = append(l.fields, field{key, v})
		}
	}
	return l
}
