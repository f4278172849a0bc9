package vm

import (
	"math"

	"github.com/dop251/goja"
)

// textGuards guard what makes long strings of short ones.
var textGuards = []guarded{
	{holder: "String.prototype", name: "repeat", length: 1, wrap: guardRepeat},
	{holder: "String.prototype", name: "padStart", length: 1, wrap: guardPad},
	{holder: "String.prototype", name: "padEnd", length: 1, wrap: guardPad},
	{holder: "String.prototype", name: "concat", length: 1, when: makesLong, wrap: guardTextConcat},
	{holder: "String.prototype", name: "replace", length: 2, when: makesLong, wrap: guardReplace},
	{holder: "String.prototype", name: "replaceAll", length: 2, when: makesLong, wrap: guardReplace},
	{holder: "String.prototype", name: "split", length: 2, when: makesLong, wrap: guardSplit},
	{holder: "String", name: "raw", length: 1, asks: []string{".raw", "\"raw"}, when: makesHuge, wrap: guardRaw},
}

// textOf converts the receiver of a string method, once. What can not be one is
// left to the built-in, which says so.
func textOf(this goja.Value) (s goja.String, ok bool) {
	if this == nil || goja.IsUndefined(this) || goja.IsNull(this) {
		return nil, false
	}
	if s, ok := this.(goja.String); ok {
		return s, true
	}
	if _, isSymbol := this.(*goja.Symbol); isSymbol {
		return nil, false
	}
	s, ok = this.ToString().(goja.String)
	return s, ok
}

// numberAt converts an argument to a number, once, in place.
func numberAt(c *goja.FunctionCall, i int) float64 {
	if i >= len(c.Arguments) || c.Arguments[i] == nil {
		return 0
	}
	n := c.Arguments[i].ToNumber()
	c.Arguments = append([]goja.Value(nil), c.Arguments...)
	c.Arguments[i] = n
	return n.ToFloat()
}

func guardRepeat(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		if s, ok := textOf(c.This); ok {
			c.This = s
			if n := numberAt(&c, 0); n > 1 && !math.IsInf(n, 1) { // for ever has an error of its own
				v.tooMuch("a repeated string", float64(s.Length())*n, maxText, "characters")
			}
		}
		return f(c)
	}
}

func guardPad(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		if s, ok := textOf(c.This); ok {
			c.This = s
			if n := numberAt(&c, 0); n > maxText && !padsNothing(&c) {
				v.tooMuch("a padded string", n, maxText, "characters")
			}
		}
		return f(c)
	}
}

// padsNothing converts what a string is padded with, once, in place, and reports
// whether it is empty: then the length does not matter.
func padsNothing(c *goja.FunctionCall) bool {
	if len(c.Arguments) < 2 || IsNone(c.Arguments[1]) {
		return false
	}
	s, ok := partOf(c.Arguments[1])
	if ok {
		c.Arguments[1] = s // numberAt made them ours
	}
	return ok && s.Length() == 0
}

func guardTextConcat(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		s, ok := textOf(c.This)
		if !ok {
			return f(c)
		}
		length := s.Length()
		args := make([]goja.Value, len(c.Arguments))
		for i := range c.Arguments {
			args[i] = v.Arg(c, i)
			if part, ok := partOf(args[i]); ok {
				args[i] = part
				length += part.Length()
			}
		}
		v.tooMuch("a string", float64(length), maxText, "characters")
		return f(goja.FunctionCall{This: s, Arguments: args})
	}
}

// partOf converts an argument to a string, once. Symbols are left to the
// built-in, which throws.
func partOf(value goja.Value) (goja.String, bool) {
	if s, ok := value.(goja.String); ok {
		return s, true
	}
	if _, isSymbol := value.(*goja.Symbol); isSymbol {
		return nil, false
	}
	s, ok := value.ToString().(goja.String)
	return s, ok
}

// guardSplit guards splitting into single characters.
func guardSplit(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		s, ok := c.This.(goja.String)
		if by, isText := v.Arg(c, 0).(goja.String); ok && isText && by.Length() == 0 && s.Length() > maxItems {
			most := float64(s.Length())
			if n, ok := plainNumber(v.Arg(c, 1)); ok && n >= 0 {
				most = min(most, n)
			}
			v.tooMuch("an array", most, maxItems, "elements")
		}
		return f(c)
	}
}

func guardRaw(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		if strings, ok := v.Arg(c, 0).(*goja.Object); ok {
			v.checkLength(v.ownData(strings, "raw"), maxItems)
		}
		return f(c)
	}
}
