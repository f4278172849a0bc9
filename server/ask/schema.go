package ask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// question is a schema, ready for answers, and the form that is made of it.
type question struct {
	root    *field
	general []string // what is wrong, and with no field in particular
	bare    bool     // it has no schema: yes or no

	schema *jsonschema.Schema
	parts  int
}

// trouble is one thing that is wrong with an answer.
type trouble struct {
	path    []string // names and indexes
	message string   // a sentence
}

// verdict is the schema of questions that have none.
const verdict = `{"type":"boolean"}`

func newQuestion(schema json.RawMessage) (*question, error) {
	q := &question{bare: len(schema) == 0}
	if q.bare {
		schema = json.RawMessage(verdict)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if _, err := count(doc, 0); err != nil {
		return nil, err
	}
	if object, ok := doc.(map[string]any); ok {
		delete(object, "$id") // it names the whole, and nobody asks for the name
	}
	m := &measure{root: doc, known: map[string]int{}}
	if q.parts, err = m.parts(doc); err != nil {
		return nil, err
	}
	if q.schema, err = compile(doc); err != nil {
		return nil, err
	}
	q.root = newForm(schema)
	if q.bare {
		q.root.Choices[0].Label, q.root.Choices[1].Label = "Approve", "Deny"
	}
	return q, nil
}

// alone is a loader that loads nothing: a schema is all there is.
type alone struct{}

// Load refuses.
func (alone) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s, and may refer only to parts of itself", url)
}

func compile(doc any) (*jsonschema.Schema, error) {
	const name = "urn:reprise:ask"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(alone{})
	c.UseRegexpEngine((&matcher{program: maxProgram, matching: maxMatching}).compile)
	if err := c.AddResource(name, doc); err != nil {
		return nil, fmt.Errorf("it can not be read: %w", err)
	}
	schema, err := c.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("it is not a JSON Schema: %w", innermost(err))
	}
	return schema, nil
}

// innermost returns one of the things that are wrong with a schema: all of them
// would be pages.
func innermost(err error) error {
	if schema, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		err = schema.Err
	}
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return err
	}
	for len(invalid.Causes) > 0 {
		invalid = invalid.Causes[0]
	}
	return invalid
}

// check returns what is wrong with an answer.
func (q *question) check(value json.RawMessage) []trouble {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		return []trouble{{message: "This is not valid JSON."}}
	}
	n, err := count(v, 0)
	if err != nil {
		return []trouble{{message: "The answer can not be taken: " + err.Error() + "."}}
	}
	if n*q.parts > maxWork {
		return []trouble{{message: "The answer has too many values for its schema."}}
	}
	err = q.schema.Validate(v)
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		return troubles(invalid)
	}
	return []trouble{{message: "The answer can not be checked: " + err.Error() + "."}}
}
