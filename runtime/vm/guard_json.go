package vm

import (
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// jsonGuards guard JSON: nesting on the way in, and on the way out what makes
// text that is much longer than the value.
var jsonGuards = []guarded{
	{holder: "JSON", name: "parse", length: 2, asks: []string{".parse", "\"parse", "JSON["}, wrap: guardParse},
	{holder: "JSON", name: "stringify", length: 3, when: makesHuge | makesLists, wrap: guardStringify},
}

// guardParse puts our own parser in the place of goja's, which recurses as deep
// as the text says and takes several times as long. A reviver is goja's to call.
func guardParse(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		value := v.Arg(c, 0)
		if _, isSymbol := value.(*goja.Symbol); isSymbol {
			return f(c) // it throws
		}
		s := value.ToString()
		if _, ok := v.Arg(c, 1).(*goja.Object); ok {
			v.checkJSON(s.String())
			return f(goja.FunctionCall{This: c.This, Arguments: []goja.Value{s, c.Arguments[1]}})
		}
		p := jsonParser{v: v, text: []byte(s.String())}
		p.space()
		parsed, ok := p.value(0)
		if ok {
			p.space()
			if p.pos == len(p.text) {
				return parsed
			}
			p.fail("text after the end")
		}
		v.wrongJSON(&p)
		return nil
	}
}

// checkJSON throws when a text is nested too deeply for goja.
func (v *VM) checkJSON(text string) {
	s := &jsonScan{jsonParser: jsonParser{v: v, text: []byte(text)}}
	s.skip()
	if !s.any(0) && s.deep {
		v.wrongJSON(&s.jsonParser)
	}
}

// wrongJSON throws what JSON.parse throws of a wrong text.
func (v *VM) wrongJSON(p *jsonParser) {
	if p.deep {
		v.rangeError("JSON nested more than %d levels deep can not be parsed", maxJSONDepth)
	}
	message := strings.TrimPrefix(call.From(p.err()).Message, "not valid JSON: ")
	panic(v.NewError(&call.Error{Name: "SyntaxError", Message: "JSON.parse: " + message}))
}

// guardStringify guards lists of names that are only long, and indentation, which
// is as long as the value is deep, on every line.
func guardStringify(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		v.checkLength(v.Arg(c, 0), maxItems)
		v.checkLength(v.Arg(c, 1), maxReplacers)
		if space := v.Arg(c, 2); !IsNone(space) {
			d := depthOf{v: v, seen: map[*goja.Object]bool{}}
			d.walk(c.Arguments[0], 0)
		}
		return f(c)
	}
}

// depthOf finds out whether a value is nested too deeply, without running code
// of the script.
type depthOf struct {
	v    *VM
	seen map[*goja.Object]bool
}

func (d *depthOf) walk(value goja.Value, depth int) {
	obj, ok := value.(*goja.Object)
	if !ok || d.seen[obj] || obj.ExportType() == proxyType {
		return
	}
	if depth > maxJSONDepth {
		d.v.rangeError("a value nested more than %d levels deep can not be indented", maxJSONDepth)
	}
	d.seen[obj] = true
	for _, key := range obj.Keys() {
		d.walk(d.v.ownData(obj, key), depth+1)
	}
}
