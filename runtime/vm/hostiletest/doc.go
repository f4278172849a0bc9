// Package hostiletest proves what a VM stops by itself: it puts each script of
// testdata/hostile into a VM in a process of its own and compares how it ends
// with the table beside the scripts. What only the process around a VM can
// stop is marked there as the wall's, so that progress and regressions show.
//
//	go test ./runtime/vm/hostiletest                    # most scripts, as run
//	go test -tags soak ./runtime/vm/hostiletest         # all of them, in all shapes
//	go test -tags soak ./runtime/vm/hostiletest -update # write the table
//
// The exported part reads the corpus, for other tests.
//
// The one invariant: nothing of the corpus is ever evaluated in a process that
// does anything else. It must not know the engine, the journal or the store.
package hostiletest
