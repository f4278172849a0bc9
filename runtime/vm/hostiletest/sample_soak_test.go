//go:build linux && !race && soak

package hostiletest

// sample chooses all scripts in all shapes.
func sample(scripts []Script, _ table) (todo []attempted) {
	for _, shape := range Shapes {
		for _, s := range scripts {
			todo = append(todo, attempted{script: s, shape: shape})
		}
	}
	return todo
}
