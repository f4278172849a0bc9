//go:build linux && !race && !soak

package hostiletest

import "strings"

// sample chooses the scripts of a short test, as run: all that end at once, and
// some of those that take a turn's whole budget, or the wall.
func sample(scripts []Script, tb table) (todo []attempted) {
	const oneOf = 5
	slow := 0
	for _, s := range scripts {
		if want := tb.want(s, Run); strings.Contains(want, "wall") || strings.Contains(want, "turn CPU") {
			if slow++; slow%oneOf != 1 {
				continue
			}
		}
		todo = append(todo, attempted{script: s, shape: Run})
	}
	return todo
}
