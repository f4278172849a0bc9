package web

import (
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// console is the console object of one VM.
type console struct{ r *realm }

// consoleState is what the console remembers from line to line, in one run.
type consoleState struct {
	indent int
	counts map[string]int
	starts map[string]float64
}

func (c *console) state() *consoleState {
	s := &c.r.perRun().console
	if s.counts == nil {
		s.counts, s.starts = map[string]int{}, map[string]float64{}
	}
	return s
}

// The bounds of one printed line and of what the console remembers.
const (
	maxMessage = 32 << 10
	maxLabels  = 1000
	maxIndent  = 20
)

func (r *realm) makeConsole() goja.Value {
	c := &console{r: r}
	o := r.rt.NewObject()
	def := func(name string, f func(f goja.FunctionCall)) {
		fn := r.v.Func(name, func(fc goja.FunctionCall) goja.Value {
			f(fc)
			return goja.Undefined()
		})
		check(o.DefineDataProperty(name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE))
	}
	for _, level := range [][2]string{{"log", "info"}, {"info", "info"}, {"debug", "debug"}, {"warn", "warn"}, {"error", "error"}} {
		def(level[0], func(f goja.FunctionCall) { c.print(level[1], c.args(f, 0)) })
	}
	def("trace", func(f goja.FunctionCall) { c.trace(c.args(f, 0)) })
	def("assert", func(f goja.FunctionCall) { c.assert(f) })
	def("dir", func(f goja.FunctionCall) { c.line("info", c.r.inspect(r.v.Arg(f, 0), maxInspectDepth), nil) })
	def("table", func(f goja.FunctionCall) { c.table(r.v.Arg(f, 0), r.v.Arg(f, 1)) })
	for _, name := range []string{"group", "groupCollapsed"} {
		def(name, func(f goja.FunctionCall) {
			if len(f.Arguments) > 0 {
				c.print("info", c.args(f, 0))
			}
			s := c.state()
			s.indent = min(s.indent+1, maxIndent)
		})
	}
	def("groupEnd", func(goja.FunctionCall) {
		s := c.state()
		s.indent = max(s.indent-1, 0)
	})
	c.counters(def)
	c.stopwatches(def)
	check(o.DefineDataPropertySymbol(goja.SymToStringTag, r.rt.ToValue("console"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	return o
}

// args returns the arguments from the i-th on, without Go nils.
func (c *console) args(f goja.FunctionCall, i int) []goja.Value {
	var list []goja.Value
	for ; i < len(f.Arguments); i++ {
		list = append(list, c.r.v.Arg(f, i))
	}
	return list
}

// print prints the arguments of log and its kin. A plain object at the end
// becomes the line's fields.
func (c *console) print(level string, args []goja.Value) {
	args, fields := c.fields(args)
	c.line(level, c.format(args), fields)
}

// line hands a line to the host.
func (c *console) line(level, msg string, fields []byte) {
	if indent := c.r.perRun().console.indent; indent > 0 {
		pad := strings.Repeat("  ", indent)
		msg = pad + strings.ReplaceAll(msg, "\n", "\n"+pad)
	}
	c.r.v.Note(level, clipTo(msg, maxMessage), fields)
}

// clipTo cuts s to at most n bytes, and says so.
func clipTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// fields takes a plain object off the end of args, when there is a message
// before it that does not use it up, as JSON.
func (c *console) fields(args []goja.Value) ([]goja.Value, []byte) {
	last := len(args) - 1
	if last < 1 || !goja.IsString(args[0]) || placeholders(clipTo(args[0].String(), maxMessage)) >= last {
		return args, nil
	}
	obj, ok := vm.Materialized(args[last]).(*goja.Object)
	if !ok || !c.r.isPlain(obj) {
		return args, nil
	}
	b := c.r.fieldsJSON(obj)
	if b == nil {
		return args, nil
	}
	return args[:last], b
}

// placeholders counts the arguments that a format string takes.
func placeholders(format string) (n int) {
	for i := 0; i+1 < len(format); i++ {
		if format[i] == '%' {
			if strings.IndexByte("sdifjoOc", format[i+1]) >= 0 {
				n++
			}
			i++
		}
	}
	return n
}

// format joins the arguments, filling the placeholders of a format string.
func (c *console) format(args []goja.Value) string {
	var b strings.Builder
	if len(args) > 1 && goja.IsString(args[0]) {
		used := c.fill(&b, clipTo(args[0].String(), maxMessage), args[1:])
		args = args[1+used:]
		if len(args) > 0 {
			b.WriteByte(' ')
		}
	}
	for i, arg := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		if b.Len() > maxMessage {
			break
		}
		b.WriteString(c.shown(arg))
	}
	return b.String()
}

// shown is how an argument stands in a message: strings are themselves.
func (c *console) shown(value goja.Value) string {
	if goja.IsString(value) {
		return clipTo(value.String(), maxMessage)
	}
	return c.r.inspect(value, 4)
}

// fill writes a format string and returns how many arguments it used.
func (c *console) fill(b *strings.Builder, format string, args []goja.Value) (used int) {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		verb := format[i+1]
		if verb == '%' {
			b.WriteByte('%')
			i++
			continue
		}
		if used >= len(args) || strings.IndexByte("sdifjoOc", verb) < 0 {
			b.WriteByte('%')
			continue
		}
		b.WriteString(c.verb(verb, args[used]))
		used++
		i++
	}
	return used
}

func (c *console) verb(verb byte, value goja.Value) string {
	_, isObject := value.(*goja.Object)
	_, isSymbol := value.(*goja.Symbol)
	switch verb {
	case 'c':
		return ""
	case 's':
		return c.shown(value)
	case 'j':
		if b, err := c.r.v.Stringify(value); err == nil && b != nil {
			return string(b)
		}
	case 'd', 'i', 'f':
		if isObject || isSymbol {
			return "NaN"
		}
		return number(verb, value)
	}
	return c.r.inspect(value, maxInspectDepth)
}

func number(verb byte, value goja.Value) string {
	if goja.IsBigInt(value) {
		return value.String() + "n"
	}
	f := value.ToFloat()
	if verb == 'i' && f == f && f < 1e18 && f > -1e18 {
		return strconv.FormatInt(int64(f), 10)
	}
	return value.ToNumber().String()
}

func (c *console) trace(args []goja.Value) {
	obj, err := c.r.rt.New(c.r.intrinsic("Error"))
	check(err)
	head := "Trace"
	if text := c.format(args); text != "" {
		head += ": " + text
	}
	stack := ""
	if s := c.r.own(obj, "stack"); s != nil {
		stack = s.String()
	}
	c.line("debug", orText(vm.CleanStack(head, stack), head), nil)
}

func (c *console) assert(f goja.FunctionCall) {
	if c.r.v.Arg(f, 0).ToBoolean() {
		return
	}
	args, fields := c.fields(c.args(f, 1))
	msg := "Assertion failed"
	if len(args) > 0 {
		msg += ": " + c.format(args)
	}
	c.line("error", msg, fields)
}

// label reads the name of a counter or a stopwatch.
func (c *console) label(f goja.FunctionCall) string {
	if value := c.r.v.Arg(f, 0); !goja.IsUndefined(value) {
		return clipText(c.r.text(value))
	}
	return "default"
}

func (c *console) counters(def func(string, func(goja.FunctionCall))) {
	def("count", func(f goja.FunctionCall) {
		label, s := c.label(f), c.state()
		if len(s.counts) < maxLabels || s.counts[label] > 0 {
			s.counts[label]++
		}
		c.line("info", label+": "+strconv.Itoa(s.counts[label]), nil)
	})
	def("countReset", func(f goja.FunctionCall) { delete(c.state().counts, c.label(f)) })
}

// stopwatches measure by the script's clock: what passes while a turn
// executes does not count, what passes between turns does.
func (c *console) stopwatches(def func(string, func(goja.FunctionCall))) {
	report := func(f goja.FunctionCall) {
		label := c.label(f)
		start, ok := c.state().starts[label]
		if !ok {
			c.line("warn", "console.time was not called for "+quoteText(label), nil)
			return
		}
		ms := strconv.FormatFloat(c.r.now()-start, 'f', -1, 64)
		msg := label + ": " + ms + " ms"
		if rest := c.args(f, 1); len(rest) > 0 {
			msg += " " + c.format(rest)
		}
		c.line("info", msg, nil)
	}
	def("time", func(f goja.FunctionCall) {
		if s := c.state(); len(s.starts) < maxLabels {
			s.starts[c.label(f)] = c.r.now()
		}
	})
	def("timeLog", report)
	def("timeEnd", func(f goja.FunctionCall) {
		report(f)
		delete(c.state().starts, c.label(f))
	})
}
