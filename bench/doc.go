// Package bench measures the whole program from outside, against plain Go
// doing the same work in the same run.
//
// Every measured program is a process of its own: the mock upstream, the
// plain-Go reference and Reprise. The load comes from the benchmark's process
// over keep-alive connections, in alternating rounds, so that a machine that
// gets slower gets slower for all. What is reported are medians and ratios.
//
//	go test -run '^$' -bench . ./bench
//
// The one invariant: a benchmark fails when an answer is wrong, and never
// because of time.
package bench
