//go:build !race

package bench

// raced says that the tests, and so the server, are built with the race
// detector.
const raced = false
