// What is in the controls: the schema's defaults, or what was typed and what is
// wrong with it.

package ask

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// prefill puts the defaults into the controls. Those of an object are also
// those of its parts.
func (f *field) prefill() {
	if f.Kind == groupField {
		var members map[string]json.RawMessage
		_ = json.Unmarshal(f.preset, &members) // a default that is no object is none
		for _, sub := range f.Fields {
			if members[sub.key] != nil {
				sub.preset = members[sub.key]
			}
			sub.prefill()
		}
		return
	}
	if f.preset == nil || f.Kind == fixedField || f.Kind == verdictField {
		return
	}
	switch f.Kind {
	case checkField:
		f.On = compact(f.preset) == "true"
	case radioField, selectField, manyField:
		f.tick(f.preset)
	case linesField:
		var lines []string
		if json.Unmarshal(f.preset, &lines) == nil {
			f.Value = strings.Join(lines, "\n")
		}
	case jsonField:
		f.Value = indented(f.preset)
	default:
		if compact(f.preset) != "null" && compact(f.preset) != `""` {
			f.Value = f.local(plain(f.preset))
		}
	}
}

// tick chooses the value, or where many can be chosen, all of its items.
func (f *field) tick(value json.RawMessage) {
	wanted := []json.RawMessage{value}
	if f.Kind == manyField && json.Unmarshal(value, &wanted) != nil {
		return
	}
	for i := range f.Choices {
		c := &f.Choices[i]
		c.On = slices.ContainsFunc(wanted, func(w json.RawMessage) bool { return compact(w) == compact(c.raw) })
	}
}

// local turns a time of JSON into what the control takes, which has no zone.
func (f *field) local(value string) string {
	if f.Input == "datetime-local" || f.Input == "time" {
		return strings.TrimSuffix(value, "Z")
	}
	return value
}

// show puts what is wrong to the fields that it is wrong with. Those that could
// not be read have been told so, and were not in what was checked.
func (q *question) show(troubles []trouble) {
	unread := q.root.all()
	for _, t := range troubles {
		f, rest := q.root.at(t.path)
		message := t.message
		if len(rest) > 0 {
			message = fmt.Sprintf("At %s: %s", strings.Join(rest, ", "), message)
		}
		switch {
		case slices.Contains(unread, f):
		case f.Kind == groupField && f == q.root:
			q.general = append(q.general, message)
		case !slices.Contains(f.Problems, message):
			f.Problems = append(f.Problems, message)
		}
	}
}

// at returns the field at a path, or the one that the place is in and the rest
// of the way.
func (f *field) at(path []string) (*field, []string) {
	if len(path) == 0 {
		return f, nil
	}
	for _, sub := range f.Fields {
		if sub.key == path[0] {
			return sub.at(path[1:])
		}
	}
	if f.Kind == linesField || f.Kind == manyField {
		return f, nil // items have no control of their own
	}
	return f, path
}

// wrong reports whether anything is.
func (q *question) wrong() bool { return len(q.general) > 0 || len(q.root.all()) > 0 }

// all returns the fields with something wrong, in the order of the page.
func (f *field) all() []*field {
	var out []*field
	if len(f.Problems) > 0 {
		out = append(out, f)
	}
	for _, sub := range f.Fields {
		out = append(out, sub.all()...)
	}
	return out
}
