// From a schema to the fields of a form.

package ask

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// control is how a value is asked for.
type control string

const (
	textField    control = "text"    // a line; Input says of which type
	longField    control = "long"    // a text of several lines
	numberField  control = "number"  // Step 1 for whole ones
	checkField   control = "check"   // yes or no
	verdictField control = "verdict" // yes or no, and it is all that is asked: two buttons
	radioField   control = "radio"   // one of few
	selectField  control = "select"  // one of many
	manyField    control = "many"    // any of them
	linesField   control = "lines"   // a list of texts, one a line
	fixedField   control = "fixed"   // there is one value
	groupField   control = "group"   // an object
	jsonField    control = "json"    // anything else
)

// field is a value of the answer and its control. Its exported members are
// what the page shows.
type field struct {
	Kind     control
	ID       string // of the control in the page
	Name     string // of the control in the form
	Label    string
	Hint     string
	Required bool
	Must     bool   // the box has to be ticked
	Input    string // the input's type
	Min, Max string
	Step     string
	MinLength, MaxLength,
	Example string // a placeholder
	Choices  []choice
	Fields   []*field
	Value    string // what is in the control
	On       bool   // the box is ticked
	Problems []string

	key      string // in the object around it
	path     []string
	nullable bool
	fixed    json.RawMessage
	preset   json.RawMessage
}

// choice is one value to choose.
type choice struct {
	ID, Value, Label, Hint string
	On                     bool

	raw json.RawMessage
}

const (
	// rootName is the name of the whole answer's control; those of its parts
	// follow after slashes.
	rootName = "answer"
	// fewChoices are shown all at once.
	fewChoices = 6
	// longText is where a line is not enough.
	longText = 140
	// mostDepth is how deep objects have controls: the answer, and in it.
	mostDepth = 1
)

// newForm makes the form of a schema.
func newForm(schema json.RawMessage) *field {
	m := &maker{reader: reader{schema}}
	f := m.field(schema, nil, 0)
	f.Required = true
	switch {
	case f.Kind == checkField && !f.Must:
		f.Kind, f.Choices = verdictField, []choice{{Value: "true", Label: "Yes"}, {Value: "false", Label: "No"}}
	case f.Kind != groupField && f.Label == "":
		f.Label = "Your answer"
	}
	return f
}

// Needed reports whether a browser should insist on a value.
func (f *field) Needed() bool { return f.Required && !f.nullable }

// Anchor is the control that a link to the field leads to.
func (f *field) Anchor() string {
	if len(f.Choices) > 0 && f.Kind != selectField {
		return f.Choices[0].ID
	}
	return f.ID
}

// maker makes fields and numbers them.
type maker struct {
	reader
	last int
}

func (m *maker) id() string {
	m.last++
	return "f" + strconv.Itoa(m.last)
}

// field makes the field of one schema.
func (m *maker) field(schema json.RawMessage, path []string, depth int) *field {
	f := &field{Kind: jsonField, ID: m.id(), Name: nameOf(path), path: path}
	n, nullable := m.read(schema)
	if n == nil {
		return f
	}
	if len(n.Type) == 0 && n.Properties != nil {
		n.Type = types{"object"} // it goes without saying
	}
	f.nullable = nullable
	f.Label, f.Hint, f.preset = n.Title, n.Description, n.Default
	switch {
	case n.odd():
	case n.Const != nil && compact(n.Const) != "true":
		f.Kind, f.fixed = fixedField, n.Const
		f.Value = plain(n.Const)
	case n.Const != nil, len(n.Type) == 1 && n.Type[0] == "boolean" && n.Enum == nil:
		f.Kind, f.Must = checkField, n.Const != nil
	case n.choices() != nil:
		f.choose(n.choices(), m)
	case len(n.Type) != 1:
	default:
		m.typed(f, n, depth)
	}
	return f
}

// typed makes the control for a type.
func (m *maker) typed(f *field, n *node, depth int) {
	switch n.Type[0] {
	case "string":
		f.text(n)
	case "number", "integer":
		f.Kind, f.Min, f.Max, f.Step = numberField, n.Minimum.String(), n.Maximum.String(), "any"
		if n.Type[0] == "integer" {
			f.Step = "1"
		}
		if n.MultipleOf != "" && (f.Min == "" || f.Min == "0") { // a browser counts steps from the minimum
			f.Step = n.MultipleOf.String()
		}
	case "array":
		m.array(f, n)
	case "object":
		if n.Properties != nil && depth <= mostDepth && n.AnyOf == nil && n.OneOf == nil {
			m.group(f, n, depth)
		}
	}
}

func (m *maker) group(f *field, n *node, depth int) {
	f.Kind = groupField
	for _, p := range n.Properties {
		sub := m.field(p.schema, append(slices.Clone(f.path), p.name), depth+1)
		sub.key = p.name
		sub.Required = slices.Contains(n.Required, p.name)
		if sub.Label == "" {
			sub.Label = words(p.name)
		}
		f.Fields = append(f.Fields, sub)
	}
}

func (m *maker) array(f *field, n *node) {
	item, _ := m.read(n.Items)
	switch {
	case item == nil || item.odd():
	case item.choices() != nil:
		f.choose(item.choices(), m)
		f.Kind = manyField
	case len(item.Type) == 1 && item.Type[0] == "string":
		f.Kind = linesField
		f.Hint = strings.TrimSpace(f.Hint + " One a line.")
	}
}

// text makes a line or a box, and what browsers know of its form.
func (f *field) text(n *node) {
	f.Kind, f.Input, f.MinLength, f.MaxLength = textField, "text", n.MinLength.String(), n.MaxLength.String()
	switch n.Format {
	case "email":
		f.Input, f.Example = "email", "ada@example.com"
	case "uri", "url":
		f.Input, f.Example = "url", "https://example.com/"
	case "date", "time", "password":
		f.Input = n.Format
	case "tel", "phone":
		f.Input = "tel"
	case "date-time":
		f.Input = "datetime-local"
	case "textarea", "multiline", "markdown":
		f.Kind = longField
	}
	if n.Format == "date-time" || n.Format == "time" {
		f.Hint = strings.TrimSpace(f.Hint + " In UTC.")
	}
	most, err := n.MaxLength.Int64()
	if f.Input == "text" && (err == nil && most > longText || strings.HasPrefix(n.ContentMediaType, "text/")) {
		f.Kind = longField
	}
}

// choices returns what can be chosen, if the schema is a list of values.
func (n *node) choices() []choice {
	var out []choice
	for _, raw := range n.Enum {
		out = append(out, choice{Label: plain(raw), raw: raw})
	}
	list := n.OneOf
	if list == nil {
		list = n.AnyOf
	}
	if out != nil || list == nil {
		return out
	}
	for _, raw := range list {
		var one node
		if json.Unmarshal(raw, &one) != nil || one.Const == nil {
			return nil
		}
		c := choice{Label: one.Title, Hint: one.Description, raw: one.Const}
		if c.Label == "" {
			c.Label = plain(one.Const)
		}
		out = append(out, c)
	}
	return out
}

// choose makes a field one of choices, which forms know by their number: a
// value may be anything.
func (f *field) choose(choices []choice, m *maker) {
	for i := range choices {
		choices[i].ID, choices[i].Value = m.id(), strconv.Itoa(i)
	}
	f.Choices, f.Kind = choices, radioField
	if len(choices) > fewChoices {
		f.Kind = selectField
	}
}

// nameOf returns the name of a control: a path whose slashes are not those of
// its names.
func nameOf(path []string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	parts := []string{rootName}
	for _, p := range path {
		parts = append(parts, escape.Replace(p))
	}
	return strings.Join(parts, "/")
}

// plain shows a value to people: a text without its quotes.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && s != "" {
		return s
	}
	return compact(raw)
}

// words makes a label of a property's name: orderId is Order id.
func words(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range strings.NewReplacer("_", " ", "-", " ").Replace(name) {
		if unicode.IsUpper(r) && lower {
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(r)
	}
	text := strings.TrimSpace(b.String())
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return name
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// indented writes JSON for people.
func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}
