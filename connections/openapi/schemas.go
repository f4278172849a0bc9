package openapi

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// A schema means one type for what is sent and another for what arrives, where
// it has properties that are only read or only written.
type direction int

const (
	output direction = iota
	input
)

// kind is the TypeScript of a schema: the name of one that is referred to, or
// else all of it.
func (w *writer) kind(ref *openapi3.SchemaRef, d direction) string {
	if ref == nil || ref.Value == nil {
		return "unknown"
	}
	if ref.Ref != "" {
		return w.named(ref, d)
	}
	return w.inline(ref.Value, d)
}

// inline is the TypeScript of a schema itself.
func (w *writer) inline(s *openapi3.Schema, d direction) string {
	if s.Always != nil {
		if *s.Always {
			return "unknown"
		}
		return "never"
	}
	composed := len(s.OneOf)+len(s.AnyOf)+len(s.AllOf) > 0
	var parts []string
	if literals := literalsOf(s); literals != "" {
		parts = append(parts, literals)
	} else if base := w.base(s, d, composed); base != "unknown" {
		parts = append(parts, base)
	}
	for _, of := range s.AllOf {
		parts = append(parts, w.kind(of, d))
	}
	for _, choices := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf} {
		var kinds []string
		for _, of := range choices {
			kinds = append(kinds, w.kind(of, d))
		}
		if len(kinds) > 0 {
			parts = append(parts, union(kinds))
		}
	}
	out := intersection(parts)
	if s.Nullable && out != "unknown" && !slices.ContainsFunc(s.Enum, func(v any) bool { return v == nil }) {
		out = union([]string{out, "null"})
	}
	return out
}

// literalsOf is an enumeration or a constant; empty if the schema is neither, or
// has values that TypeScript has no literals for.
func literalsOf(s *openapi3.Schema) string {
	values := s.Enum
	if s.Const != nil {
		values = []any{s.Const}
	}
	var out []string
	for _, v := range values {
		text, ok := literal(v)
		if !ok {
			return ""
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return ""
	}
	return union(out)
}

// base is what the keyword type says, or the keywords that imply one. An object
// without properties that is composed of others says nothing of its own.
func (w *writer) base(s *openapi3.Schema, d direction, composed bool) string {
	types := s.Type.Slice()
	if len(types) == 0 {
		switch {
		case len(s.Properties) > 0 || s.AdditionalProperties.Schema != nil:
			types = []string{"object"}
		case s.Items != nil || len(s.PrefixItems) > 0:
			types = []string{"array"}
		}
	}
	var kinds []string
	for _, t := range types {
		switch t {
		case "string", "boolean", "null":
			kinds = append(kinds, t)
		case "integer", "number":
			kinds = append(kinds, "number")
		case "array":
			kinds = append(kinds, w.array(s, d))
		case "object":
			if composed && len(s.Properties) == 0 && s.AdditionalProperties.Schema == nil {
				continue
			}
			kinds = append(kinds, cmp.Or(braces(w.fields(s, d)), "{}"))
		default:
			kinds = append(kinds, "unknown")
		}
	}
	return union(kinds)
}

func (w *writer) array(s *openapi3.Schema, d direction) string {
	rest := "unknown"
	if s.Items != nil {
		rest = w.kind(s.Items, d)
	}
	if len(s.PrefixItems) == 0 {
		return enclose(rest) + "[]"
	}
	var items []string
	for _, item := range s.PrefixItems {
		items = append(items, w.kind(item, d))
	}
	if s.Items == nil || s.Items.Value == nil || s.Items.Value.Always == nil || *s.Items.Value.Always {
		items = append(items, "..."+enclose(rest)+"[]")
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// fields are the properties of an object, with their comments.
func (w *writer) fields(s *openapi3.Schema, d direction) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		ref := s.Properties[name]
		if ref == nil || ref.Value == nil || hidden(ref.Value, d) {
			continue
		}
		about := ""
		if ref.Ref == "" {
			about = strings.ReplaceAll(comment(ref.Value.Description, ""), "\n", " ")
		}
		out = append(out, about+key(name)+mark(slices.Contains(s.Required, name))+": "+w.kind(ref, d))
	}
	more := s.AdditionalProperties
	switch {
	case more.Has != nil && !*more.Has:
		if len(s.Properties) == 0 {
			out = append(out, "[name: string]: never")
		}
	case len(s.Properties) == 0 && more.Schema != nil:
		out = append(out, "[name: string]: "+w.kind(more.Schema, d))
	case len(s.Properties) == 0 || more.Schema != nil || more.Has != nil:
		out = append(out, "[name: string]: unknown") // what is named above has other types
	}
	return out
}

// hidden says that a property is not there in this direction.
func hidden(s *openapi3.Schema, d direction) bool {
	return d == input && s.ReadOnly || d == output && s.WriteOnly
}

// differs says whether a schema, or one that it refers to, has properties for one
// direction only.
func (w *writer) differs(s *openapi3.Schema, seen map[*openapi3.Schema]bool) bool {
	if s == nil || seen[s] {
		return false
	}
	seen[s] = true
	parts := slices.Concat(s.OneOf, s.AnyOf, s.AllOf, s.PrefixItems, openapi3.SchemaRefs{s.Items, s.AdditionalProperties.Schema})
	for _, ref := range s.Properties {
		if ref != nil && ref.Value != nil && (ref.Value.ReadOnly || ref.Value.WriteOnly) {
			return true
		}
		parts = append(parts, ref)
	}
	return slices.ContainsFunc(parts, func(ref *openapi3.SchemaRef) bool { return ref != nil && w.differs(ref.Value, seen) })
}
