package kv

import (
	"bytes"
	"encoding/base64"
	"math"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// tagMark begins every tagged form; text without it is plain JSON.
var tagMark = []byte(`{"$`)

// decode makes the value of stored text.
func (c *codec) decode(text []byte) (goja.Value, error) {
	value, err := c.v.ParseJSON(text)
	if obj, ok := value.(*goja.Object); ok && err == nil && bytes.Contains(text, tagMark) {
		return c.revive(obj)
	}
	return value, err
}

// revive replaces tagged forms. The object comes from the parser, so it is
// plain and no deeper than that allows.
func (c *codec) revive(obj *goja.Object) (goja.Value, error) {
	keys := obj.Keys()
	if obj.ClassName() == "Object" && len(keys) == 1 && keys[0] != "" && keys[0][0] == '$' {
		return c.untag(keys[0], obj.Get(keys[0]))
	}
	return obj, c.reviveMembers(obj, keys)
}

// reviveMembers replaces tagged forms one level below obj and deeper.
func (c *codec) reviveMembers(obj *goja.Object, keys []string) error {
	for _, k := range keys {
		old, ok := obj.Get(k).(*goja.Object)
		if !ok {
			continue
		}
		value, err := c.revive(old)
		if err != nil {
			return err
		}
		if value != goja.Value(old) {
			if err := obj.DefineDataProperty(k, value, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *codec) untag(tag string, content goja.Value) (goja.Value, error) {
	switch tag {
	case "$bytes":
		b, err := base64.StdEncoding.DecodeString(textOf(content))
		if err != nil {
			return nil, badTag(tag)
		}
		return c.uint8Array(b), nil
	case "$date":
		return c.v.Runtime().New(c.date, c.v.Runtime().ToValue(textOf(content)))
	case "$bigint":
		n, err := parseBigInt(textOf(content))
		if err != nil {
			return nil, badTag(tag)
		}
		return c.v.Runtime().ToValue(n), nil
	case "$number":
		return c.specialNumber(textOf(content))
	case "$object":
		if inner, ok := content.(*goja.Object); ok {
			return inner, c.reviveMembers(inner, inner.Keys())
		}
	case "$map", "$set":
		if list, ok := content.(*goja.Object); ok && list.ClassName() == "Array" {
			if err := c.reviveMembers(list, list.Keys()); err != nil {
				return nil, err
			}
			return c.v.Runtime().New(c.collection[map[string]string{"$map": "Map", "$set": "Set"}[tag]], list)
		}
	}
	return nil, badTag(tag)
}

func badTag(tag string) error {
	return call.Errorf(call.CodeInvalidJSON, "the stored value has a %s that makes no sense", tag)
}

// textOf returns the text of a string, or nothing.
func textOf(value goja.Value) string {
	if !goja.IsString(value) {
		return ""
	}
	return value.String()
}

func (c *codec) specialNumber(text string) (goja.Value, error) {
	switch text {
	case "NaN":
		return goja.NaN(), nil
	case "Infinity":
		return goja.PositiveInf(), nil
	case "-Infinity":
		return goja.NegativeInf(), nil
	case "-0":
		return c.v.Runtime().ToValue(math.Copysign(0, -1)), nil
	}
	return nil, badTag("$number")
}
