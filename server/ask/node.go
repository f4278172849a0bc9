// A schema as a form sees it: the keywords that have a control, and properties
// in the order in which they were written.

package ask

import (
	"bytes"
	"encoding/json"
	"fmt"
)

type node struct {
	Ref         string            `json:"$ref"`
	Type        types             `json:"type"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Default     json.RawMessage   `json:"default"`
	Const       json.RawMessage   `json:"const"`
	Enum        []json.RawMessage `json:"enum"`
	OneOf       []json.RawMessage `json:"oneOf"`
	AnyOf       []json.RawMessage `json:"anyOf"`

	Format           string      `json:"format"`
	ContentMediaType string      `json:"contentMediaType"`
	MinLength        json.Number `json:"minLength"`
	MaxLength        json.Number `json:"maxLength"`
	Minimum          json.Number `json:"minimum"`
	Maximum          json.Number `json:"maximum"`
	MultipleOf       json.Number `json:"multipleOf"`

	Properties properties      `json:"properties"`
	Required   []string        `json:"required"`
	Items      json.RawMessage `json:"items"`

	// With any of these, what fits is not for a form to show.
	AllOf             json.RawMessage `json:"allOf"`
	If                json.RawMessage `json:"if"`
	PatternProperties json.RawMessage `json:"patternProperties"`
	PrefixItems       json.RawMessage `json:"prefixItems"`
	DependentSchemas  json.RawMessage `json:"dependentSchemas"`
	DynamicRef        json.RawMessage `json:"$dynamicRef"`
}

// odd reports whether the schema says more than a form can show.
func (n *node) odd() bool {
	for _, raw := range []json.RawMessage{n.AllOf, n.If, n.PatternProperties, n.PrefixItems, n.DependentSchemas, n.DynamicRef} {
		if raw != nil {
			return true
		}
	}
	return false
}

// types are the values of "type": one, or a list.
type types []string

// UnmarshalJSON reads both.
func (t *types) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// property is a schema with a name.
type property struct {
	name   string
	schema json.RawMessage
}

// properties keep their order.
type properties []property

// UnmarshalJSON reads an object.
func (p *properties) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil { // the brace
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		key, ok := name.(string)
		if !ok {
			return fmt.Errorf("%v is not the name of a property", name)
		}
		var schema json.RawMessage
		if err := d.Decode(&schema); err != nil {
			return err
		}
		*p = append(*p, property{key, schema})
	}
	return nil
}

// reader makes nodes of a schema's parts.
type reader struct{ root json.RawMessage }

// maxHops is how many references are followed from one place.
const maxHops = 8

// read returns the node of a schema, with references followed and null taken
// out. Without one, there is no more to say of it than that it is JSON.
func (r reader) read(schema json.RawMessage) (n *node, nullable bool) {
	n = &node{}
	if json.Unmarshal(schema, n) != nil {
		return nil, false
	}
	for range maxHops {
		switch {
		case n.Ref != "":
			target := r.find(n.Ref)
			next := &node{}
			if target == nil || json.Unmarshal(target, next) != nil {
				return nil, false
			}
			n = next.under(n)
		case len(n.Type) == 2 && without(n.Type, "null") != nil:
			n.Type, nullable = without(n.Type, "null"), true
		case len(n.Type) == 0 && orNull(n) != nil:
			next := &node{}
			if json.Unmarshal(orNull(n), next) != nil {
				return nil, false
			}
			n, nullable = next.under(n), true
		default:
			return n, nullable
		}
	}
	return nil, false
}

// under returns n with the words of the schema that refers to it.
func (n *node) under(outer *node) *node {
	if outer.Title != "" {
		n.Title = outer.Title
	}
	if outer.Description != "" {
		n.Description = outer.Description
	}
	if outer.Default != nil {
		n.Default = outer.Default
	}
	return n
}

// find returns the schema that a reference such as #/$defs/name means.
func (r reader) find(ref string) json.RawMessage {
	at := r.root
	for _, token := range pointer(ref) {
		var members map[string]json.RawMessage
		if json.Unmarshal(at, &members) != nil || members[token] == nil {
			return nil
		}
		at = members[token]
	}
	return at
}

// without returns list without what, or nil if it was not in it.
func without(list types, what string) types {
	for i, t := range list {
		if t == what {
			return append(append(types{}, list[:i]...), list[i+1:]...)
		}
	}
	return nil
}

// orNull returns the schema of "this or null", as some libraries write it.
func orNull(n *node) json.RawMessage {
	list := n.AnyOf
	if list == nil {
		list = n.OneOf
	}
	if len(list) != 2 {
		return nil
	}
	for i, raw := range list {
		if compact(raw) == `{"type":"null"}` {
			return list[1-i]
		}
	}
	return nil
}
