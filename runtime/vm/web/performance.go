package web

import (
	"slices"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// performanceState is the state of the performance object; what it collects
// belongs to the run.
type performanceState struct {
	vm.Cell
	r *realm
}

// entry is a mark or a measure.
type entry struct {
	name, kind      string
	start, duration float64
	detail          goja.Value
}

// maxEntries bounds what a script can pile up.
const maxEntries = 10_000

// now is the script's clock in milliseconds. It stands still within a turn and
// counts from timeOrigin, which is zero, so that it means the same whenever a
// VM was made.
func (r *realm) now() float64 {
	return float64(r.v.Now().UnixMicro()) / 1000
}

func (r *realm) makePerformance() goja.Value {
	c := r.newClass("Performance", nil, nil)
	p := &performanceState{r: r}
	method(c, "now", func(*performanceState, goja.FunctionCall) goja.Value { return r.rt.ToValue(r.now()) })
	getter(c, "timeOrigin", func(*performanceState) any { return 0 })
	method(c, "mark", func(p *performanceState, f goja.FunctionCall) goja.Value {
		e := entry{name: r.text(r.v.Arg(f, 0)), kind: "mark", start: r.now()}
		dict := r.dictionary(r.v.Arg(f, 1), "the options of mark")
		if at := option(dict, "startTime"); at != nil {
			e.start = at.ToFloat()
		}
		e.detail = option(dict, "detail")
		return p.add(e)
	})
	method(c, "measure", func(p *performanceState, f goja.FunctionCall) goja.Value { return p.measure(f) })
	for _, name := range []string{"getEntries", "getEntriesByName", "getEntriesByType"} {
		method(c, name, func(p *performanceState, f goja.FunctionCall) goja.Value {
			return p.find(name, r.v.Arg(f, 0))
		})
	}
	for _, kind := range []string{"mark", "measure"} {
		name := map[string]string{"mark": "clearMarks", "measure": "clearMeasures"}[kind]
		method(c, name, func(p *performanceState, f goja.FunctionCall) goja.Value {
			only := r.v.Arg(f, 0)
			run := r.perRun()
			run.entries = slices.DeleteFunc(run.entries, func(e entry) bool {
				return e.kind == kind && (goja.IsUndefined(only) || e.name == r.text(only))
			})
			return goja.Undefined()
		})
	}
	return c.object(p)
}

func (p *performanceState) add(e entry) goja.Value {
	run := p.r.perRun()
	if len(run.entries) >= maxEntries {
		p.r.throw("RangeError", "performance keeps at most 10000 entries; call clearMarks and clearMeasures")
	}
	run.entries = append(run.entries, e)
	return p.object(e)
}

func (p *performanceState) object(e entry) goja.Value {
	o := p.r.rt.NewObject()
	check(o.Set("name", e.name))
	check(o.Set("entryType", e.kind))
	check(o.Set("startTime", e.start))
	check(o.Set("duration", e.duration))
	check(o.Set("detail", orNull(e.detail)))
	return o
}

// measure is measure(name, start, end) or measure(name, {start, end, detail}).
func (p *performanceState) measure(f goja.FunctionCall) goja.Value {
	r := p.r
	e := entry{name: r.text(r.v.Arg(f, 0)), kind: "measure"}
	from, to := r.v.Arg(f, 1), r.v.Arg(f, 2)
	if dict, ok := from.(*goja.Object); ok {
		e.detail = option(dict, "detail")
		from, to = option(dict, "start"), option(dict, "end")
	}
	e.start = p.at(from, 0)
	e.duration = p.at(to, r.now()) - e.start
	return p.add(e)
}

// at reads a time: a number, the name of a mark, or the default.
func (p *performanceState) at(value goja.Value, otherwise float64) float64 {
	if vm.IsNone(value) {
		return otherwise
	}
	if goja.IsNumber(value) {
		return value.ToFloat()
	}
	name := p.r.text(value)
	for _, e := range slices.Backward(p.r.perRun().entries) {
		if e.kind == "mark" && e.name == name {
			return e.start
		}
	}
	p.r.throw("SyntaxError", "performance.measure: there is no mark "+quoted(name))
	return 0
}

func (p *performanceState) find(method string, key goja.Value) goja.Value {
	found := []any{}
	for _, e := range p.r.perRun().entries {
		if method == "getEntries" || method == "getEntriesByName" && e.name == p.r.text(key) || method == "getEntriesByType" && e.kind == p.r.text(key) {
			found = append(found, p.object(e))
		}
	}
	return p.r.rt.NewArray(found...)
}
