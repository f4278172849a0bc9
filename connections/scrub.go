// What a secret may look like when an upstream sends it back: an echo service,
// an error page that quotes the request, a redirect with the query in it. The
// forms a client gives a value on the way out are the ones it may come back in.

package connections

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// minScrub is the shortest value that is looked for. Anything shorter is in
	// ordinary text by chance, and replacing it would ruin answers.
	minScrub = 4
	// minCore is the shortest run of base64 that is looked for inside longer
	// base64, where the ends depend on what stands around the value.
	minCore = 12
)

// variantsOf returns the forms in which value is looked for, longest first.
func variantsOf(value string) []string {
	if len(value) < minScrub {
		return nil
	}
	raw := []byte(value)
	forms := []string{
		value,
		base64.StdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
		base64.URLEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
	}
	for _, escaped := range []string{url.QueryEscape(value), url.PathEscape(value)} {
		forms = append(forms, escaped, lowerHex(escaped), strings.ReplaceAll(escaped, "+", "%20"))
	}
	forms = append(forms, jsonForms(value)...)
	forms = append(forms, base64Cores(raw)...)
	if latin1, ok := toLatin1(value); ok {
		forms = append(forms, latin1)
	}
	return longestFirst(forms)
}

// jsonLevels is how deep in JSON strings a value is looked for: an answer may
// quote the body it got, and be quoted in turn.
const jsonLevels = 3

// jsonForms returns value as it stands in a JSON string, in one that quotes
// that, and so on, as the usual encoders write it.
func jsonForms(value string) []string {
	var forms []string
	level := []string{value}
	for range jsonLevels {
		var next []string
		for _, text := range level {
			plain := jsonText(text, false)
			next = append(next, plain, jsonText(text, true), asciiText(plain), strings.ReplaceAll(plain, "/", `\/`))
		}
		level = longestFirst(next)
		forms = append(forms, level...)
	}
	return forms
}

// asciiText escapes what is not ASCII in the text of a JSON string.
func asciiText(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func longestFirst(forms []string) []string {
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(forms)
}

// base64Cores returns what of value's base64 is the same wherever value stands
// in a longer text: for each of the three alignments, without the ends.
func base64Cores(value []byte) []string {
	var cores []string
	for shift := range 3 {
		padded := append(make([]byte, shift), value...)
		whole := len(padded) / 3 * 3
		first := (shift + 2) / 3 * 4 // groups that hold foreign bits
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := enc.EncodeToString(padded[:whole])
			if len(text)-first >= minCore {
				cores = append(cores, text[first:])
			}
		}
	}
	return cores
}

// toLatin1 returns value in the bytes that header lines are made of. ok is
// false where they are the same as its own, or where there are none.
func toLatin1(value string) (latin1 string, ok bool) {
	b := make([]byte, 0, len(value))
	for _, r := range value {
		if r > 0xFF {
			return "", false
		}
		b = append(b, byte(r))
	}
	return string(b), len(b) != len(value)
}

// lowerHex writes percent escapes with small letters, as some servers do.
func lowerHex(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// jsonText returns value as it stands between the quotes of a JSON string.
func jsonText(value string, escapeHTML bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	if err := enc.Encode(value); err != nil {
		panic(err) // strings always encode
	}
	text := strings.TrimSuffix(b.String(), "\n")
	return text[1 : len(text)-1]
}

// scrubber takes credentials out of text. What it looks for is found before it
// is replaced: a text without any, nearly every one, costs a search for each.
type scrubber struct {
	old, new []string
	replacer *strings.Replacer // made at first need
}

func (s *scrubber) add(forms []string, text string) {
	for _, f := range forms {
		s.old = append(s.old, f)
		s.new = append(s.new, text)
	}
	s.replacer = nil
}

func (s *scrubber) bytes(b []byte) []byte {
	if !s.inBytes(b) {
		return b
	}
	return []byte(s.replace(string(b)))
}

func (s *scrubber) inBytes(b []byte) bool {
	return slices.ContainsFunc(s.old, func(old string) bool { return bytes.Contains(b, []byte(old)) })
}

func (s *scrubber) string(text string) string {
	if !s.in(text) {
		return text
	}
	return s.replace(text)
}

func (s *scrubber) in(text string) bool {
	return slices.ContainsFunc(s.old, func(old string) bool { return strings.Contains(text, old) })
}

// replace works in one pass; of two forms that begin at the same place the
// longer one is taken.
func (s *scrubber) replace(text string) string {
	if s.replacer == nil {
		order := make([]int, len(s.old))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return len(s.old[b]) - len(s.old[a]) })
		pairs := make([]string, 0, 2*len(order))
		for _, i := range order {
			pairs = append(pairs, s.old[i], s.new[i])
		}
		s.replacer = strings.NewReplacer(pairs...)
	}
	return s.replacer.Replace(text)
}
