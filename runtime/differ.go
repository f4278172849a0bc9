package runtime

import (
	"strings"
	"unicode/utf8"

	"reprise/runtime/journal"
)

// differ says how two calls to the same target differ: in their arguments, their
// bodies, or both, and there from where on.
func differ(want, got *journal.Call, load journal.Load) string {
	var parts []string
	for _, p := range []struct {
		name      string
		want, got journal.Payload
	}{{"other arguments", want.Args, got.Args}, {"another body", want.Body.Payload, got.Body.Payload}} {
		if !p.want.Equal(p.got) {
			parts = append(parts, "with "+p.name+part(p.want, p.got, load))
		}
	}
	return strings.Join(parts, ", and ")
}

func part(p, q journal.Payload, load journal.Load) string {
	a, errA := p.Bytes(load)
	b, errB := q.Bytes(load)
	if errA != nil || errB != nil {
		return "" // a large one is only known by its hash
	}
	return ": the journal has " + excerpt(a, b) + ", and the script " + excerpt(b, a)
}

// Bytes that an excerpt shows before and behind the place where two texts part.
const shownBefore, shownBehind = 20, 40

// excerpt is a's text around the first place where it differs from b.
func excerpt(a, b []byte) string {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	from, to := max(at-shownBefore, 0), min(at+shownBehind, len(a))
	for from > 0 && !utf8.RuneStart(a[from]) {
		from--
	}
	for to < len(a) && !utf8.RuneStart(a[to]) {
		to++
	}
	text := strings.ToValidUTF8(string(a[from:to]), "�")
	if from > 0 {
		text = "…" + text
	}
	if to < len(a) {
		text += "…"
	}
	if text == "" {
		return "none"
	}
	return text
}
