// From the form's fields, as a browser sends them, to the JSON of the answer.
// What a control can not hold is sent on as it was typed, as a text: that it is
// no number is then for the schema to say.

package ask

import (
	"bytes"
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"strings"

	"reprise/runtime/call"
)

// answer reads the whole answer, and keeps what was typed in the fields. Fields
// that can not be read have problems then, and are left out; nil is no answer
// at all.
func (f *field) answer(values url.Values) json.RawMessage {
	value := f.read(values)
	if value == nil && f.Kind == groupField {
		value = json.RawMessage(`{}`)
	}
	if value == nil && len(f.Problems) == 0 {
		f.Problems = []string{needed}
	}
	return value
}

// read returns the field's value; nil if it is not there. An empty control is
// no value: not even an empty text.
func (f *field) read(values url.Values) json.RawMessage {
	switch f.Kind {
	case groupField:
		return f.readGroup(values)
	case fixedField:
		if f.Required {
			return f.fixed
		}
		return nil
	case checkField, verdictField:
		return f.readBool(values)
	case manyField:
		return f.readMany(values)
	}
	f.Value = strings.ReplaceAll(values.Get(f.Name), "\r\n", "\n")
	if strings.TrimSpace(f.Value) == "" {
		if f.nullable && f.Required {
			return json.RawMessage("null")
		}
		return nil
	}
	return f.readText()
}

// readText reads what is one text in the form.
func (f *field) readText() json.RawMessage {
	switch f.Kind {
	case numberField:
		return number(strings.TrimSpace(f.Value))
	case radioField, selectField:
		i, err := strconv.Atoi(f.Value)
		if err != nil || i < 0 || i >= len(f.Choices) {
			f.Problems = append(f.Problems, "Choose one of the choices.")
			return nil
		}
		f.Choices[i].On = true
		return f.Choices[i].raw
	case linesField:
		return f.readLines()
	case jsonField:
		var raw json.RawMessage
		if err := json.Unmarshal([]byte(f.Value), &raw); err != nil {
			f.Problems = append(f.Problems, "This is not valid JSON: "+err.Error()+".")
			return nil
		}
		return raw
	}
	return quote(f.zoned())
}

// zoned returns the text, with the zone that the control leaves out.
func (f *field) zoned() string {
	s := f.Value
	if f.Input != "datetime-local" && f.Input != "time" {
		return s
	}
	_, clock, dated := strings.Cut(s, "T")
	if !dated {
		clock = s
	}
	if len(clock) == len("09:30") {
		s += ":00"
	}
	if !strings.ContainsAny(clock, "Zz+-") {
		s += "Z"
	}
	return s
}

func (f *field) readGroup(values url.Values) json.RawMessage {
	var b bytes.Buffer
	said := false // a box that is not ticked says nothing by itself
	for _, sub := range f.Fields {
		value := sub.read(values)
		if value == nil {
			continue
		}
		said = said || sub.Kind != checkField && sub.Kind != fixedField || sub.On
		b.WriteString(map[bool]string{true: "{", false: ","}[b.Len() == 0])
		b.Write(quote(sub.key))
		b.WriteByte(':')
		b.Write(value)
	}
	switch {
	case !said && !f.Required:
		return nil
	case b.Len() == 0:
		return json.RawMessage(`{}`)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func (f *field) readBool(values url.Values) json.RawMessage {
	value := values.Get(f.Name)
	f.On = value == "true"
	if f.Kind == verdictField && value != "true" && value != "false" {
		return nil
	}
	return strconv.AppendBool(nil, f.On)
}

func (f *field) readMany(values url.Values) json.RawMessage {
	var chosen []json.RawMessage
	for _, value := range values[f.Name] {
		if i, err := strconv.Atoi(value); err == nil && i >= 0 && i < len(f.Choices) && !f.Choices[i].On {
			f.Choices[i].On = true
			chosen = append(chosen, f.Choices[i].raw)
		}
	}
	if chosen == nil && !f.Required {
		return nil
	}
	return list(chosen)
}

func (f *field) readLines() json.RawMessage {
	var lines []json.RawMessage
	for line := range strings.SplitSeq(f.Value, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, quote(line))
		}
	}
	return list(lines)
}

func list(items []json.RawMessage) json.RawMessage {
	out := []byte{'['}
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, item...)
	}
	return append(out, ']')
}

// number keeps the digits of a number as they were typed, if JSON writes it so
// too.
func number(s string) json.RawMessage {
	var n json.Number
	if json.Unmarshal([]byte(s), &n) == nil && s[0] != '"' {
		return json.RawMessage(s)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) { // .5, 5., +5
		return strconv.AppendFloat(nil, f, 'g', -1, 64)
	}
	return quote(s)
}

func quote(s string) json.RawMessage {
	b, err := call.Encode(s)
	if err != nil {
		panic("ask: a text is JSON: " + err.Error())
	}
	return b
}
