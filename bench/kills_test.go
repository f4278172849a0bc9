//go:build !soak

package bench

// killed is how often the server is killed under load.
const killed = 3
