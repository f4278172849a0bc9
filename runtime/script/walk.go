package script

import (
	"reflect"

	"github.com/dop251/goja/ast"
)

// walk calls visit for every node below v, parents first. The parser's tree has
// no visitor of its own and some sixty types, so this one goes over their fields;
// sources are checked for nesting before they are parsed, which bounds it.
func walk(v reflect.Value, visit func(ast.Node)) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return
		}
		if v.Kind() == reflect.Pointer {
			if n, ok := reflect.TypeAssert[ast.Node](v); ok {
				visit(n)
			}
		}
		walk(v.Elem(), visit)
	case reflect.Slice:
		switch v.Type().Elem().Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Struct:
			for i := range v.Len() {
				walk(v.Index(i), visit)
			}
		}
	case reflect.Struct:
		t := v.Type()
		for i := range v.NumField() {
			// Declarations are listed a second time beside their statements.
			if t.Field(i).Name != "DeclarationList" && t.Field(i).IsExported() {
				walk(v.Field(i), visit)
			}
		}
	}
}

func walkStatements(list []ast.Statement, visit func(ast.Node)) {
	walk(reflect.ValueOf(list), visit)
}
