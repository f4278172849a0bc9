package httpbind

import "strings"

// nearest returns the known name that text is probably a misspelling of.
func nearest(text string, known []string) (name string, ok bool) {
	best := 1 + len(text)/3
	for _, k := range known {
		if d := distance(strings.ToLower(text), strings.ToLower(k)); d <= best && (!ok || d < best) {
			name, best, ok = k, d, true
		}
	}
	return name, ok
}

// distance counts the letters to insert, delete, change or swap with their
// neighbour to make b of a.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
