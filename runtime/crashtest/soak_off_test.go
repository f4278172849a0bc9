//go:build !soak

package crashtest

const (
	soak   = false
	orders = 50 // random orders of completion of each script
)
