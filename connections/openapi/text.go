package openapi

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	notInName  = regexp.MustCompile(`[^A-Za-z0-9_$]+`)
	identifies = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)
)

// identifier makes the name of a type of the last part of a reference. Its first
// letter is a capital, and so it is no word of the language.
func identifier(ref string) string {
	name := ref[strings.LastIndexByte(ref, '/')+1:]
	name = strings.Trim(notInName.ReplaceAllString(name, "_"), "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return "Type" + name
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// key is the name of a property: as it is where that is an identifier, else quoted.
func key(name string) string {
	if identifies.MatchString(name) {
		return name
	}
	return quote(name)
}

// quote is a text as a literal. JSON's are TypeScript's.
func quote(text string) string {
	b, err := json.Marshal(strings.ToValidUTF8(text, "\uFFFD"))
	if err != nil {
		return strconv.Quote(text) // can not be: it is valid text
	}
	return string(b)
}

// literal is the type of a single value.
func literal(v any) (text string, ok bool) {
	switch v := v.(type) {
	case nil, bool, float64, int, int64, uint64, json.Number:
		b, err := json.Marshal(v)
		return string(b), err == nil
	case string:
		return quote(v), true
	}
	return "", false
}

// union is one of several types, each named once. unknown is all of them.
func union(kinds []string) string {
	kinds = unique(kinds)
	switch {
	case len(kinds) == 0 || slices.Contains(kinds, "unknown"):
		return "unknown"
	case len(kinds) == 1:
		return kinds[0]
	}
	return strings.Join(kinds, " | ")
}

// intersection is all of several types at once; unknown adds nothing.
func intersection(kinds []string) string {
	kinds = slices.DeleteFunc(unique(kinds), func(kind string) bool { return kind == "unknown" })
	switch len(kinds) {
	case 0:
		return "unknown"
	case 1:
		return kinds[0]
	}
	for i := range kinds {
		kinds[i] = enclose(kinds[i])
	}
	return strings.Join(kinds, " & ")
}

func unique(kinds []string) (out []string) {
	for _, kind := range kinds {
		if !slices.Contains(out, kind) {
			out = append(out, kind)
		}
	}
	return out
}

// enclose puts a type in parentheses that an operator would take apart.
func enclose(kind string) string {
	if strings.ContainsAny(kind, "|&") {
		return "(" + kind + ")"
	}
	return kind
}

// braces is an object type; empty if it has no properties.
func braces(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return "{ " + strings.Join(fields, "; ") + " }"
}

// comment is the first line of a text as a comment in a line of its own.
func comment(text, indent string) string {
	const most = 160
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.ReplaceAll(strings.TrimSpace(line), "*/", "*\u200B/")
	if line == "" {
		return ""
	}
	if runes := []rune(line); len(runes) > most {
		line = string(runes[:most]) + "…"
	}
	return indent + "/** " + line + " */\n"
}
