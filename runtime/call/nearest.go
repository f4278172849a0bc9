package call

import "strings"

// longestName bounds what names are compared by: those of people are shorter.
const longestName = 64

// Nearest returns the known name that was probably meant by one that is not
// known, or "". Case makes no difference.
func Nearest(name string, known []string) string {
	name = strings.ToLower(name[:min(len(name), longestName)])
	limit := 1
	if len(name) > 3 {
		limit = max(2, min(4, len(name)/3))
	}
	best, shortest := "", limit+1
	for _, k := range known {
		lower := strings.ToLower(k)
		d := distance(name, lower)
		if len(name) >= 3 && (strings.HasPrefix(lower, name) || strings.HasPrefix(name, lower)) && lower != "" {
			d = min(d, 1) // an abbreviation, or its opposite
		}
		if d < shortest && d < max(len(name), len(lower)) {
			best, shortest = k, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to make b of a.
func distance(a, b string) int {
	a, b = a[:min(len(a), longestName)], b[:min(len(b), longestName)]
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
