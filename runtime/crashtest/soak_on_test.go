//go:build soak

package crashtest

const (
	soak   = true
	orders = 1000 // random orders of completion of each script
)
