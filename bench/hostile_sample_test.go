//go:build !soak

package bench

import (
	"time"

	"reprise/runtime/vm/hostiletest"
)

// hostileSample are some scripts of each kind, as run, and some of those in the
// other shapes.
func hostileSample(scripts []hostiletest.Script) (attacks []*attack) {
	const oneOf = 8
	for i, s := range scripts {
		if i%oneOf != 0 {
			continue
		}
		shape := hostiletest.Shapes[i/oneOf%3]
		attacks = append(attacks, &attack{Script: s, shape: shape})
	}
	return attacks
}

// oneOfAtTheStart says which part of the scripts a server finds when it starts.
const oneOfAtTheStart = 12

const (
	// floodFor is how long a neighbour is asked during a flood.
	floodFor = 3 * time.Second
	// workerKills is how many workers are killed under load.
	workerKills = 5
	// bombsInAll is how many runs there are of which every hundredth is killed,
	// and bombsFirst after how many the server has to have all it needs.
	bombsInAll = 300
	bombsFirst = 100
)
