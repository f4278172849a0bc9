//go:build race

package worker_test

// raced says that the race detector takes memory, too, several times as much.
const raced = true
