package openapi

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// verbs are the methods that a connection has, in the order they are written.
var verbs = []string{"get", "post", "put", "patch", "delete", "head"}

// pathName is a name in braces, as a connection fills it in.
var pathName = regexp.MustCompile(`\{([^{}]+)\}`)

// jsonMedia is a media type whose bodies are JSON values.
var jsonMedia = regexp.MustCompile(`(?i)^(application|text)/([\w.+-]+\+)?json *(;|$)|^\*/\*$`)

// calls writes the interface Paths: for each path and verb what goes in as the
// options of the call, and result, what its JSON is.
func (w *writer) calls() string {
	var b strings.Builder
	b.WriteString("\texport interface Paths {\n")
	paths := w.doc.Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := paths[path]
		if item == nil {
			continue
		}
		var calls strings.Builder
		for _, verb := range verbs {
			if op := item.GetOperation(strings.ToUpper(verb)); op != nil {
				calls.WriteString(comment(op.Summary, "\t\t\t") + "\t\t\t" + verb + ": " + w.call(path, verb, item, op) + ";\n")
			}
		}
		if calls.Len() > 0 {
			b.WriteString("\t\t" + quote(path) + ": {\n" + calls.String() + "\t\t};\n")
		}
	}
	b.WriteString("\t}\n")
	return b.String()
}

// call is the type of one operation.
func (w *writer) call(path, verb string, item *openapi3.PathItem, op *openapi3.Operation) string {
	parameters := parametersOf(item, op)
	var fields []string
	if at := w.pathValues(path, parameters); at != "" {
		fields = append(fields, "path: "+at)
	}
	if query, needed := w.query(parameters); query != "" {
		fields = append(fields, "query"+mark(needed)+": "+query)
	}
	if body, needed := w.body(op); body != "" {
		fields = append(fields, "json"+mark(needed)+": "+body)
	}
	fields = append(fields, "result: "+w.result(verb, op))
	return "{ " + strings.Join(fields, "; ") + " }"
}

// mark is what follows the name of a property.
func mark(needed bool) string {
	if needed {
		return ""
	}
	return "?"
}

// parametersOf are those of an operation and of its path, by name; the former win.
func parametersOf(item *openapi3.PathItem, op *openapi3.Operation) map[[2]string]*openapi3.Parameter {
	out := map[[2]string]*openapi3.Parameter{}
	for _, ref := range slices.Concat(item.Parameters, op.Parameters) {
		if ref != nil && ref.Value != nil {
			out[[2]string{ref.Value.In, ref.Value.Name}] = ref.Value
		}
	}
	return out
}

// pathValues is the type of the option path: all names in the path's braces,
// described or not.
func (w *writer) pathValues(path string, parameters map[[2]string]*openapi3.Parameter) string {
	var fields []string
	for _, m := range pathName.FindAllStringSubmatch(path, -1) {
		kind := "string | number"
		if p := parameters[[2]string{"path", m[1]}]; p != nil {
			kind = w.plain(p.Schema)
		}
		if field := key(m[1]) + ": " + kind; !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	return braces(fields)
}

// query is the type of the option query, and whether a call needs it.
func (w *writer) query(parameters map[[2]string]*openapi3.Parameter) (kind string, needed bool) {
	var fields []string
	for _, p := range sorted(parameters) {
		if p.In != "query" {
			continue
		}
		exploded := p.Explode == nil || *p.Explode
		shape := shapeOf(p.Schema)
		switch {
		case shape == "array" && exploded && p.Style != "spaceDelimited" && p.Style != "pipeDelimited":
			fields = append(fields, key(p.Name)+mark(p.Required)+": "+w.list(p.Schema.Value))
		case shape == "object" && p.Style == "deepObject": // name[of]=value
			fields = append(fields, "[of: `${"+quote(p.Name)+"}[${string}]`]: string | number | boolean | undefined")
			continue
		default:
			fields = append(fields, key(p.Name)+mark(p.Required)+": "+w.plain(p.Schema))
		}
		needed = needed || p.Required
	}
	return braces(fields), needed
}

// list is the type of a parameter that can be repeated.
func (w *writer) list(s *openapi3.Schema) string {
	if s.Items == nil { // it is one of several
		return "string | readonly (string | number | boolean)[]"
	}
	return "readonly " + enclose(w.plain(s.Items)) + "[]"
}

func sorted(parameters map[[2]string]*openapi3.Parameter) []*openapi3.Parameter {
	return slices.SortedFunc(maps.Values(parameters), func(a, b *openapi3.Parameter) int { return strings.Compare(a.Name, b.Name) })
}

// plain is the type of a value in a path or a query: lists and objects are
// written by whoever calls.
func (w *writer) plain(ref *openapi3.SchemaRef) string {
	if ref == nil || ref.Value == nil {
		return "string"
	}
	if shape := shapeOf(ref); shape != "" {
		return "string"
	}
	switch kind := w.kind(ref, input); kind {
	case "unknown":
		return "string | number | boolean"
	default:
		return kind
	}
}

// shapeOf says whether a schema is an array or an object, or has one among its
// alternatives; else it is empty.
func shapeOf(ref *openapi3.SchemaRef) string { return shapeWithin(ref, 8) }

// shapeWithin looks that many alternatives deep: they can go round in circles.
func shapeWithin(ref *openapi3.SchemaRef, depth int) string {
	if ref == nil || ref.Value == nil || depth == 0 {
		return ""
	}
	s := ref.Value
	switch {
	case s.Type.Includes("array") || s.Items != nil:
		return "array"
	case s.Type.Includes("object") || len(s.Properties) > 0:
		return "object"
	}
	for _, part := range slices.Concat(s.OneOf, s.AnyOf, s.AllOf) {
		if shape := shapeWithin(part, depth-1); shape != "" {
			return shape
		}
	}
	return ""
}

// body is the type of the option json, and whether a call needs it. A body that
// can also have another form is not needed as JSON.
func (w *writer) body(op *openapi3.Operation) (kind string, needed bool) {
	if op.RequestBody == nil || op.RequestBody.Value == nil {
		return "", false
	}
	body := op.RequestBody.Value
	media := jsonOf(body.Content)
	if media == nil {
		return "", false
	}
	return w.kind(media.Schema, input), body.Required && len(body.Content) == 1
}

// result is what the JSON of a good answer is.
func (w *writer) result(verb string, op *openapi3.Operation) string {
	if op.Responses == nil || verb == "head" {
		return "undefined"
	}
	responses := op.Responses.Map()
	var good []string
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		if strings.HasPrefix(status, "2") {
			good = append(good, status)
		}
	}
	if len(good) == 0 {
		good = []string{"default"}
	}
	var kinds []string
	for _, status := range good {
		ref := responses[status]
		switch {
		case ref == nil || ref.Value == nil:
		case len(ref.Value.Content) == 0:
			kinds = append(kinds, "undefined")
		case jsonOf(ref.Value.Content) != nil:
			kinds = append(kinds, w.kind(jsonOf(ref.Value.Content).Schema, output))
		default:
			kinds = append(kinds, "unknown")
		}
	}
	return union(kinds)
}

// jsonOf is the first JSON form of a body, application/json before others.
func jsonOf(content openapi3.Content) *openapi3.MediaType {
	if media := content["application/json"]; media != nil {
		return media
	}
	for _, name := range slices.Sorted(maps.Keys(content)) {
		if media := content[name]; media != nil && jsonMedia.MatchString(name) {
			return media
		}
	}
	return nil
}
