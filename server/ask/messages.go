package ask

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// troubles returns the sentences for what a validation found.
func troubles(e *jsonschema.ValidationError) []trouble {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		var out []trouble
		for _, name := range k.Missing {
			out = append(out, trouble{append(slices.Clone(e.InstanceLocation), name), needed})
		}
		return out
	case *kind.AnyOf, *kind.OneOf, *kind.Not, *kind.Contains:
		// Which of the branches was meant, nobody knows.
		return []trouble{{e.InstanceLocation, sentence(e.ErrorKind)}}
	}
	if len(e.Causes) == 0 {
		return []trouble{{e.InstanceLocation, sentence(e.ErrorKind)}}
	}
	var out []trouble
	for _, cause := range e.Causes {
		out = append(out, troubles(cause)...)
	}
	return out
}

const needed = "This is needed."

// sentence says what is expected, to whoever fills in the form.
func sentence(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return typeSentence(k.Want)
	case *kind.Enum:
		return "Choose one of the choices."
	case *kind.Const:
		if k.Want == true {
			return "This has to be ticked."
		}
		b, err := json.Marshal(k.Want)
		if err != nil {
			return "This can have one value only."
		}
		return fmt.Sprintf("This must be %s.", b)
	case *kind.Format:
		return formatSentence(k.Want)
	case *kind.Pattern:
		return fmt.Sprintf("This does not have the right form; it has to match %s", k.Want)
	}
	if s := sizeSentence(k); s != "" {
		return s
	}
	return partSentence(k)
}

// sizeSentence says how much or how many there may be.
func sizeSentence(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.MinLength:
		if k.Want == 1 {
			return needed
		}
		return fmt.Sprintf("At least %d characters are needed; there are %d.", k.Want, k.Got)
	case *kind.MaxLength:
		return fmt.Sprintf("At most %d characters fit; there are %d.", k.Want, k.Got)
	case *kind.Minimum:
		return fmt.Sprintf("This must be at least %s.", decimal(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("This may be at most %s.", decimal(k.Want))
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("This must be more than %s.", decimal(k.Want))
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("This must be less than %s.", decimal(k.Want))
	case *kind.MultipleOf:
		return fmt.Sprintf("This must be a multiple of %s.", decimal(k.Want))
	case *kind.MinItems:
		return fmt.Sprintf("At least %d are needed; there are %d.", k.Want, k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("There may be at most %d; there are %d.", k.Want, k.Got)
	}
	return ""
}

// partSentence speaks about the parts of lists and objects.
func partSentence(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.UniqueItems:
		return "The same thing is in it twice."
	case *kind.AdditionalProperties:
		return fmt.Sprintf("There is no place for %s.", strings.Join(k.Properties, ", "))
	case *kind.DependentRequired:
		return fmt.Sprintf("With %s, there has to be %s too.", k.Prop, strings.Join(k.Missing, ", "))
	case *kind.FalseSchema:
		return "Nothing may be here."
	}
	return "This does not fit what is expected here."
}

func typeSentence(want []string) string {
	switch strings.Join(want, " ") {
	case "integer":
		return "Write a whole number, such as 12."
	case "number":
		return "Write a number, such as 12.5."
	case "boolean":
		return "This must be true or false."
	case "array":
		return "This must be a list: […]."
	case "object":
		return "This must be an object: {…}."
	case "string":
		return "This must be a text."
	}
	return "This must be of the type " + strings.Join(want, " or ") + "."
}

func formatSentence(format string) string {
	example := map[string]string{
		"email": "an e-mail address, such as ada@example.com", "uri": "a whole web address, such as https://example.com/",
		"date": "a date, such as 2026-11-22", "time": "a time, such as 09:30", "date-time": "a date and time, such as 2026-11-22T09:30:00Z",
		"uuid": "a UUID, such as 01936f2e-7c1b-7d2a-9d51-0a1b2c3d4e5f", "ipv4": "an IP address, such as 192.0.2.1", "hostname": "the name of a host, such as example.com",
	}[format]
	if example == "" {
		return fmt.Sprintf("This is not of the form %s.", format)
	}
	return "Write " + example + "."
}

// decimal writes a number of a schema as people do.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'f', -1, 64)
}
