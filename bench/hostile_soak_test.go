//go:build soak

package bench

import (
	"time"

	"reprise/runtime/vm/hostiletest"
)

// hostileSample are all scripts in all shapes.
func hostileSample(scripts []hostiletest.Script) (attacks []*attack) {
	for _, shape := range hostiletest.Shapes {
		for _, s := range scripts {
			attacks = append(attacks, &attack{Script: s, shape: shape})
		}
	}
	return attacks
}

// oneOfAtTheStart says which part of the scripts a server finds when it starts.
const oneOfAtTheStart = 2

const (
	// floodFor is how long a neighbour is asked during a flood.
	floodFor = 10 * time.Second
	// workerKills is how many workers are killed under load.
	workerKills = 60
	// bombsInAll is how many runs there are of which every hundredth is killed,
	// and bombsFirst after how many the server has to have all it needs.
	bombsInAll = 10_000
	bombsFirst = 1000
)
