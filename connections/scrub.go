// What a secret may look like when an upstream sends it back: an echo service,
// an error page that quotes the request, a redirect with the query in it. The
// forms a client gives a value on the way out are the ones it may come back in.

package connections

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
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
	plain := jsonText(value, false)
	forms = append(forms, plain, jsonText(value, true), strings.ReplaceAll(plain, "/", `\/`))
	forms = append(forms, base64Cores(raw)...)
	if latin1, ok := toLatin1(value); ok {
		forms = append(forms, latin1)
	}
	return longestFirst(forms)
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
