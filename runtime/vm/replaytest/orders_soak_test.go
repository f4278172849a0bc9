//go:build soak

package replaytest

// orders is how many random orders of outcomes each script is put through.
const orders = 1000
