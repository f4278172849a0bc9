package openapi

import (
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

const componentSchemas = "#/components/schemas/"

// writer writes the types of one description. A schema that is referred to has a
// name and is written once, so that schemas can refer to themselves; those that
// nothing refers to are not written.
type writer struct {
	doc   *openapi3.T
	names map[place]string
	taken map[string]bool
	both  map[string]bool // by reference: one type does for both directions
	queue []declared      // and not written yet
}

// place is a schema that is referred to, and where what it describes goes.
type place struct {
	ref  string
	goes direction
}

// declared is a place with its name, and what is there.
type declared struct {
	place
	name string
	at   *openapi3.SchemaRef
}

func newWriter(doc *openapi3.T) *writer {
	return &writer{doc: doc, names: map[place]string{}, taken: map[string]bool{"Paths": true}, both: map[string]bool{}}
}

// write is the body of a module: Paths, then the types it needs.
func (w *writer) write() string {
	var b strings.Builder
	b.WriteString(w.calls())
	for len(w.queue) > 0 {
		p := w.queue[0]
		w.queue = w.queue[1:]
		b.WriteString("\n" + w.declaration(p))
	}
	return b.String()
}

// declaration is an interface where the schema is an object and nothing else, and
// an alias for all others.
func (w *writer) declaration(p declared) string {
	name := p.name
	if p.at.Ref != "" {
		return "\texport type " + name + " = " + w.kind(p.at, p.goes) + ";\n"
	}
	s := p.at.Value
	about := comment(s.Description, "\t")
	plain := s.Type.Is("object") && !s.Nullable && len(s.Enum)+len(s.OneOf)+len(s.AnyOf)+len(s.AllOf) == 0 && s.Const == nil && s.Always == nil
	if !plain {
		return about + "\texport type " + name + " = " + w.inline(s, p.goes) + ";\n"
	}
	var b strings.Builder
	b.WriteString(about + "\texport interface " + name + " {\n")
	for _, field := range w.fields(s, p.goes) {
		b.WriteString("\t\t" + field + ";\n")
	}
	b.WriteString("\t}\n")
	return b.String()
}

// named is the name of the type that a reference leads to.
func (w *writer) named(ref *openapi3.SchemaRef, d direction) string {
	at := w.at(ref)
	same, known := w.both[ref.Ref]
	if !known {
		same = !w.differs(at.Value, map[*openapi3.Schema]bool{})
		w.both[ref.Ref] = same
	}
	p := place{ref: ref.Ref}
	if !same {
		p.goes = d
	}
	name, ok := w.names[p]
	if !ok {
		name = w.free(identifier(ref.Ref), p.goes)
		w.names[p] = name
		w.queue = append(w.queue, declared{p, name, at})
	}
	return name
}

// at is where the schema is that a reference leads to. A reference has a copy of
// it, to which it may have added something.
func (w *writer) at(ref *openapi3.SchemaRef) *openapi3.SchemaRef {
	if name, ok := strings.CutPrefix(ref.Ref, componentSchemas); ok && w.doc.Components != nil {
		if found := w.doc.Components.Schemas[name]; found != nil && found.Value != nil {
			return found
		}
	}
	return &openapi3.SchemaRef{Value: ref.Value}
}

// free makes a name that no other type has.
func (w *writer) free(name string, d direction) string {
	if d == input {
		name += "Input"
	}
	unique := name
	for n := 2; w.taken[unique]; n++ {
		unique = fmt.Sprintf("%s%d", name, n)
	}
	w.taken[unique] = true
	return unique
}
