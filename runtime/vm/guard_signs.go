// What a text does is guessed from its words, and guessed rather too often: a
// guard that was not needed costs two microseconds, and one that is missing a
// worker.

package vm

import "strings"

// doing is what a text does, as far as can be told by looking.
type doing uint8

const (
	// makesHuge: arrays, or things like arrays, whose length was not made
	// element by element.
	makesHuge doing = 1 << iota
	// makesLong: strings that were not made character by character, and
	// replacements that stand for more than they are.
	makesLong
	// makesStrings: strings of any value.
	makesStrings
	// makesLists: JSON with lists of names, or indented.
	makesLists
	// makesCode: code at run time, in which every word may be.
	makesCode
)

// doingOf reads a text once for every sign. Bundles are large, so there is no
// regular expression here.
func doingOf(source string) (d doing) {
	if signsOfCode(source) {
		return ^doing(0)
	}
	if signsOfLength(source) || strings.Contains(source, "Array(") || signsOfIndex(source) {
		d |= makesHuge
	}
	for _, word := range []string{"repeat", "padStart", "padEnd", "$`", "$'"} {
		if strings.Contains(source, word) {
			d |= makesLong
		}
	}
	if anyMatch(source, "String(", func(before byte, _ string) bool { return !isWord(before) }) {
		d |= makesStrings
	}
	if anyMatch(source, "stringify(", func(_ byte, after string) bool {
		end := strings.IndexAny(after, ",;\n")
		return end >= 0 && after[end] == ','
	}) {
		d |= makesLists
	}
	return d
}

// signsOfCode finds eval and the Function constructor.
func signsOfCode(source string) bool {
	return anyMatch(source, "eval", func(before byte, after string) bool {
		return !isWord(before) && (after == "" || !isWord(after[0]))
	}) || anyMatch(source, "Function", func(before byte, after string) bool {
		return !isWord(before) && strings.HasPrefix(strings.TrimLeft(after, " "), "(")
	})
}

// signsOfLength finds a length that is set or made up: length = n, { length: n },
// get length() and "length", but not a.length === n.
func signsOfLength(source string) bool {
	return anyMatch(source, "length", func(before byte, after string) bool {
		if before == '"' || before == '\'' || before == '`' {
			return true
		}
		after = strings.TrimLeft(after, " \t\n")
		if after == "" {
			return false
		}
		assigned := after[0] == '=' && len(after) > 1 && after[1] != '=' && after[1] != '>'
		return assigned || after[0] == ':' || after[0] == '('
	})
}

// signsOfIndex finds an index that is very large: a[4294967290], a[4e9], a[2 ** 31].
func signsOfIndex(source string) bool {
	return anyMatch(source, "[", func(_ byte, after string) bool {
		digits := 0
		for digits < len(after) && after[digits] >= '0' && after[digits] <= '9' {
			digits++
		}
		if digits == 0 {
			return false
		}
		rest := strings.TrimLeft(after[digits:], " ")
		return digits >= 7 || strings.HasPrefix(rest, "e") || strings.HasPrefix(rest, "**")
	})
}

// anyMatch reports whether word is somewhere in the text, between what ok asks
// for. before is 0 at the beginning.
func anyMatch(source, word string, ok func(before byte, after string) bool) bool {
	for from := 0; ; {
		i := strings.Index(source[from:], word)
		if i < 0 {
			return false
		}
		i += from
		before := byte(0)
		if i > 0 {
			before = source[i-1]
		}
		if from = i + len(word); ok(before, source[from:]) {
			return true
		}
	}
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
